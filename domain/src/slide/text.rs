//! How is the JSON text of a slide assembled?
//!
//! Values keep the text they have in their element. A string that is joined from others is joined as it appears between
//! the quotes: in wire form that is ASCII with every escape in place, so nothing is decoded or encoded.

/// A JSON object as it is written, field by field.
pub(crate) struct Object(String);

impl Object {
    pub(crate) fn new() -> Self {
        Self("{".to_owned())
    }

    /// Adds a field; `json` is the text of its value. Field names are our own: ASCII without anything to escape.
    pub(crate) fn add(&mut self, name: &str, json: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0.push('"');
        self.0.push_str(name);
        self.0.push_str("\":");
        self.0.push_str(json);
    }

    pub(crate) fn with(mut self, name: &str, json: &str) -> Self {
        self.add(name, json);
        self
    }

    pub(crate) fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

/// Returns the text of a JSON list of these values.
pub(crate) fn list(items: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let mut out = "[".to_owned();
    for item in items {
        if out.len() > 1 {
            out.push(',');
        }
        out.push_str(item.as_ref());
    }
    out.push(']');
    out
}

/// Returns the JSON string with this text between its quotes.
pub(crate) fn quoted(inside: &str) -> String {
    format!("\"{inside}\"")
}

/// Returns the text of a JSON boolean.
pub(crate) const fn boolean(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::inside;

    #[test]
    fn objects_and_lists_are_compact() {
        assert_eq!(Object::new().finish(), "{}");
        assert_eq!(Object::new().with("a", "1").with("b", &quoted("x")).finish(), r#"{"a":1,"b":"x"}"#);
        assert_eq!(list([""; 0]), "[]");
        assert_eq!(list(["1", "{}"]), "[1,{}]");
        assert_eq!((inside(r#""a\"b""#), inside("1"), inside("null")), (Some(r#"a\"b"#), None, None));
    }
}
