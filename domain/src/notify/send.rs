//! May this message be sent, and what is added to the stream? (spec: notify.md#send-body, notify.md#send-stream)

use super::channel_id::user_inside;
use super::message::{APPLAUSE_NAME, Envelope, MessageError};
use crate::ids::UserId;
use crate::json::{Fields, wire_form};

/// How much of a wrong value an error text repeats, in bytes.
const EXCERPT_BYTES_MAX: usize = 40;

/// Checks the body of a request of `sender` and returns what is added to the stream: the same object in wire form.
///
/// # Errors
/// The message may not be sent; the error's text is for the sender.
pub fn check(body: &[u8], sender: UserId) -> Result<String, SendError> {
    let content = wire_form(body).map_err(|error| SendError::InvalidJson(error.to_string()))?;
    let envelope = Envelope::read(&content).map_err(|error| SendError::InvalidJson(explain(&error, &content)))?;
    if envelope.channel_id.as_deref().and_then(user_inside) != Some(sender.0) {
        return Err(SendError::InvalidChannelId);
    }
    match envelope.name.as_deref() {
        None | Some("") => return Err(SendError::Missing("name")),
        Some(APPLAUSE_NAME) => return Err(SendError::ReservedName),
        Some(_) => {}
    }
    if envelope.message.is_none() {
        return Err(SendError::Missing("message"));
    }
    Ok(content)
}

/// Why a message may not be sent. The texts are for the sender, and prescribed to the letter (spec:
/// notify.md#send-errors).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// It is not JSON, not an object, or a field has a wrong type.
    #[error("invalid json: {0}")]
    InvalidJson(String),
    /// The channel id is missing, or is not one of the sender's.
    #[error("invalid channel id")]
    InvalidChannelId,
    /// A required field is missing or empty.
    #[error("notify does not have required field `{0}`")]
    Missing(&'static str),
    /// Applause is counted, not sent.
    #[error("notify name can not be applause")]
    ReservedName,
}

/// Returns the error together with the wrong value, or the beginning of it. The sender knows the value; a log must not
/// contain it.
fn explain(error: &MessageError, content: &str) -> String {
    let value = match error {
        MessageError::Field(error) => Fields::of(content).and_then(|fields| fields.raw(&error.field)),
        MessageError::NotAnObject => Some(content),
        MessageError::Json(_) | MessageError::Missing(_) => None,
    };
    match value {
        None => error.to_string(),
        // Wire form is ASCII, so it can be cut anywhere.
        Some(value) if value.len() > EXCERPT_BYTES_MAX => format!("{error}: {}…", &value[..EXCERPT_BYTES_MAX]),
        Some(value) => format!("{error}: {value}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENDER: UserId = UserId(5);
    /// As large as a body may be (spec: notify.md#send-errors).
    const BODY_BYTES_MAX: usize = 1024 * 1024;

    #[track_caller]
    fn check_accepted(body: &str, expected: &str) {
        assert_eq!(check(body.as_bytes(), SENDER).as_deref(), Ok(expected), "{body}");
    }

    #[track_caller]
    fn check_refused(body: impl AsRef<[u8]>, expected: &str) {
        let error = check(body.as_ref(), SENDER).expect_err("it may not be sent");
        assert_eq!(error.to_string(), expected, "{}", String::from_utf8_lossy(body.as_ref()));
    }

    /// (spec: notify.md#send-stream)
    #[test]
    fn a_message_is_put_on_the_stream_as_compact_ascii_and_otherwise_unchanged() {
        check_accepted(
            "{ \"channel_id\": \"lVbO2irQ:5:0\", \"to_all\": true,\n \"name\": \"\u{fc}\", \"message\": { \"a\": [ 1.50, 2 ] } }",
            r#"{"channel_id":"lVbO2irQ:5:0","to_all":true,"name":"\u00fc","message":{"a":[1.50,2]}}"#,
        );
    }

    #[test]
    fn null_is_a_valid_message_and_counts_as_no_recipients() {
        for body in [
            r#"{"channel_id":"a:5:0","name":"n","message":null}"#,
            r#"{"channel_id":"a:5:0","name":"n","message":1,"to_all":null,"to_users":null,"to_channels":null}"#,
            r#"{"channel_id":"a:5:0","name":"n","message":1,"to_all":false,"to_users":[],"to_channels":[]}"#,
            r#"{"channel_id":"a:5:0","name":"n","message":1,"to_users":[1,-1,0],"to_channels":["x"],"unknown":{}}"#,
            r#"{"channel_id":"a:5:0","name":"n","message":123456789012345678901234567890.0e999}"#,
            r#"{"channel_id":1,"channel_id":"a:5:0","name":"applause","name":"n","message":1}"#,
        ] {
            check_accepted(body, body);
        }
    }

    /// (spec: notify.md#send-body)
    #[test]
    fn the_channel_id_has_to_be_the_senders() {
        for channel_id in [
            r#""lVbO2irQ:6:0""#,
            r#""lVbO2irQ:0:0""#,
            r#""lVbO2irQ:05:0""#,
            r#""lVbO2irQ:5""#,
            r#""lVbO2irQ:5:0:0""#,
            r#""5""#,
            r#""""#,
            r#""Server""#,
            "null",
        ] {
            check_refused(format!(r#"{{"channel_id":{channel_id},"name":"n","message":1}}"#), "invalid channel id");
        }
        check_refused(r#"{"name":"n","message":1}"#, "invalid channel id");
        check_refused("{}", "invalid channel id");
    }

    /// (spec: notify.md#send-body)
    #[test]
    fn name_and_message_are_required() {
        for name in ["", r#""name":"","#, r#""name":null,"#] {
            check_refused(
                format!(r#"{{"channel_id":"a:5:0",{name}"message":1}}"#),
                "notify does not have required field `name`",
            );
        }
        check_refused(r#"{"channel_id":"a:5:0","name":"n"}"#, "notify does not have required field `message`");
    }

    #[test]
    fn only_the_service_sends_applause() {
        for name in ["applause", r"\u0061pplause"] {
            check_refused(
                format!(r#"{{"channel_id":"a:5:0","name":"{name}","message":1}}"#),
                "notify name can not be applause",
            );
        }
        check_accepted(
            r#"{"channel_id":"a:5:0","name":"Applause","message":1}"#,
            r#"{"channel_id":"a:5:0","name":"Applause","message":1}"#,
        );
    }

    /// (spec: notify.md#send-errors)
    #[test]
    fn what_is_not_json_or_of_a_wrong_type_is_refused_with_the_value() {
        check_refused("", "invalid json: EOF while parsing a value at line 1 column 0");
        check_refused("{\"name\"", "invalid json: EOF while parsing an object at line 1 column 7");
        check_refused(b"{\"name\":\"\xff\"}", "invalid json: invalid utf-8 sequence of 1 bytes from index 9");
        check_refused("[1, 2]", "invalid json: the message is not an object: [1,2]");
        check_refused("null", "invalid json: the message is not an object: null");
        check_refused(r#"{"to_all": "yes"}"#, "invalid json: field `to_all` is not a boolean: \"yes\"");
        check_refused(r#"{"to_users":[1,"2"]}"#, "invalid json: field `to_users` is not a list of integers: [1,\"2\"]");
        check_refused(r#"{"to_channels":"a"}"#, "invalid json: field `to_channels` is not a list of strings: \"a\"");
        check_refused(r#"{"channel_id":5}"#, "invalid json: field `channel_id` is not a string: 5");
        check_refused(r#"{"name":true}"#, "invalid json: field `name` is not a string: true");
        check_refused(
            format!(r#"{{"to_all":"{}"}}"#, "x".repeat(1000)),
            &format!("invalid json: field `to_all` is not a boolean: \"{}…", "x".repeat(EXCERPT_BYTES_MAX - 1)),
        );
    }

    #[test]
    fn deep_nesting_is_no_danger_wherever_it_is() {
        let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let deep = deep(BODY_BYTES_MAX / 2 - 100);
        let body = format!(r#"{{"channel_id":"a:5:0","name":"n","message":{deep}}}"#);
        check_accepted(&body, &body);
        for field in ["to_all", "to_users", "to_channels", "channel_id", "name"] {
            let error = check(format!(r#"{{"{field}":{deep}}}"#).as_bytes(), SENDER).expect_err(field);
            assert!(error.to_string().starts_with(&format!("invalid json: field `{field}` is not a")), "{error}");
        }
        let error = check("[".repeat(BODY_BYTES_MAX).as_bytes(), SENDER).expect_err("not closed");
        assert!(error.to_string().starts_with("invalid json: EOF"), "{error}");
    }
}
