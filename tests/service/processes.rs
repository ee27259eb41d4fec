//! Does the real program serve as the parts do that were wired by hand? (spec: http.md)

use std::path::Path;

use adapters::testing::fake_redis::FakeRedis;
use serde_json::json;

use crate::harness::{Failure, Meeting, Process, Protocol};

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
async fn flags_come_before_variables_and_names_may_be_others() {
    let redis = FakeRedis::start().await.expect("a port");
    let meeting = Meeting::start(&redis.address()).await;
    let url = format!("redis://127.0.0.1:{}", redis.port());
    let secret = crate::harness::secret_file();
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
    let value =
        adapters::django::DjangoSecret::new(crate::harness::SECRET).encode_session("{\"_auth_user_id\": \"1\"}");
    meeting.server.set("other:abc", value.as_bytes()).await;
    // The usual cookie is none here: anonymous.
    let mut watcher = process.browser().with_cookie("abc").watch().await;
    watcher.line().await.expect("everything");
    watcher.check(&meeting.view(0), "anonymous");
    let browser = process.browser();
    let request = browser.request(reqwest::Method::GET, "/system/autoupdate").header("Cookie", "Other=abc");
    let mut lines = crate::harness::Lines::new(browser.send(request).await).await;
    let line = lines.next_data().await.expect("everything");
    let users = meeting.view(1).keys().filter(|key| key.starts_with("users/user:")).count();
    assert_eq!(line["changed"]["users/user"].as_array().map(Vec::len), Some(users));
}

#[tokio::test]
async fn fake_auth_is_logged_loudly_and_needs_no_secret() {
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

#[tokio::test]
async fn a_start_before_redis_is_there_waits_for_it() {
    // A port that is free now: there a Redis will be.
    let redis = FakeRedis::start().await.expect("a port");
    redis.set_fault(adapters::testing::fake_redis::Fault::Closed);
    let process = Process::serve(redis.port(), &[]).await;
    let (status, body) = process.browser().health().await;
    assert_eq!((status, &body["healthy"]), (503, &json!(false)));
    let failure: Failure = process.browser().failure("/system/autoupdate").await;
    assert_eq!((failure.status, failure.kind.as_str()), (503, "unavailable"));
    redis.set_fault(adapters::testing::fake_redis::Fault::None);
    let meeting = Meeting::start(&redis.address()).await;
    process.browser().until_healthy().await;
    let mut watcher = process.browser().watch().await;
    watcher.line().await.expect("everything");
    watcher.check(&meeting.view(0), "anonymous");
}

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
    process.until_logged("the old one is kept").await;
    assert_eq!(served(&process).await, second);

    let change_id = meeting.mark().await;
    stays.until(change_id).await;
    let logged = process.logged.join("\n");
    assert!(!logged.contains("PRIVATE KEY"), "{logged}");
}

/// Writes a new certificate and its key; gives the certificate.
fn write_certificate(directory: &Path) -> Vec<u8> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    // The pair is complete only with both files; a look between them finds a pair that does not fit, and keeps the old one.
    std::fs::write(directory.join("key.pem"), made.signing_key.serialize_pem()).expect("a file");
    std::fs::write(directory.join("cert.pem"), made.cert.pem()).expect("a file");
    made.cert.der().to_vec()
}

/// The certificate that a new connection gets.
async fn served(process: &Process) -> Vec<u8> {
    let response = process.speaking(Protocol::Https).get("/system/health").await;
    let info = response.extensions().get::<reqwest::tls::TlsInfo>().expect("TLS");
    info.peer_certificate().expect("a certificate").to_vec()
}
