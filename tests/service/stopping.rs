//! Does the program stop in order, and does a restart lose nothing? (spec: http.md, Stopping)

use std::net::TcpListener;

use adapters::testing::fake_redis::FakeRedis;
use serde_json::json;

use crate::harness::{LOWEST, Meeting, Process, Protocol, Service};

#[tokio::test]
async fn at_a_signal_streams_end_between_lines_with_the_present_change_id() {
    for signal in ["TERM", "INT"] {
        let redis = FakeRedis::start().await.expect("a port");
        let mut meeting = Meeting::start(&redis.address()).await;
        let mut process = Process::serve(redis.port(), &[("DRAIN_SECONDS", "0")]).await;
        process.browser().until_healthy().await;
        let mut streams = Vec::new();
        for protocol in Protocol::ALL {
            for path in ["/system/projector?projector_ids=1", "/system/notify"] {
                streams.push(process.speaking(protocol).open(path).await);
            }
        }
        let mut watcher = process.speaking(Protocol::Https).watch().await;
        watcher.line().await.expect("everything");
        let mut quick = process.browser().with_cookie(&meeting.log_in(3).await).watch().await;
        quick.line().await.expect("everything");
        // A change that only the other one sees; then the first one is told its id at the end.
        let change_id = meeting.change(&[("users/personal-note:77", json!({"id": 77, "user_id": 3}))]).await;
        quick.until(change_id).await;
        assert_eq!(watcher.client.change_id, LOWEST);

        process.signal(signal).await;
        assert_eq!(watcher.until_end().await.change_id, change_id);
        assert_eq!(quick.until_end().await.change_id, change_id);
        for lines in &mut streams {
            lines.until_end().await;
        }
        assert_eq!(process.status().await, Some(0), "{signal}");
        assert!(process.logged.iter().any(|line| line.contains("\"cut_connections\":0")), "{:?}", process.logged);
    }
}

#[tokio::test]
async fn a_second_signal_ends_the_program_at_once() {
    let redis = FakeRedis::start().await.expect("a port");
    Meeting::start(&redis.address()).await;
    let mut process = Process::serve(redis.port(), &[("DRAIN_SECONDS", "100000")]).await;
    process.browser().until_healthy().await;
    let mut streams = Vec::new();
    for _ in 0..3 {
        streams.push(process.browser().open("/system/notify").await);
    }
    process.signal("TERM").await;
    process.until_logged("\"message\":\"stopping\"").await;
    process.signal("INT").await;
    assert_eq!(process.status().await, Some(2));
    for lines in &mut streams {
        lines.until_gone().await;
    }
}

#[tokio::test]
async fn a_restart_on_a_handed_in_socket_refuses_nobody_and_loses_nothing() {
    let redis = FakeRedis::start().await.expect("a port");
    let mut meeting = Meeting::start(&redis.address()).await;
    let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let mut process = Process::start_on(&socket, redis.port()).await;
    assert_eq!(process.port, socket.local_addr().expect("bound").port());
    let browser = process.browser().with_cookie(&meeting.log_in(3).await);
    browser.until_healthy().await;
    let mut watcher = browser.watch().await;
    watcher.line().await.expect("everything");
    for _ in 0..2 {
        process.signal("TERM").await;
        let client = watcher.until_end().await;
        assert_eq!(process.status().await, Some(0));
        // Nobody accepts now: who connects waits in the kernel. Meanwhile something happens.
        let reconnecting = {
            let browser = browser.clone();
            tokio::spawn(async move {
                // Before the meeting is loaded the service says so; the web client tries again, too.
                browser.until_healthy().await;
                browser.watch_from(client).await
            })
        };
        let motion = meeting.with("motions/motion:1", json!({"title": "during the restart"}));
        meeting.change(&[("motions/motion:1", motion), ("topics/topic:1", json!(null))]).await;
        process = Process::start_on(&socket, redis.port()).await;
        watcher = reconnecting.await.expect("no panic");
        let change_id = meeting.mark().await;
        let lines = watcher.until(change_id).await;
        assert!(lines.iter().all(|line| !line.all_data));
        watcher.check(&meeting.view(3), "after a restart");
        // The next round deletes it again.
        let topic = json!({"id": 1, "title": "back"});
        let change_id = meeting.change(&[("topics/topic:1", topic)]).await;
        watcher.until(change_id).await;
    }
}

#[tokio::test]
async fn a_service_that_stops_accepts_nobody_any_more() {
    let redis = FakeRedis::start().await.expect("a port");
    Meeting::start(&redis.address()).await;
    let service = Service::ready(&redis.address(), |_| ()).await;
    let (address, mut lines) = (service.address, service.browser().open("/system/notify").await);
    service.stop().await;
    lines.until_end().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
