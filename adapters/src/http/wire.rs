//! What do responses look like that are not streams? (spec: http.md#errors)
//!
//! Every body is one line of JSON in ASCII, ended by a line feed.

use domain::json::string_literal;

/// The body of an error.
pub(super) struct ErrorBody<'a> {
    /// The wire name of the kind of error, by which clients distinguish errors.
    pub(super) kind: &'static str,
    /// What is wrong, for people.
    pub(super) message: &'a str,
}

impl ErrorBody<'_> {
    pub(super) fn to_line(&self) -> String {
        let (kind, message) = (string_literal(self.kind), string_literal(self.message));
        format!("{{\"error\": {{\"type\": {kind}, \"msg\": {message}}}}}\n")
    }
}

/// The body of `/system/health`.
pub(super) enum HealthBody<'a> {
    Healthy,
    /// With the reason, for people.
    Unhealthy(&'a str),
}

impl HealthBody<'_> {
    pub(super) fn to_line(&self) -> String {
        match self {
            Self::Healthy => "{\"healthy\": true}\n".to_owned(),
            Self::Unhealthy(reason) => format!("{{\"healthy\": false, \"reason\": {}}}\n", string_literal(reason)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// (spec: http.md#error-text)
    #[test]
    fn bodies_are_escaped_ascii_lines() {
        let message = "\"ä\" \\ 😀\nend";
        for line in [ErrorBody { kind: "invalid_request", message }.to_line(), HealthBody::Unhealthy(message).to_line()]
        {
            assert!(line.is_ascii(), "{line}");
            assert_eq!(line.find('\n'), Some(line.len() - 1), "{line}");
            let value: serde_json::Value = serde_json::from_str(&line).expect(&line);
            let text = value.pointer("/error/msg").or(value.get("reason")).expect(&line);
            assert_eq!(text, message);
        }
    }
}
