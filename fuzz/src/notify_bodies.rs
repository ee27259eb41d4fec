//! Does an arbitrary message reach those it is for, as it was sent, or is it refused?

use domain::ids::UserId;
use domain::notify::message::{NotifyMessage, Recipients};
use domain::notify::send::check;
use serde_json::Value;

use crate::small_meeting::has_negative_zero;

const SENDER: UserId = UserId(5);

/// Takes the bytes for the body of a message of user 5, and for an entry of the stream that another instance wrote.
///
/// # Panics
/// A message is accepted that the specification refuses or the other way round, or arrives as something else.
pub fn notify_bodies(bytes: &[u8]) {
    let body: Option<Value> = serde_json::from_slice(bytes).ok().filter(|_| !has_negative_zero(bytes));
    match check(bytes, SENDER) {
        Ok(content) => {
            assert!(content.is_ascii() && !content.contains(['\n', '\r']), "{content:?} is no line of ASCII");
            let message = NotifyMessage::parse(content.as_bytes()).expect("what is accepted can be delivered");
            check_line(&message.line);
            if let Some(body) = &body {
                assert!(may_be_sent(body), "{content} is accepted");
                assert_eq!(serde_json::from_str::<Value>(&content).ok().as_ref(), Some(body), "on the stream");
                check_delivered(body, &message);
            }
        }
        Err(error) => {
            assert!(
                !body.as_ref().is_some_and(may_be_sent),
                "refused with {error}: {}",
                String::from_utf8_lossy(bytes)
            );
        }
    }
    if let Ok(message) = NotifyMessage::parse(bytes) {
        check_line(&message.line);
    }
}

fn check_line(line: &str) {
    let text = line.strip_suffix('\n').expect("a line ends");
    assert!(text.is_ascii() && !text.contains(['\n', '\r']), "{line:?} is no line of ASCII");
}

/// (spec: notify.md#send-body)
fn may_be_sent(body: &Value) -> bool {
    let channel: Option<Vec<&str>> = body["channel_id"].as_str().map(|id| id.split(':').collect());
    let all = |field: &str, fits: fn(&Value) -> bool| {
        body[field].is_null() || body[field].as_array().is_some_and(|list| list.iter().all(fits))
    };
    body.is_object()
        && channel.is_some_and(|parts| parts.len() == 3 && parts[1] == SENDER.0.to_string())
        && body["name"].as_str().is_some_and(|name| !name.is_empty() && name != "applause")
        && body.get("message").is_some()
        && (body["to_all"].is_null() || body["to_all"].is_boolean())
        && all("to_users", Value::is_i64)
        && all("to_channels", Value::is_string)
}

/// (spec: notify.md#message, notify.md#receivers)
fn check_delivered(body: &Value, message: &NotifyMessage) {
    let line: Value = serde_json::from_str(&message.line).expect("a line is JSON");
    let expected = serde_json::json!({
        "sender_user_id": SENDER.0,
        "sender_channel_id": body["channel_id"],
        "name": body["name"],
        "message": body["message"],
    });
    assert_eq!(line, expected, "delivered");
    let Recipients { all, users, channels } = &message.recipients;
    assert_eq!(*all, body["to_all"] == true, "to all");
    let named = |field: &str| body[field].as_array().cloned().unwrap_or_default();
    for user in [0, 1, 5, 6, 4_294_967_297_u64] {
        let user_id = Some(UserId(user)).filter(|user| user.0 > 0);
        let is_named = named("to_users").iter().any(|one| one.as_u64() == Some(user));
        assert_eq!(message.recipients.names_user(user_id), is_named, "to user {user}");
    }
    assert!(users.len() <= named("to_users").len() && channels.len() <= named("to_channels").len());
    for channel in channels {
        assert!(named("to_channels").iter().any(|one| *one == channel.to_string()), "to {channel}");
    }
}
