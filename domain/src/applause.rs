//! How loud is the applause, and who is notified? (spec: notify.md#applause-level)

use crate::meeting::Meeting;
use crate::notify::message::NotifyMessage;

/// The configuration value that says for how many seconds applause counts.
pub const TIMEOUT_CONFIG: &str = "general_system_stream_applause_timeout";

/// For how many seconds applause counts if the configuration does not say so.
pub const TIMEOUT_SECONDS_DEFAULT: u64 = 5;

/// How old applause may be before it is forgotten, in seconds.
pub const KEPT_SECONDS: u64 = 60;

/// What counting needs to know about the meeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Audience {
    /// For how many seconds applause counts; applause from exactly that many seconds ago still does.
    pub timeout_seconds: u64,
    /// How many users are present.
    pub present_users: u64,
}

impl Audience {
    /// Returns the audience of a meeting.
    #[must_use]
    pub fn of(meeting: &Meeting) -> Self {
        Self {
            timeout_seconds: timeout_seconds(meeting.config(TIMEOUT_CONFIG)),
            present_users: meeting.present_users(),
        }
    }
}

/// A value that is not a number of seconds counts as not configured.
fn timeout_seconds(config: Option<&str>) -> u64 {
    config.and_then(|text| serde_json::from_str(text).ok()).unwrap_or(TIMEOUT_SECONDS_DEFAULT)
}

/// Decides what listeners receive about the applause level.
#[derive(Debug, Default)]
pub struct ApplauseCounter {
    last_level: u64,
}

impl ApplauseCounter {
    /// Returns the message to everybody after a count; `None` if it is still silent.
    pub fn counted(&mut self, level: u64, present_users: u64) -> Option<NotifyMessage> {
        let last_level = std::mem::replace(&mut self.last_level, level);
        (level > 0 || last_level > 0).then(|| NotifyMessage::applause(level, present_users))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::ChangeId;
    use crate::ports::element_store::{Bounds, RawElement, Snapshot};

    #[track_caller]
    fn check_timeout(config: Option<&str>, expected: u64) {
        assert_eq!(timeout_seconds(config), expected, "{config:?}");
    }

    #[test]
    fn the_timeout_is_configured_or_five_seconds() {
        check_timeout(Some("7"), 7);
        check_timeout(Some("0"), 0);
        check_timeout(Some("90"), 90);
        check_timeout(None, 5);
        for wrong in ["null", "\"7\"", "7.5", "-1", "true", "[7]", "{}", "99999999999999999999", ""] {
            check_timeout(Some(wrong), 5);
        }
    }

    #[test]
    fn the_audience_is_read_from_the_meeting() {
        let element = |key: &str, json: &str| RawElement { key: key.into(), json: Some(json.into()) };
        let timeout = format!(r#"{{"id":9,"key":"{TIMEOUT_CONFIG}","value":12}}"#);
        let elements = vec![
            element("core/config:9", &timeout),
            element("users/user:1", r#"{"id":1,"is_present":true}"#),
            element("users/user:2", r#"{"id":2,"is_present":false}"#),
            element("users/user:130", r#"{"id":130,"is_present":true}"#),
        ];
        let bounds = Bounds { lowest: ChangeId(1), highest: ChangeId(1) };
        let audience = |elements| Audience::of(&Meeting::load(Snapshot { bounds, elements }, None).meeting);
        assert_eq!(audience(elements), Audience { timeout_seconds: 12, present_users: 2 });
        assert_eq!(audience(Vec::new()), Audience { timeout_seconds: 5, present_users: 0 });
    }

    #[test]
    fn only_the_first_silence_is_sent() {
        let mut counter = ApplauseCounter::default();
        let sent = [0, 3, 3, 0, 0, 1, 0, 0].map(|level| counter.counted(level, 120).map(|message| message.line));
        let expected = [None, Some(3), Some(3), Some(0), None, Some(1), Some(0), None];
        for (sent, expected) in sent.iter().zip(expected) {
            let expected = expected.map(|level| NotifyMessage::applause(level, 120).line);
            assert_eq!(*sent, expected);
        }
    }
}
