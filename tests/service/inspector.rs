//! Does the service explain to superadmins, and to support on a terminal, why somebody sees something or not?

use adapters::testing::fake_redis::FakeRedis;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Failure, Meeting, Process, run, run_unread, secret_file, with_redis};

/// Runs a command on this Redis. Returns its status, standard output and standard error.
async fn ask(port: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = run(arguments, &[("MESSAGE_BUS_HOST", "127.0.0.1"), ("MESSAGE_BUS_PORT", port)]).await;
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// (spec: inspector.md#commands)
#[tokio::test]
async fn the_commands_read_the_meeting_in_redis_and_write_nothing() {
    let redis = FakeRedis::start().await.expect("a port");
    let meeting = Meeting::start(&redis.address()).await;
    let port = redis.port().to_string();
    redis.take_commands();

    let (status, out, _) = ask(&port, &["explain", "--user", "3", "motions/motion:1"]).await;
    assert_eq!(status, Some(0), "{out}");
    assert!(out.starts_with("motions/motion:1 is visible in part to user 3 (Delegates (3)).\n"), "{out}");
    assert!(out.contains("  the permission motions.can_see? yes, by Delegates (3)\n"), "{out}");

    let (status, out, _) = ask(&port, &["view", "--user", "3", "core/tag:1"]).await;
    let seen: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((status, &seen["core/tag:1"]), (Some(0), &meeting.elements["core/tag:1"]));

    let (status, out, _) = ask(&port, &["view", "--user", "3", "--compare", "1", "motions/motion:1"]).await;
    let differences: Value = serde_json::from_str(&out).expect("JSON");
    let whole = &meeting.elements["motions/motion:1"]["comments"];
    assert_eq!((status, &differences["motions/motion:1"]["comments"]["second"]), (Some(0), whole));
    assert_eq!(differences["motions/motion:1"].as_object().map(|fields| fields.len()), Some(1), "{differences}");

    for anonymous in ["anonymous", "0"] {
        let (status, out, _) = ask(&port, &["view", "--user", anonymous]).await;
        let seen: Value = serde_json::from_str(&out).expect("JSON");
        assert_eq!(status, Some(0));
        assert_eq!(seen, serde_json::to_value(meeting.view(0)).expect("JSON"), "{anonymous}");
    }

    let commands = redis.take_commands();
    let written =
        |name: &&String| ["DEL", "EVAL", "EVALSHA", "EXPIRE", "HSET", "SET", "XADD", "ZADD"].contains(&name.as_str());
    assert!(!commands.is_empty() && !commands.iter().any(|name| written(&name)), "{commands:?}");
}

/// (spec: inspector.md#commands)
#[tokio::test]
async fn a_reader_that_has_seen_enough_is_no_error() {
    for arguments in
        [&["view", "--demo", "--user", "1"][..], &["explain", "--demo", "--user", "3", "motions/motion:1"], &["--help"]]
    {
        let output = run_unread(arguments, &[]).await;
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), &*error), (Some(0), ""), "{arguments:?}");
    }
}

/// (spec: inspector.md#commands)
#[tokio::test]
async fn questions_that_cannot_be_answered_say_why() {
    let redis = FakeRedis::start().await.expect("a port");
    let port = redis.port().to_string();
    let (status, _, error) = ask(&port, &["view", "--user", "3"]).await;
    assert!(status == Some(1) && error.contains("has not filled its cache yet"), "{error}");
    let _meeting = Meeting::start(&redis.address()).await;
    for (arguments, status, expected) in [
        (&["view", "--user", "999"][..], 1, "user 999 does not exist in this meeting"),
        (&["view", "--user", "3", "users/personal-note:1"], 1, "`explain` tells why"),
        (&["view", "--user", "x"], 2, "expected the id of a user, or `anonymous`"),
        (&["explain", "--user", "3", "motion:1"], 2, "a collection that has a rule"),
        (&["explain", "--user", "3", "motions/motion"], 2, "of the form <collection>:<id>"),
        (&["explain", "--user", "3"], 2, "<KEY>"),
    ] {
        let (code, out, error) = ask(&port, arguments).await;
        assert!(code == Some(status) && error.contains(expected), "{arguments:?}: {code:?} {out} {error}");
    }
}

/// (spec: inspector.md#commands)
#[tokio::test]
async fn the_commands_know_the_demo_meeting_and_report_an_unreachable_redis() {
    // Nothing listens on port 1, so the answer does not come from Redis.
    let (status, out, _) = ask("1", &["explain", "--demo", "--user", "3", "motions/motion:1"]).await;
    assert!(
        status == Some(0) && out.starts_with("motions/motion:1 is visible in part to user 3 (Delegates (3)).\n"),
        "{out}"
    );
    let (status, out, _) = ask("1", &["explain", "--demo", "--user", "0", "users/personal-note:1"]).await;
    assert!(status == Some(1) && out.starts_with("users/personal-note:1 "), "{out}");
    for command in ["view", "explain"] {
        let (status, out, error) = ask("1", &[command, "--user", "3", "motions/motion:1"]).await;
        assert!(status == Some(1) && out.is_empty(), "{out}");
        assert!(error.contains("Redis at 127.0.0.1:1") && error.contains("refused"), "{error}");
    }
}

/// (spec: inspector.md#route)
#[tokio::test]
async fn superadmins_get_explanations_and_each_question_is_logged() {
    let redis = FakeRedis::start().await.expect("a port");
    let meeting = Meeting::start(&redis.address()).await;
    let mut program = Process::serve(redis.port(), &[("INSPECTOR", "on")]).await;
    program.browser().until_healthy().await;
    let question = "/system/inspector/explain?user=0&key=motions/motion:1";
    let delegate = program.browser().with_cookie(&meeting.log_in(3).await);
    assert_eq!(delegate.failure(question).await, Failure::new(403, "forbidden", "Explanations are for superadmins"));
    let admin = program.browser().with_cookie(&meeting.log_in(1).await);
    for path in ["/system/inspector/explain?user=3&key=core/tag:1", question] {
        let response = admin.request(Method::GET, path).send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::OK, "{path}");
    }
    // The first line is about the superadmin's first question: refused ones are not logged.
    let about = program.until_logged("explaining what a user sees").await;
    let fields = ["level", "asked_by", "about_user", "element"].map(|field| about[field].clone());
    assert_eq!(fields, [json!("INFO"), json!(1), json!(3), json!("core/tag:1")], "{about}");
    let about = program.until_logged("explaining what a user sees").await;
    assert_eq!(
        ["asked_by", "about_user", "element"].map(|field| about[field].clone()),
        [json!(1), json!(null), json!("motions/motion:1")]
    );
}

/// (spec: inspector.md#page)
#[tokio::test]
async fn the_page_of_a_real_meeting_is_served_only_if_switched_on() {
    let redis = FakeRedis::start().await.expect("a port");
    let _meeting = Meeting::start(&redis.address()).await;
    let (port, secret) = (redis.port().to_string(), secret_file());
    for (inspector, found) in [("off", StatusCode::NOT_FOUND), ("on", StatusCode::OK)] {
        let variables = with_redis(&port, &secret, &[("INSPECTOR", inspector), ("FAKE_AUTH", "1")]);
        let program = Process::start(&[], &variables).await;
        let browser = program.browser();
        browser.until_healthy().await;
        let status = async |path: &str| {
            let response = browser.request(Method::GET, path).send().await.expect("an answer");
            response.status()
        };
        assert_eq!(status("/system/inspector").await, found, "{inspector}");
        assert_eq!(status("/system/inspector/explain?user=3&key=core/tag:1").await, found, "{inspector}");
        // Only the demo has these.
        assert_eq!(status("/").await, StatusCode::NOT_FOUND, "{inspector}");
        assert_eq!(status("/as/admin/system/health").await, StatusCode::NOT_FOUND, "{inspector}");
    }
}
