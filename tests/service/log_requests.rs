//! What is logged about requests, and about sessions that are refused? (spec: auth.md#secret-in-logs)

use adapters::django::DjangoSecret;
use adapters::testing::fake_redis::FakeRedis;
use serde_json::{Value, json};

use crate::harness::{Browser, Failure, Meeting, Process, SECRET};

/// Sends a request, which must be answered with `status`, and returns its line in the log.
async fn line(process: &mut Process, browser: &Browser, path: &str, status: u16) -> Value {
    let response = browser.get(path).await;
    assert_eq!(response.status().as_u16(), status, "{path}");
    let id = response.headers()["x-request-id"].to_str().expect("ASCII").to_owned();
    loop {
        let line = process.until_logged(&id).await;
        if line["message"] == "answered a request" {
            assert_eq!((&line["status"], &line["span"]["request_id"]), (&json!(status), &json!(id)), "{line}");
            assert!(line["duration_ms"].as_f64().is_some_and(|milliseconds| milliseconds >= 0.0), "{line}");
            return line;
        }
    }
}

/// (spec: http.md#request-log)
#[tokio::test]
async fn at_debug_every_request_is_logged() {
    let redis = FakeRedis::start().await.expect("a port");
    let meeting = Meeting::start(&redis.address()).await;
    let cookie = meeting.log_in(3).await;
    let mut process = Process::serve(redis.port(), &[("LOG_LEVEL", "debug")]).await;
    process.browser().until_healthy().await;
    let (anonymous, user) = (process.browser(), process.browser().with_cookie(&cookie));
    for (browser, path, status, route, user) in [
        (&user, "/system/autoupdate", 200, "/system/autoupdate", json!(3)),
        (&user, "/system/notify/send", 400, "/system/notify/send", json!(3)),
        (&anonymous, "/system/projector?projector_ids=1", 200, "/system/projector", json!(0)),
        (&anonymous, "/system/applause", 400, "/system/applause", json!(0)),
        (&anonymous, "/system/health", 200, "/system/health", Value::Null),
        (&anonymous, "/nowhere", 404, "other", Value::Null),
    ] {
        let line = line(&mut process, browser, path, status).await;
        assert_eq!((&line["span"]["route"], &line["span"]["user"]), (&json!(route), &user), "{line}");
        assert_eq!(line["span"]["refusal"], Value::Null, "{line}");
        assert!(!line.to_string().contains("nowhere"), "{line}");
    }
}

/// (spec: http.md#request-log)
#[tokio::test]
async fn at_info_no_request_is_logged() {
    let redis = FakeRedis::start().await.expect("a port");
    Meeting::start(&redis.address()).await;
    let mut process = Process::serve(redis.port(), &[]).await;
    process.browser().until_healthy().await;
    let response = process.browser().with_cookie("missing").get("/system/autoupdate").await;
    assert!(response.status() == 400 && !response.headers().contains_key("x-request-id"), "{response:?}");
    process.signal("TERM").await;
    assert_eq!(process.status().await, Some(0));
    assert!(!process.logged.iter().any(|line| line.contains("request")), "{:#?}", process.logged);
}

#[tokio::test]
async fn at_debug_the_log_says_why_a_session_was_refused() {
    let redis = FakeRedis::start().await.expect("a port");
    let mut meeting = Meeting::start(&redis.address()).await;
    let mut process = Process::serve(redis.port(), &[("LOG_LEVEL", "debug")]).await;
    process.browser().until_healthy().await;
    let foreign = DjangoSecret::new("another").encode_session("{\"_auth_user_id\": \"3\"}");
    meeting.server.set("session:foreign", foreign.as_bytes()).await;
    meeting.server.set("session:garbage", b"$$$").await;
    meeting.set_session("inactive", &json!({"_auth_user_id": "207"})).await;
    meeting.set_session("old", &json!({"_auth_user_id": "3", "_auth_user_hash": "old"})).await;
    meeting.set_session("unreadable", &json!({"_auth_user_id": "4"})).await;
    meeting.set_session("deleted", &json!({"_auth_user_id": "123456"})).await;
    let user = |id: u64, more: Value| {
        let mut user = json!({"id": id, "is_active": true, "groups_id": [2]});
        user.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        user
    };
    let anonymous = meeting.config_key("general_system_enable_anonymous");
    let off = meeting.with(&anonymous, json!({"value": false}));
    meeting.change(&[("users/user:3", user(3, json!({"session_auth_hash": "old"})))]).await;
    let before = meeting.mark().await;
    process.browser().watch().await.until(before).await;
    meeting.change(&[("users/user:3", user(3, json!({"session_auth_hash": "new"})))]).await;
    meeting.change(&[("users/user:4", user(4, json!({"groups_id": "none"}))), (&anonymous, off)]).await;

    let invalid = "Invalid session data";
    let not_enabled = "Anonymous is not enabled.";
    for (cookie, text, user, refusal) in [
        (Some("missing"), invalid, Value::Null, "there is no such session"),
        (Some("not a key"), invalid, Value::Null, "the cookie cannot be the key of a session"),
        (Some("foreign"), invalid, Value::Null, "the session is signed with another secret"),
        (Some("garbage"), invalid, Value::Null, "the session cannot be decoded"),
        (Some("deleted"), not_enabled, json!(123_456), "the user does not exist, and anonymous access is off"),
        (Some("inactive"), "This user is not active.", json!(207), "the user is not active"),
        (Some("old"), invalid, json!(3), "the password was changed after the login"),
        (
            Some("unreadable"),
            "The rights of this user cannot be read.",
            json!(4),
            "the element of the user cannot be read",
        ),
        (None, not_enabled, json!(0), "nobody is logged in, and anonymous access is off"),
    ] {
        let browser = process.browser();
        let browser = cookie.map_or(browser.clone(), |cookie| browser.with_cookie(cookie));
        let failure: Failure = browser.failure("/system/autoupdate").await;
        assert_eq!(failure, Failure::new(400, "auth_required", text), "{cookie:?}");
        let line = line(&mut process, &browser, "/system/autoupdate", 400).await;
        assert_eq!((&line["span"]["refusal"], &line["span"]["user"]), (&json!(refusal), &user), "{line}");
    }
}

#[tokio::test]
async fn at_info_the_log_says_that_sessions_are_signed_with_another_secret() {
    let redis = FakeRedis::start().await.expect("a port");
    let meeting = Meeting::start(&redis.address()).await;
    let mut process = Process::serve(redis.port(), &[]).await;
    process.browser().until_healthy().await;
    let foreign = DjangoSecret::new("another").encode_session("{\"_auth_user_id\": \"3\"}");
    for session in ["one", "two"] {
        meeting.server.set(&format!("session:{session}"), foreign.as_bytes()).await;
    }
    meeting.server.set("session:garbage", b"$$$").await;
    for session in ["missing", "garbage", "one", "two", "one"] {
        let failure = process.browser().with_cookie(session).failure("/system/autoupdate").await;
        assert_eq!((failure.status, failure.kind.as_str()), (400, "auth_required"), "{session}");
    }
    let line = process.until_logged("another secret").await;
    assert_eq!((&line["level"], &line["sessions"]), (&json!("INFO"), &json!(1)), "{line}");
    let text = line["message"].as_str().expect("text");
    assert!(text.starts_with("1 session in the last minute was signed with another secret than that in /"), "{text}");
    process.signal("TERM").await;
    assert_eq!(process.status().await, Some(0));
    let logged = process.logged.join("\n");
    // The second session came within the same minute.
    assert_eq!(logged.matches("another secret").count(), 1, "{logged}");
    for word in ["one\"", "garbage", SECRET, &foreign] {
        assert!(!logged.contains(word), "{word:?}: {logged}");
    }
}
