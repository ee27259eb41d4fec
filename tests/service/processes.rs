//! Does the real program behave like the service that other tests assemble? (spec: http.md#routes)

use std::path::Path;

use adapters::django::DjangoSecret;
use adapters::testing::fake_redis::{FakeRedis, Fault};
use serde_json::json;

use crate::harness::{Failure, Lines, Meeting, Process, Protocol, SECRET, secret_file};

#[tokio::test]
async fn the_program_serves_the_meeting_in_redis() {
    let redis = FakeRedis::start().await.expect("a port");
    let mut meeting = Meeting::start(&redis.address()).await;
    let process = Process::serve(redis.port(), &[]).await;
    process.browser().until_healthy().await;
    let cookie = meeting.log_in(3).await;
    let mut watchers = Vec::new();
    for protocol in Protocol::ALL {
        watchers.push(process.speaking(protocol).with_cookie(&cookie).watch().await);
    }
    let motion = meeting.with("motions/motion:1", json!({"title": "Änderung 🦒"}));
    meeting.change(&[("motions/motion:1", motion)]).await;
    let change_id = meeting.mark().await;
    for watcher in &mut watchers {
        watcher.until(change_id).await;
        watcher.check(&meeting.view(3), "user 3");
    }
}

#[tokio::test]
async fn a_real_meeting_has_no_page_and_no_sessions_to_borrow() {
    let redis = FakeRedis::start().await.expect("a port");
    let meeting = Meeting::start(&redis.address()).await;
    let process = Process::serve(redis.port(), &[]).await;
    process.browser().until_healthy().await;
    let cookie = meeting.log_in(1).await;
    let lent = format!("/as/{cookie}/system/autoupdate");
    for path in ["/", "/system/inspector", "/system/inspector/main.js", "/as/admin/system/notify", &lent] {
        let failure = process.browser().with_cookie(&cookie).failure(path).await;
        assert_eq!(failure, Failure::new(404, "invalid_request", &format!("There is nothing at {path}")));
    }
}

#[tokio::test]
async fn flags_override_variables_and_names_can_be_configured() {
    let redis = FakeRedis::start().await.expect("a port");
    let meeting = Meeting::start(&redis.address()).await;
    let url = format!("redis://127.0.0.1:{}", redis.port());
    let secret = secret_file();
    let process = Process::start(
        &["serve", "--session-prefix=other:"],
        &[
            ("REDIS_URL", &url),
            ("MESSAGE_BUS_PORT", "1"),
            ("SECRET_FILE", &secret),
            ("SESSION_PREFIX", "wrong:"),
            ("COOKIE_NAME", "Other"),
        ],
    )
    .await;
    process.browser().until_healthy().await;
    let value = DjangoSecret::new(SECRET).encode_session("{\"_auth_user_id\": \"1\"}");
    meeting.server.set("other:abc", value.as_bytes()).await;
    // Under this configuration the usual cookie does not count: anonymous.
    let mut watcher = process.browser().with_cookie("abc").watch().await;
    watcher.line().await.expect("everything");
    watcher.check(&meeting.view(0), "anonymous");
    let browser = process.browser();
    let request = browser.request(reqwest::Method::GET, "/system/autoupdate").header("Cookie", "Other=abc");
    let mut lines = Lines::new(browser.send(request).await).await;
    let line = lines.next_data().await.expect("everything");
    let users = meeting.view(1).keys().filter(|key| key.starts_with("users/user:")).count();
    assert_eq!(line["changed"]["users/user"].as_array().map(Vec::len), Some(users));
}

#[tokio::test]
async fn fake_auth_is_logged_as_a_warning_and_needs_no_secret() {
    let redis = FakeRedis::start().await.expect("a port");
    let meeting = Meeting::start(&redis.address()).await;
    let port = redis.port().to_string();
    let variables =
        [("MESSAGE_BUS_HOST", "127.0.0.1"), ("MESSAGE_BUS_PORT", &*port), ("FAKE_AUTH", "1"), ("SECRET_FILE", "/none")];
    let process = Process::start(&[], &variables).await;
    assert!(
        process.logged.iter().any(|line| line.contains("\"WARN\"") && line.contains("FAKE_AUTH")),
        "{:?}",
        process.logged
    );
    process.browser().until_healthy().await;
    let mut watcher = process.browser().watch().await;
    watcher.line().await.expect("everything");
    watcher.check(&meeting.view(1), "everybody");
}

/// (spec: redis.md#start)
#[tokio::test]
async fn a_start_before_redis_waits_for_it() {
    // A port that is free now; Redis will be started on it later.
    let redis = FakeRedis::start().await.expect("a port");
    redis.set_fault(Fault::Closed);
    let process = Process::serve(redis.port(), &[]).await;
    let (status, body) = process.browser().health().await;
    assert_eq!((status, &body["healthy"]), (503, &json!(false)));
    let failure: Failure = process.browser().failure("/system/autoupdate").await;
    assert_eq!((failure.status, failure.kind.as_str()), (503, "unavailable"));
    redis.set_fault(Fault::None);
    let meeting = Meeting::start(&redis.address()).await;
    process.browser().until_healthy().await;
    let mut watcher = process.browser().watch().await;
    watcher.line().await.expect("everything");
    watcher.check(&meeting.view(0), "anonymous");
}

/// (spec: http.md#certificates)
#[tokio::test]
async fn a_renewed_certificate_is_served_and_a_broken_one_is_not() {
    let redis = FakeRedis::start().await.expect("a port");
    let mut meeting = Meeting::start(&redis.address()).await;
    let directory = tempfile::tempdir().expect("a directory");
    let first = write_certificate(directory.path());
    let variables = [("CERT_DIR", directory.path().to_str().expect("UTF-8"))];
    let mut process = Process::serve(redis.port(), &variables).await;
    process.browser().until_healthy().await;
    assert_eq!(served(&process).await, first);
    let mut stays = process.speaking(Protocol::Https).watch().await;

    let second = write_certificate(directory.path());
    process.until_logged("serving a changed certificate").await;
    assert_eq!(served(&process).await, second);
    std::fs::write(directory.path().join("cert.pem"), "no certificate").expect("a file");
    process.until_logged("the old one stays in use").await;
    assert_eq!(served(&process).await, second);

    let change_id = meeting.mark().await;
    stays.until(change_id).await;
    let logged = process.logged.join("\n");
    assert!(!logged.contains("PRIVATE KEY"), "{logged}");
}

#[tokio::test]
async fn certificate_problems_that_browsers_object_to_are_logged() {
    let redis = FakeRedis::start().await.expect("a port");
    let directory = tempfile::tempdir().expect("a directory");
    let write = |year| {
        let key = rcgen::KeyPair::generate().expect("a key");
        let mut params = rcgen::CertificateParams::new(["meeting.example".to_owned()]).expect("a name");
        params.not_after = rcgen::date_time_ymd(year, 1, 1);
        std::fs::write(directory.path().join("privkey.pem"), key.serialize_pem()).expect("a file");
        let certificate = params.self_signed(&key).expect("a certificate");
        std::fs::write(directory.path().join("fullchain.pem"), certificate.pem()).expect("a file");
    };
    write(2020);
    let mut process = Process::serve(redis.port(), &[("CERT_DIR", directory.path().to_str().expect("UTF-8"))]).await;
    // Logged before the program listens.
    let logged = process.logged.join("\n");
    for expected in
        ["serving the certificate", "\"names\":\"meeting.example\"", "on 2020-01-01 00:00:00 UTC; browsers refuse it"]
    {
        assert!(logged.contains(expected), "{expected} in {logged}");
    }
    write(2021);
    process.until_logged("serving a changed certificate").await;
    process.until_logged("on 2021-01-01 00:00:00 UTC; browsers refuse it").await;
}

/// Writes a new certificate and its key; returns the certificate.
fn write_certificate(directory: &Path) -> Vec<u8> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    // Only both files together are a pair. A check in between finds files that do not match, and keeps the old pair.
    std::fs::write(directory.join("key.pem"), made.signing_key.serialize_pem()).expect("a file");
    std::fs::write(directory.join("cert.pem"), made.cert.pem()).expect("a file");
    made.cert.der().to_vec()
}

/// The certificate that a new connection receives.
async fn served(process: &Process) -> Vec<u8> {
    let response = process.speaking(Protocol::Https).get("/system/health").await;
    let info = response.extensions().get::<reqwest::tls::TlsInfo>().expect("TLS");
    info.peer_certificate().expect("a certificate").to_vec()
}

/// At every level, the log contains no cookie, no secret, and nothing from the meeting.
/// (spec: auth.md#secret-in-logs)
#[tokio::test]
async fn the_log_contains_nothing_confidential() {
    let redis = FakeRedis::start().await.expect("a port");
    redis.require_password("password-of-redis");
    let url = format!("redis://:password-of-redis@127.0.0.1:{}", redis.port());
    let mut meeting = Meeting::start(&url.parse().expect("an address")).await;
    for level in ["info", "debug", "trace"] {
        let secret = secret_file();
        let variables = [("REDIS_URL", &*url), ("SECRET_FILE", &*secret), ("LOG_LEVEL", level), ("DRAIN_SECONDS", "0")];
        let mut process = Process::start(&[], &variables).await;
        process.browser().until_healthy().await;
        let cookie = "cookie-of-user-3";
        let session = DjangoSecret::new(SECRET).encode_session("{\"_auth_user_id\": \"3\"}");
        meeting.server.set(&format!("session:{cookie}"), session.as_bytes()).await;
        for protocol in Protocol::ALL {
            let browser = process.speaking(protocol).with_cookie(cookie);
            let mut watcher = browser.watch().await;
            let motion = meeting.with("motions/motion:1", json!({"title": "title-of-a-motion"}));
            meeting.change(&[("motions/motion:1", motion), ("motions/motion:70", json!("broken-motion"))]).await;
            let change_id = meeting.mark().await;
            watcher.until(change_id).await;
            let message = json!({"channel_id": "a:3:0", "name": "n", "message": "text-of-a-message", "to_all": true});
            browser.post("/system/notify/send", message.to_string()).await;
            browser.with_cookie("cookie-that-is-wrong").failure("/system/autoupdate").await;
        }
        meeting.change(&[("motions/motion:70", json!(null))]).await;
        process.signal("TERM").await;
        assert_eq!(process.status().await, Some(0));
        let confidential = [
            cookie,
            "cookie-that-is-wrong",
            SECRET,
            &session,
            "password-of-redis",
            "title-of-a-motion",
            "broken-motion",
            "text-of-a-message",
        ];
        for word in confidential {
            let line = process.logged.iter().find(|line| line.contains(word));
            assert!(line.is_none(), "{word:?} at {level}: {line:?}");
        }
        assert!(
            process.logged.iter().any(|line| line.contains("motions/motion:70")),
            "the broken element must be named"
        );
    }
}

/// (spec: redis.md#addresses)
#[tokio::test]
async fn writes_go_to_the_redis_for_writing() {
    let (read, write) = (FakeRedis::start().await.expect("a port"), FakeRedis::start().await.expect("a port"));
    let meeting = Meeting::start(&read.address()).await;
    let primary = Meeting::nowhere(&write.address());
    let port = write.port().to_string();
    let variables = [("REDIS_WRITE_HOST", "127.0.0.1"), ("REDIS_WRITE_PORT", &*port), ("APPLAUSE_INTERVAL_MS", "50")];
    let process = Process::serve(read.port(), &variables).await;
    process.browser().until_healthy().await;
    // The replica does not have the new session yet.
    primary.set_session("new", &json!({"_auth_user_id": "3"})).await;
    let browser = process.browser().with_cookie("new");
    let mut watcher = browser.watch().await;
    watcher.line().await.expect("everything");
    watcher.check(&meeting.view(3), "user 3");
    assert_eq!(browser.post("/system/applause", "").await.status(), 200);
    let message = json!({"channel_id": "a:3:0", "name": "n", "message": 1, "to_all": true});
    assert_eq!(browser.post("/system/notify/send", message.to_string()).await.status(), 200);
    let written = write.take_commands();
    let count = |name: &str| written.iter().filter(|command| *command == name).count();
    assert!(count("XADD") == 1 && count("ZADD") == 1, "{written:?}");
    let not_written = read.take_commands();
    // The only writes here are the test's own: the change ids of the meeting.
    assert_eq!(not_written.iter().filter(|command| *command == "XADD").count(), 0, "{not_written:?}");
}

#[tokio::test]
async fn refusals_of_redis_are_logged_with_advice_once_a_minute() {
    let redis = FakeRedis::start().await.expect("a port");
    let meeting = Meeting::start(&redis.address()).await;
    let mut process = Process::serve(redis.port(), &[("DRAIN_SECONDS", "0")]).await;
    process.browser().until_healthy().await;
    let browser = process.browser().with_cookie(&meeting.log_in(3).await);
    let address = format!("127.0.0.1:{}", redis.port());
    for (name, error, path, body) in [
        ("ZADD", "NOPERM this user has no permissions to run the 'zadd' command", "/system/applause", json!("")),
        (
            "XADD",
            "OOM command not allowed when used memory > 'maxmemory'.",
            "/system/notify/send",
            json!({"channel_id": "a:3:0", "name": "n", "message": 1}),
        ),
    ] {
        redis.refuse(name, error);
        let code = error.split(' ').next().expect("a code");
        for _ in 0..3 {
            let failure = Failure::of(browser.post(path, body.to_string()).await).await;
            let expected = Failure::new(503, "unavailable", &format!("Redis refuses the command {name} ({code})"));
            assert_eq!(failure, expected);
        }
    }
    redis.refuse("", "");
    redis.set_fault(Fault::Closed);
    let failure = Failure::of(browser.post("/system/applause", "").await).await;
    assert_eq!(failure, Failure::new(503, "unavailable", "Redis does not answer, try again"));
    process.signal("TERM").await;
    process.status().await;
    let refusals: Vec<serde_json::Value> = process
        .logged
        .iter()
        .filter(|line| line.contains("Redis refuses commands that the service needs"))
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let found: Vec<_> = refusals.iter().map(|line| (line["level"].as_str(), line["commands"].as_str())).collect();
    assert_eq!(found, [(Some("WARN"), Some("ZADD")), (Some("WARN"), Some("XADD"))], "{refusals:?}");
    for (line, advice) in refusals.iter().zip(["ACL SETUSER", "maxmemory-policy"]) {
        assert!(line["advice"].as_str().is_some_and(|text| text.contains(advice)), "{line}");
        assert_eq!(line["redis"], address.as_str());
    }
}
