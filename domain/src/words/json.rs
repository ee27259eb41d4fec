//! How is JSON text brought into the one form that is sent, and how are single fields read from it?
//!
//! The wire form has no white space between tokens and is pure ASCII (spec: http.md#ascii); strings and numbers keep
//! their bytes.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde::de::{self, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::ids::{GroupId, UserId};

/// Brings JSON text into wire form: drops white space between tokens, and escapes everything above 0x7F as `\uXXXX`.
///
/// # Errors
/// The text is not one JSON value in UTF-8.
pub fn wire_form(text: &[u8]) -> Result<String, serde_json::Error> {
    serde_json::from_slice::<IgnoredAny>(text)?;
    let text = std::str::from_utf8(text).map_err(de::Error::custom)?;
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(quote) = rest.find('"') {
        push_tokens(&mut out, &rest[..quote]);
        let string = &rest[quote..];
        let end = end_of_string(string.as_bytes());
        push_string(&mut out, &string[..end]);
        rest = &string[end..];
    }
    push_tokens(&mut out, rest);
    Ok(out)
}

/// Appends text outside of strings.
fn push_tokens(out: &mut String, text: &str) {
    for part in text.split([' ', '\t', '\n', '\r']) {
        out.push_str(part);
    }
}

/// Returns where the string at the beginning of `text` ends; the text is known to be JSON.
fn end_of_string(text: &[u8]) -> usize {
    let mut index = 1;
    while index < text.len() {
        match text[index] {
            b'"' => return index + 1,
            b'\\' => index += 2,
            _ => index += 1,
        }
    }
    text.len()
}

/// Appends a string with its quotes.
fn push_string(out: &mut String, text: &str) {
    if text.is_ascii() {
        out.push_str(text);
    } else {
        for character in text.chars() {
            push_ascii(out, character);
        }
    }
}

/// Returns what is between the quotes of a JSON string; `None` if the value is not a string.
pub(crate) fn inside(json: &str) -> Option<&str> {
    json.strip_prefix('"')?.strip_suffix('"')
}

/// Returns the JSON string literal of `text`, in ASCII.
#[must_use]
pub fn string_literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    push_string_literal(&mut out, text);
    out
}

fn push_string_literal(out: &mut String, text: &str) {
    out.push('"');
    // The names of fields, which are written for every element, need no escape.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\') {
        out.push_str(text);
    } else {
        for character in text.chars() {
            match character {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\u{0}'..='\u{1f}' => push_escape(out, character as u16),
                _ => push_ascii(out, character),
            }
        }
    }
    out.push('"');
}

/// Appends the JSON object with these fields, each a name and the JSON text of its value.
pub(crate) fn push_object<'a>(out: &mut String, fields: impl Iterator<Item = (&'a str, &'a str)>) {
    out.push('{');
    for (index, (name, text)) in fields.enumerate() {
        if index > 0 {
            out.push(',');
        }
        push_string_literal(out, name);
        out.push(':');
        out.push_str(text);
    }
    out.push('}');
}

fn push_ascii(out: &mut String, character: char) {
    if character.is_ascii() {
        out.push(character);
    } else {
        for unit in character.encode_utf16(&mut [0; 2]) {
            push_escape(out, *unit);
        }
    }
}

fn push_escape(out: &mut String, unit: u16) {
    let _ = write!(out, "\\u{unit:04x}");
}

/// A field that a rule reads has a type the rule cannot use; names the field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("field `{field}` {problem}")]
pub struct FieldError {
    /// The field's name.
    pub field: String,
    /// What was expected of it.
    pub problem: &'static str,
}

impl FieldError {
    /// Creates the error that `field` is not what was `expected`.
    #[must_use]
    pub fn new(field: &str, problem: &'static str) -> Self {
        Self { field: field.to_owned(), problem }
    }
}

/// The fields of a JSON object, in order, each with its unchanged text.
///
/// If a name occurs several times the last one counts, as it does for the client and the server.
#[derive(Debug)]
pub struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Fields<'a> {
    /// Reads the fields of the object `text`; `None` if it is not a JSON object.
    #[must_use]
    pub fn of(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// Returns the text of a field; `None` if it is missing or null.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.raw(name).filter(|text| *text != "null")
    }

    /// Returns the text of a field, even if it is null; `None` only if it is missing.
    #[must_use]
    pub fn raw(&self, name: &str) -> Option<&'a str> {
        self.0.iter().rev().find(|(field, _)| field == name).map(|(_, value)| value.get())
    }

    /// Returns the object with only the last field of each name; `None` if that is all of it.
    #[must_use]
    pub fn last_of_each(&self) -> Option<String> {
        let mut names: Vec<&str> = self.iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        if names.windows(2).all(|pair| pair[0] != pair[1]) {
            return None;
        }
        let mut seen = BTreeSet::new();
        let mut last: Vec<_> = self.0.iter().rev().filter(|(name, _)| seen.insert(name.as_ref())).collect();
        last.reverse();
        let mut object = String::new();
        push_object(&mut object, last.into_iter().map(|(name, value)| (name.as_ref(), value.get())));
        Some(object)
    }

    /// Returns every field with its text, in the order of the object.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &'a str)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value.get()))
    }

    /// Reads a boolean; missing or null is false.
    ///
    /// # Errors
    /// It is something else.
    pub fn boolean(&self, name: &str) -> Result<bool, FieldError> {
        self.typed(name, "is not a boolean").map(Option::unwrap_or_default)
    }

    /// Reads an integer; `None` if missing or null.
    ///
    /// # Errors
    /// It is something else.
    pub fn integer(&self, name: &str) -> Result<Option<i64>, FieldError> {
        self.typed(name, "is not an integer")
    }

    /// Reads a string; `None` if missing or null.
    ///
    /// # Errors
    /// It is something else.
    pub fn string(&self, name: &str) -> Result<Option<String>, FieldError> {
        self.typed(name, "is not a string")
    }

    /// Reads a list of strings; missing or null is empty.
    ///
    /// # Errors
    /// It is something else.
    pub fn strings(&self, name: &str) -> Result<Vec<String>, FieldError> {
        self.typed(name, "is not a list of strings").map(Option::unwrap_or_default)
    }

    /// Reads a user id; missing, null or not positive is nobody (spec: restriction.md#missing-fields).
    ///
    /// # Errors
    /// It is not an integer.
    pub fn user(&self, name: &str) -> Result<Option<UserId>, FieldError> {
        Ok(self.integer(name)?.and_then(positive).map(UserId))
    }

    /// Reads a list of user ids, in order; missing or null is empty.
    ///
    /// # Errors
    /// It is something other than a list of integers.
    pub fn users(&self, name: &str) -> Result<Vec<UserId>, FieldError> {
        Ok(self.positive_integers(name)?.map(UserId).collect())
    }

    /// Reads a list of group ids, in order; missing or null is empty.
    ///
    /// # Errors
    /// It is something other than a list of integers.
    pub fn groups(&self, name: &str) -> Result<Vec<GroupId>, FieldError> {
        Ok(self.positive_integers(name)?.map(GroupId).collect())
    }

    /// Returns the fields of each object of a list; missing or null is empty.
    ///
    /// # Errors
    /// It is something other than a list of objects.
    pub fn objects(&self, name: &str) -> Result<Vec<Fields<'a>>, FieldError> {
        match self.get(name) {
            None => Ok(Vec::new()),
            Some(text) => serde_json::from_str(text).map_err(|_| FieldError::new(name, "is not a list of objects")),
        }
    }

    fn positive_integers(&self, name: &str) -> Result<impl Iterator<Item = u64> + use<>, FieldError> {
        let numbers: Option<Vec<i64>> = self.typed(name, "is not a list of integers")?;
        Ok(numbers.unwrap_or_default().into_iter().filter_map(positive))
    }

    fn typed<T: Deserialize<'a>>(&self, name: &str, problem: &'static str) -> Result<Option<T>, FieldError> {
        self.get(name).map(serde_json::from_str).transpose().map_err(|_| FieldError::new(name, problem))
    }
}

/// Ids are positive; anything else names nobody.
fn positive(number: i64) -> Option<u64> {
    u64::try_from(number).ok().filter(|number| *number > 0)
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;

        impl<'de> Visitor<'de> for FieldsVisitor {
            type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::with_capacity(16);
                while let Some(name) = map.next_key::<FieldName<'de>>()? {
                    fields.push((name.0, map.next_value()?));
                }
                Ok(fields)
            }
        }

        deserializer.deserialize_map(FieldsVisitor).map(Fields)
    }
}

/// A field name that borrows unless it has escapes (`Cow` alone always copies).
#[derive(Deserialize)]
struct FieldName<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(wire_form(text.as_bytes()).expect(text), expected);
    }

    #[test]
    fn wire_form_is_compact_ascii_and_keeps_the_bytes_of_values() {
        check("{ \"a\" : [ 1.50 ,\n\t2e3 , null ] }\r\n", "{\"a\":[1.50,2e3,null]}");
        check(r#"{"a b":"c  d\" e \\"}"#, r#"{"a b":"c  d\" e \\"}"#);
        check(r#"["\\", " x "]"#, r#"["\\"," x "]"#);
        check("[\"ä€😀\"]", r#"["\u00e4\u20ac\ud83d\ude00"]"#);
        check(r#"["\u00E4\/"]"#, r#"["\u00E4\/"]"#);
    }

    #[test]
    fn wire_form_refuses_what_is_not_one_json_value() {
        for text in ["", "{", "{} {}", "[1,]", "{\"a\":1,}", "nul", "\"\n\"", "'a'"] {
            assert!(wire_form(text.as_bytes()).is_err(), "{text:?}");
        }
        assert!(wire_form(b"\"\xff\"").is_err());
    }

    #[test]
    fn string_literals_are_ascii_json() {
        for text in ["", "a\"b\\c", "ü😀\u{2028}", "\n\u{0}\u{7f}"] {
            let literal = string_literal(text);
            assert!(literal.is_ascii());
            assert_eq!(serde_json::from_str::<String>(&literal).expect(&literal), text);
        }
    }

    #[test]
    fn of_a_repeated_field_the_last_counts() {
        let fields = Fields::of(r#"{"a":1,"\u0061":2,"b":null}"#).expect("an object");
        assert_eq!(fields.integer("a"), Ok(Some(2)));
        assert_eq!((fields.get("b"), fields.raw("b")), (None, Some("null")));
    }

    #[test]
    fn fields_of_a_wrong_type_are_errors_and_missing_ones_are_empty() {
        let fields = Fields::of(
            r#"{"a":"x","l":[1,"2"],"f":1.0,"big":99999999999999999999,"neg":-1,"zero":0,"ids":[0,-4,7,2147483649]}"#,
        )
        .expect("an object");
        assert!(fields.boolean("a").is_err());
        assert!(fields.integer("f").is_err());
        assert!(fields.integer("big").is_err());
        assert!(fields.users("l").is_err());
        assert!(fields.objects("l").is_err());
        assert!(fields.strings("l").is_err());
        assert_eq!(fields.boolean("none"), Ok(false));
        assert_eq!(fields.user("zero"), Ok(None));
        assert_eq!(fields.user("neg"), Ok(None));
        assert_eq!(fields.users("ids"), Ok(vec![UserId(7), UserId(2_147_483_649)]));
        assert!(Fields::of("[]").is_none());
    }
}
