//! Is the meeting served over every protocol that clients speak? (spec: http.md#one-port, http.md#http2)

use adapters::testing::fake_redis::FakeRedis;
use adapters::tls::TlsMode;
use reqwest::Method;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::harness::{Meeting, Protocol, Service, within};

#[tokio::test]
async fn every_protocol_carries_the_meeting_and_its_changes() {
    let redis = FakeRedis::start().await.expect("a port");
    let mut meeting = Meeting::start(&redis.address()).await;
    let service = Service::ready(&redis.address(), |_| ()).await;
    let cookie = meeting.log_in(3).await;
    let mut watchers = Vec::new();
    for protocol in Protocol::ALL {
        watchers.push((protocol, service.speaking(protocol).with_cookie(&cookie).watch().await));
    }
    for (protocol, watcher) in &mut watchers {
        let first = watcher.line().await.expect("everything");
        assert!(first.all_data, "{protocol:?}");
        watcher.check(&meeting.view(3), &format!("{protocol:?}"));
    }
    let change_id = meeting.mark().await;
    for (protocol, watcher) in &mut watchers {
        assert_eq!(watcher.until(change_id).await.len(), 1);
        watcher.check(&meeting.view(3), &format!("{protocol:?}"));
    }
}

/// The service accepts only one connection here, so a second one would wait for ever.
#[tokio::test]
async fn the_three_streams_of_a_tab_share_a_connection() {
    for protocol in [Protocol::Http2, Protocol::Https] {
        let redis = FakeRedis::start().await.expect("a port");
        let mut meeting = Meeting::start(&redis.address()).await;
        let service = Service::start(&redis.address(), |setup| setup.settings.limits.connections_max = 1);
        let browser = service.speaking(protocol).with_cookie(&meeting.log_in(1).await);
        browser.until_healthy().await;
        let mut watcher = browser.watch().await;
        let mut projector = browser.open("/system/projector?projector_ids=1").await;
        let mut notify = browser.open("/system/notify").await;
        watcher.line().await.expect("everything");
        projector.next_data().await.expect("a slide");
        let channel = notify.next_data().await.expect("a channel id")["channel_id"].to_string();

        let change_id = meeting.mark().await;
        watcher.until(change_id).await;
        let body = format!("{{\"channel_id\": {channel}, \"name\": \"ping\", \"message\": 1, \"to_all\": true}}");
        let response = browser.post("/system/notify/send", body).await;
        assert_eq!(response.status(), 200);
        assert_eq!(notify.next_data().await.expect("a message")["name"], "ping");
    }
}

#[tokio::test]
async fn a_client_that_disconnects_makes_room_for_others() {
    let redis = FakeRedis::start().await.expect("a port");
    Meeting::start(&redis.address()).await;
    let service = Service::ready(&redis.address(), |setup| setup.settings.limits.connections_max = 2).await;
    for _ in 0..10 {
        // A new client each time, so that connections are not reused.
        let mut lines = service.browser().open("/system/autoupdate").await;
        lines.next_data().await.expect("everything");
    }
}

#[tokio::test]
async fn tls_only_and_tls_off() {
    for (mode, plain, tls) in [(TlsMode::Only, 426, 200), (TlsMode::Off, 200, 0)] {
        let redis = FakeRedis::start().await.expect("a port");
        Meeting::start(&redis.address()).await;
        let service = Service::start(&redis.address(), |setup| setup.settings.tls = mode);
        service.speaking(if tls == 200 { Protocol::Https } else { Protocol::Http1 }).until_healthy().await;
        for protocol in Protocol::ALL {
            let expected = if matches!(protocol, Protocol::Https | Protocol::HttpsHttp1) { tls } else { plain };
            let request = service.speaking(protocol).request(Method::GET, "/system/health");
            let answer = within("an answer", request.send()).await;
            assert_eq!(answer.map_or(0, |answer| answer.status().as_u16()), expected, "{mode} {protocol:?}");
        }
    }
}

/// Some proxies speak HTTP/1.0 unless configured otherwise.
#[tokio::test]
async fn a_client_of_http_1_0_gets_the_stream_without_chunks() {
    let redis = FakeRedis::start().await.expect("a port");
    Meeting::start(&redis.address()).await;
    let service = Service::ready(&redis.address(), |_| ()).await;
    let mut client = BufReader::new(TcpStream::connect(service.address).await.expect("connected"));
    client.write_all(b"GET /system/autoupdate HTTP/1.0\r\n\r\n").await.expect("sent");
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        within("the head", client.read_line(&mut head)).await.expect("text");
    }
    assert!(head.starts_with("HTTP/1.0 200 OK\r\n") || head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(!head.to_ascii_lowercase().contains("transfer-encoding"), "{head}");
    let mut line = String::new();
    within("a line", client.read_line(&mut line)).await.expect("text");
    assert_eq!(line, "{\"connected\":true}\n");
    line.clear();
    within("a line", client.read_line(&mut line)).await.expect("text");
    let everything: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(everything["all_data"], true);
}
