//! What does a notify message say, to whom, and what does it look like on the wire? (spec: notify.md#message)

use serde::Deserialize;

use super::channel_id::{ChannelId, user_inside, user_of_number};
use crate::ids::UserId;
use crate::json::{FieldError, Fields, string_literal, wire_form};

/// The name of the messages that report the applause level; nobody else may use it.
pub const APPLAUSE_NAME: &str = "applause";

/// A message on its way to the listeners: read once and written once, however many there are.
#[derive(Clone, Debug)]
pub struct NotifyMessage {
    /// Who receives it.
    pub recipients: Recipients,
    /// What each of them gets: one line of JSON in ASCII, including its line end.
    pub line: String,
}

impl NotifyMessage {
    /// Reads an entry of the stream `notify`.
    ///
    /// # Errors
    /// It is not an object with what a line needs; such an entry is skipped. The error's text contains nothing of the
    /// content.
    pub fn parse(entry: &[u8]) -> Result<Self, MessageError> {
        let entry = wire_form(entry).map_err(|error| MessageError::Json(error.to_string()))?;
        let Envelope { channel_id, name, message, recipients } = Envelope::read(&entry)?;
        let channel_id = channel_id.unwrap_or_default();
        let name = name.ok_or(MessageError::Missing("name"))?;
        let message = message.ok_or(MessageError::Missing("message"))?;
        Ok(Self { recipients, line: line(user_inside(&channel_id).unwrap_or(0), &channel_id, &name, message) })
    }

    /// Returns the message that `level` of `present_users` users applaud (spec: notify.md#applause-message).
    #[must_use]
    pub fn applause(level: u64, present_users: u64) -> Self {
        let message = format!(r#"{{"level":{level},"presentUsers":{present_users}}}"#);
        let recipients = Recipients { all: true, ..Recipients::default() };
        Self { recipients, line: line(0, "Server", APPLAUSE_NAME, &message) }
    }
}

/// Returns the line that tells a client its channel id, under both names that clients know.
#[must_use]
pub fn channel_line(id: ChannelId) -> String {
    format!("{{\"channel_id\":\"{id}\",\"channelID\":\"{id}\"}}\n")
}

fn line(sender: u64, channel_id: &str, name: &str, message: &str) -> String {
    let (channel_id, name) = (string_literal(channel_id), string_literal(name));
    format!(
        "{{\"sender_user_id\":{sender},\"sender_channel_id\":{channel_id},\"name\":{name},\"message\":{message}}}\n"
    )
}

/// Who receives a message: everyone who is matched in at least one way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recipients {
    /// Everybody who listens.
    pub all: bool,
    /// Every connection of these users, ascending, each once; `None` is anonymous, which has user id 0.
    pub users: Box<[Option<UserId>]>,
    /// These connections, ascending, each once. A text that is not a channel id of this service matches no connection.
    pub channels: Box<[ChannelId]>,
}

impl Recipients {
    /// Returns whether the user's connections are among the named receivers.
    #[must_use]
    pub fn names_user(&self, user: Option<UserId>) -> bool {
        self.users.binary_search(&user).is_ok()
    }

    /// Returns whether the connection is among the named receivers, by its own id or its user's.
    #[must_use]
    pub fn names(&self, channel: ChannelId) -> bool {
        self.names_user(channel.user) || self.channels.binary_search(&channel).is_ok()
    }
}

/// Why a text is not a message. Contains nothing of what the message says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// It is not JSON.
    #[error("{0}")]
    Json(String),
    /// It is JSON, but not an object.
    #[error("the message is not an object")]
    NotAnObject,
    /// A field has a wrong type.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// A field that a listener needs is missing.
    #[error("field `{0}` is missing")]
    Missing(&'static str),
}

/// The fields of a message as they were sent, missing or not.
pub(super) struct Envelope<'a> {
    pub(super) channel_id: Option<String>,
    pub(super) name: Option<String>,
    /// The JSON text; `null` is a value.
    pub(super) message: Option<&'a str>,
    pub(super) recipients: Recipients,
}

impl<'a> Envelope<'a> {
    /// Reads the fields of `text`, which is in wire form. Unknown fields are ignored; `null` in any field but `message`
    /// counts as missing.
    pub(super) fn read(text: &'a str) -> Result<Self, MessageError> {
        if !text.starts_with('{') {
            return Err(MessageError::NotAnObject);
        }
        // It is JSON, and yet a field name may not be valid text: half a surrogate pair.
        let fields: Fields<'a> = serde_json::from_str(text).map_err(|error| MessageError::Json(error.to_string()))?;
        let users: Vec<i64> = list(&fields, "to_users", "is not a list of integers")?;
        let channels: Vec<String> = list(&fields, "to_channels", "is not a list of strings")?;
        Ok(Self {
            channel_id: fields.string("channel_id")?,
            name: fields.string("name")?,
            message: fields.raw("message"),
            recipients: Recipients {
                all: fields.boolean("to_all")?,
                // Nobody has a negative id.
                users: set(users.into_iter().filter_map(|id| u64::try_from(id).ok()).map(user_of_number)),
                channels: set(channels.iter().filter_map(|id| id.parse().ok())),
            },
        })
    }
}

/// A list; missing or null is empty.
fn list<'a, T: Deserialize<'a>>(
    fields: &Fields<'a>,
    name: &'static str,
    problem: &'static str,
) -> Result<Vec<T>, FieldError> {
    match fields.get(name) {
        None => Ok(Vec::new()),
        Some(text) => serde_json::from_str(text).map_err(|_| FieldError::new(name, problem)),
    }
}

fn set<T: Ord>(items: impl Iterator<Item = T>) -> Box<[T]> {
    let mut items: Vec<T> = items.collect();
    items.sort_unstable();
    items.dedup();
    items.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(entry: &str, expected: &str) {
        let message = NotifyMessage::parse(entry.as_bytes()).expect(entry);
        assert_eq!(message.line, format!("{expected}\n"));
    }

    #[track_caller]
    fn check_error(entry: &[u8], expected: &MessageError) {
        assert_eq!(NotifyMessage::parse(entry).as_ref().err(), Some(expected), "{}", String::from_utf8_lossy(entry));
    }

    /// (spec: notify.md#message)
    #[test]
    fn the_line_names_the_sender_and_holds_the_message_unchanged() {
        check(
            r#"{"channel_id":"lVbO2irQ:1:0","to_all":true,"name":"swap","message":{"b":1.50,"a":[true,null,"x"]}}"#,
            r#"{"sender_user_id":1,"sender_channel_id":"lVbO2irQ:1:0","name":"swap","message":{"b":1.50,"a":[true,null,"x"]}}"#,
        );
        check(
            r#"{"channel_id":"a:4294967296:0","name":"n","message":[1e400,123456789012345678901234567890,-0.0]}"#,
            r#"{"sender_user_id":4294967296,"sender_channel_id":"a:4294967296:0","name":"n","message":[1e400,123456789012345678901234567890,-0.0]}"#,
        );
    }

    #[test]
    fn a_line_is_one_line_of_ascii_however_the_entry_is_written() {
        check(
            "{ \"channel_id\" : \"a:2:0\",\r\n \"name\" : \"gr\u{fc}n \\n\" ,\n\"message\" : [ \"\u{1f600}\\n\" ,\t2 ] }",
            r#"{"sender_user_id":2,"sender_channel_id":"a:2:0","name":"gr\u00fcn \u000a","message":["\ud83d\ude00\n",2]}"#,
        );
    }

    #[test]
    fn a_sender_without_user_id_is_user_0() {
        for (field, shown) in [
            (r#""channel_id":"Server","#, "Server"),
            (r#""channel_id":"lVbO2irQ:0:5","#, "lVbO2irQ:0:5"),
            (r#""channel_id":"a:x:1","#, "a:x:1"),
            (r#""channel_id":null,"#, ""),
            ("", ""),
        ] {
            check(
                &format!(r#"{{{field}"name":"n","message":null}}"#),
                &format!(r#"{{"sender_user_id":0,"sender_channel_id":"{shown}","name":"n","message":null}}"#),
            );
        }
    }

    #[test]
    fn of_a_repeated_field_the_last_counts_and_unknown_ones_are_ignored() {
        check(
            r#"{"channel_id":"a:1:0","name":"x","name":"y","message":1,"message":2,"channel_id":"a:2:0","more":[[]]}"#,
            r#"{"sender_user_id":2,"sender_channel_id":"a:2:0","name":"y","message":2}"#,
        );
    }

    #[test]
    fn recipients_are_sets_of_possible_ids() {
        let entry = r#"{"name":"n","message":0,"to_users":[7,0,7,-3,4294967296],
            "to_channels":["lVbO2irQ:1:2","x","","lVbO2irQ:01:2","lVbO2irQ:1:2","lVbO2irQ:0:1"]}"#;
        let recipients = NotifyMessage::parse(entry.as_bytes()).expect(entry).recipients;
        assert!(!recipients.all);
        assert_eq!(*recipients.users, [None, Some(UserId(7)), Some(UserId(1 << 32))]);
        assert_eq!(
            recipients.channels.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["lVbO2irQ:0:1", "lVbO2irQ:1:2"]
        );
    }

    #[test]
    fn entries_that_are_no_messages_are_errors() {
        use MessageError::{Field, Missing, NotAnObject};
        check_error(b"[]", &NotAnObject);
        check_error(b"7", &NotAnObject);
        check_error(br#"{"message":1}"#, &Missing("name"));
        check_error(br#"{"name":null,"message":1}"#, &Missing("name"));
        check_error(br#"{"name":"n"}"#, &Missing("message"));
        for (text, field, problem) in [
            (r#"{"to_all":1}"#, "to_all", "is not a boolean"),
            (r#"{"to_users":{}}"#, "to_users", "is not a list of integers"),
            (r#"{"to_users":[1.0]}"#, "to_users", "is not a list of integers"),
            (r#"{"to_users":[null]}"#, "to_users", "is not a list of integers"),
            (r#"{"to_users":[99999999999999999999]}"#, "to_users", "is not a list of integers"),
            (r#"{"to_channels":[1]}"#, "to_channels", "is not a list of strings"),
            (r#"{"channel_id":1}"#, "channel_id", "is not a string"),
            (r#"{"name":[]}"#, "name", "is not a string"),
        ] {
            check_error(text.as_bytes(), &Field(FieldError::new(field, problem)));
        }
        for text in [&b""[..], b"{", b"\xff", b"{\"name\":\"\xff\"}", b"{} {}", b"nonsense", br#"{"\ud800":1}"#] {
            assert!(matches!(NotifyMessage::parse(text), Err(MessageError::Json(_))), "{text:?}");
        }
    }

    /// (spec: notify.md#listen, notify.md#applause-message)
    #[test]
    fn the_texts_for_clients_are_as_specified() {
        let id: ChannelId = "lVbO2irQ:1:0".parse().expect("a channel id");
        assert_eq!(channel_line(id), "{\"channel_id\":\"lVbO2irQ:1:0\",\"channelID\":\"lVbO2irQ:1:0\"}\n");
        let applause = NotifyMessage::applause(3, 120);
        assert!(applause.recipients.all);
        assert_eq!(
            applause.line,
            "{\"sender_user_id\":0,\"sender_channel_id\":\"Server\",\"name\":\"applause\",\
             \"message\":{\"level\":3,\"presentUsers\":120}}\n"
        );
    }
}
