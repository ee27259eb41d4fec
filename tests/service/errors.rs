//! How is an invalid request answered? (spec: http.md#errors)

use adapters::testing::fake_redis::FakeRedis;
use reqwest::Method;
use serde_json::json;

use crate::harness::{Browser, Failure, Meeting, Protocol, Service};

const AUTOUPDATE: &str = "/system/autoupdate";

async fn check(browser: &Browser, method: Method, path: &str, body: &str, expected: (u16, &str, &str)) {
    let request = browser.request(method.clone(), path).body(body.to_owned());
    let response = browser.send(request).await;
    assert_eq!(response.headers()["content-type"], "application/json");
    let failure = Failure::of(response).await;
    assert_eq!(failure, Failure::new(expected.0, expected.1, expected.2), "{method} {path} {body:.100}");
}

/// (spec: stream.md#change-id)
#[tokio::test]
async fn invalid_change_ids_of_every_kind() {
    let redis = FakeRedis::start().await.expect("a port");
    Meeting::start(&redis.address()).await;
    let service = Service::ready(&redis.address(), |_| ()).await;
    for (query, shown) in [
        ("abc", "abc"),
        ("1.5", "1.5"),
        ("1e3", "1e3"),
        ("0x10", "0x10"),
        ("99999999999999999999", "99999999999999999999"),
        ("null", "null"),
        ("%20", " "),
        ("%22%5c%0a", "\"\\\n"),
        ("gr%C3%BC%C3%9Fe", "grüße"),
        ("%F0%9F%A6%92", "🦒"),
    ] {
        for browser in [service.browser(), service.speaking(Protocol::Https)] {
            let path = format!("{AUTOUPDATE}?change_id={query}");
            let message = format!("Change id has to be a number not {shown}");
            check(&browser, Method::GET, &path, "", (400, "invalid_request", &message)).await;
        }
    }
    for query in ["", "?", "?change_id", "?change_id=", "?change_id=0", "?change_id=-1", "?other=x"] {
        let mut lines = service.browser().open(&format!("{AUTOUPDATE}{query}")).await;
        assert_eq!(lines.next_data().await.expect("everything")["all_data"], true, "{query}");
    }
}

/// (spec: http.md#methods)
#[tokio::test]
async fn unknown_routes_and_methods() {
    let redis = FakeRedis::start().await.expect("a port");
    Meeting::start(&redis.address()).await;
    let service = Service::ready(&redis.address(), |_| ()).await;
    let browser = service.browser();
    for path in [
        "/",
        "/system",
        "/system/",
        "/system/autoupdate/",
        "/system/Autoupdate",
        "/rest/core",
        "/system/health/x",
        // Only the demo has these.
        "/system/inspector",
        "/system/inspector/main.js",
        "/as/admin/system/autoupdate",
    ] {
        let message = format!("There is nothing at {path}");
        check(&browser, Method::GET, path, "", (404, "invalid_request", &message)).await;
    }
    for (path, allowed) in [
        (AUTOUPDATE, "GET, POST"),
        ("/system/projector?projector_ids=1", "GET, POST"),
        ("/system/notify", "GET, POST"),
        ("/system/notify/send", "GET, HEAD, POST"),
        ("/system/applause", "GET, HEAD, POST"),
        ("/system/health", "GET, HEAD, OPTIONS"),
    ] {
        let options = if path == "/system/health" { Method::TRACE } else { Method::OPTIONS };
        for method in [Method::PUT, Method::DELETE, Method::PATCH, options] {
            let message = format!("Method {method} is not allowed here, use {allowed}");
            check(&browser, method.clone(), path, "", (405, "invalid_request", &message)).await;
            let response = browser.send(browser.request(method, path)).await;
            assert_eq!(response.headers()["allow"], allowed);
        }
    }
}

#[tokio::test]
async fn invalid_projector_ids_of_every_kind() {
    let redis = FakeRedis::start().await.expect("a port");
    Meeting::start(&redis.address()).await;
    let service = Service::ready(&redis.address(), |_| ()).await;
    for (query, shown) in [
        ("", ""),
        ("?projector_ids=", ""),
        ("?projector_ids=a", "a"),
        ("?projector_ids=1,", "1,"),
        ("?projector_ids=1,,2", "1,,2"),
        ("?projector_ids=1.5", "1.5"),
        ("?projector_ids=1;2", "1;2"),
        ("?projector_ids=%C3%BC", "ü"),
    ] {
        let path = format!("/system/projector{query}");
        let message = format!("projector_ids has to be a list of ints not `{shown}`");
        check(&service.browser(), Method::GET, &path, "", (400, "invalid_request", &message)).await;
    }
}

#[tokio::test]
async fn invalid_messages_and_applause() {
    const SEND: &str = "/system/notify/send";
    let redis = FakeRedis::start().await.expect("a port");
    let meeting = Meeting::start(&redis.address()).await;
    let service = Service::ready(&redis.address(), |_| ()).await;
    let anonymous = service.browser();
    let user = anonymous.with_cookie(&meeting.log_in(3).await);
    let good = json!({"channel_id": "abc:3:0", "name": "n", "message": null});
    let login = "You have to be logged in to use the notify system.";
    check(&anonymous, Method::POST, SEND, &good.to_string(), (400, "auth_required", login)).await;
    let login = "You have to be logged in to send applause.";
    check(&anonymous, Method::POST, "/system/applause", "", (400, "auth_required", login)).await;

    let with = |field: &str, value: serde_json::Value| {
        let mut body = good.clone();
        body[field] = value;
        body.to_string()
    };
    for (body, message) in [
        (with("channel_id", json!("abc:4:0")), "invalid channel id"),
        (with("channel_id", json!("abc:3")), "invalid channel id"),
        (with("channel_id", json!("")), "invalid channel id"),
        (json!({"channel_id": "abc:3:0", "message": 1}).to_string(), "notify does not have required field `name`"),
        (with("name", json!("")), "notify does not have required field `name`"),
        (with("name", json!("applause")), "notify name can not be applause"),
    ] {
        check(&user, Method::POST, SEND, &body, (400, "invalid_request", message)).await;
        check(&user, Method::GET, SEND, &body, (400, "invalid_request", message)).await;
    }
    let nested = "[".repeat(100_000);
    for body in [
        "",
        "x",
        "[]",
        "1",
        &with("to_users", json!(["a"])),
        &with("to_all", json!("yes")),
        &with("name", json!(1)),
        &nested,
    ] {
        let failure = Failure::of(user.post(SEND, body.to_owned()).await).await;
        assert_eq!((failure.status, failure.kind.as_str()), (400, "invalid_request"), "{body:.100}");
        assert!(failure.message.starts_with("invalid json: ") || failure.message.contains("channel"), "{failure:?}");
    }
    for (bytes, status) in [(1024 * 1024 - 100, 200), (1024 * 1024 + 1, 413)] {
        let response = user.post(SEND, with("message", json!("x".repeat(bytes)))).await;
        assert_eq!(response.status().as_u16(), status);
        if status == 413 {
            assert_eq!(Failure::of(response).await.kind, "invalid_request");
        }
    }
}

#[tokio::test]
async fn before_a_meeting_is_loaded_every_route_says_so() {
    let redis = FakeRedis::start().await.expect("a port");
    let service = Service::start(&redis.address(), |_| ());
    let mut meeting = Meeting::nowhere(&redis.address());
    let (status, body) = service.browser().health().await;
    assert_eq!((status, &body["healthy"]), (503, &json!(false)));
    assert!(body["reason"].as_str().is_some_and(|reason| !reason.is_empty()));
    for path in [AUTOUPDATE, "/system/notify", "/system/projector?projector_ids=1", "/system/applause"] {
        let response = service.browser().get(path).await;
        assert!(response.headers().contains_key("retry-after"), "{path}");
        let failure = Failure::of(response).await;
        assert_eq!((failure.status, failure.kind.as_str()), (503, "unavailable"), "{path}");
    }
    meeting.rebuild(crate::harness::LOWEST, crate::harness::fixture()).await;
    service.browser().until_healthy().await;
    assert_eq!(service.browser().health().await, (200, json!({"healthy": true})));
    let mut watcher = service.browser().watch().await;
    watcher.line().await.expect("everything");
    watcher.check(&meeting.view(0), "anonymous");
}
