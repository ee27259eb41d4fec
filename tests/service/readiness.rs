//! When should new clients go to another instance? (docs/OPERATIONS.md, Health)

use adapters::testing::fake_redis::{FakeRedis, Fault};
use serde_json::Value;

use crate::harness::{Browser, Meeting, Process, within};

/// Returns the status and the reason of `/system/health?ready`.
async fn ready(browser: &Browser) -> (u16, String) {
    let response = browser.get("/system/health?ready").await;
    let status = response.status().as_u16();
    let body: Value = serde_json::from_str(&response.text().await.expect("a body")).expect("JSON");
    (status, body["reason"].as_str().unwrap_or_default().to_owned())
}

/// Asks until new clients are welcome, or are not for a reason that contains this text.
async fn until(browser: &Browser, problem: Option<&str>) {
    let asked = async {
        loop {
            match (ready(browser).await, problem) {
                ((200, _), None) => break,
                ((503, reason), Some(text)) if reason.contains(text) => break,
                _ => {}
            }
        }
    };
    within(&format!("{problem:?} for new clients"), asked).await;
    assert_eq!(browser.health().await.0, 200, "those who are here are served");
}

/// (spec: http.md#ready)
#[tokio::test]
async fn new_clients_are_sent_elsewhere_while_redis_is_away() {
    let (read, write) = (FakeRedis::start().await.expect("a port"), FakeRedis::start().await.expect("a port"));
    Meeting::start(&read.address()).await;
    let port = write.port().to_string();
    let variables = [
        ("REDIS_WRITE_HOST", "127.0.0.1"),
        ("REDIS_WRITE_PORT", &*port),
        ("APPLAUSE_INTERVAL_MS", "20"),
        ("RECONCILE_SECONDS", "1"),
        ("READY_STALE_SECONDS_MAX", "1"),
    ];
    let process = Process::serve(read.port(), &variables).await;
    let browser = process.browser();
    browser.until_healthy().await;
    until(&browser, None).await;

    write.set_fault(Fault::Closed);
    until(&browser, Some("Redis for writing does not answer")).await;
    write.set_fault(Fault::None);
    until(&browser, None).await;

    read.set_fault(Fault::Closed);
    until(&browser, Some("s the meeting could not be compared with Redis")).await;
    read.set_fault(Fault::None);
    until(&browser, None).await;
}
