//! Does the program stop properly, and does a restart lose nothing? (spec: http.md#stopping)

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use adapters::testing::fake_redis::FakeRedis;
use domain::testing::ManualClock;
use serde_json::json;

use crate::harness::{LOWEST, Meeting, Process, Protocol, Service, within};

#[tokio::test]
async fn at_a_signal_streams_end_between_lines_with_the_current_change_id() {
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
        // A change that only the other client sees; at the end, the first one receives its id.
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

/// The health check fails at once, and clients are still served as long as a load balancer may need to notice.
/// (spec: http.md#shutdown-delay)
#[tokio::test]
async fn before_stopping_it_keeps_serving_for_a_while_but_is_unhealthy() {
    let redis = FakeRedis::start().await.expect("a port");
    let mut meeting = Meeting::start(&redis.address()).await;
    let clock = ManualClock::new(0);
    let delay = Duration::from_secs(30);
    let service = Service::ready(&redis.address(), |setup| {
        setup.clock = Arc::new(clock.clone());
        setup.settings.shutdown_delay = delay;
    })
    .await;
    let browser = service.browser();
    let mut before = browser.watch().await;
    before.line().await.expect("everything");
    let stopping = service.begin_stop();
    let unhealthy = (503, json!({"healthy": false, "reason": "the service is stopping"}));
    within("the delay", async { while browser.health().await != unhealthy {} }).await;
    let mut since = browser.watch().await;
    since.line().await.expect("everything");
    let change_id = meeting.mark().await;
    before.until(change_id).await;
    since.until(change_id).await;
    clock.advance(delay - Duration::from_millis(1));
    let change_id = meeting.mark().await;
    before.until(change_id).await;
    assert_eq!(browser.health().await, unhealthy);
    clock.advance(Duration::from_millis(1));
    before.until_end().await;
    since.until_end().await;
    stopping.ended().await;
}

/// (spec: http.md#shutdown-delay)
#[tokio::test]
async fn the_program_delays_its_end_and_a_second_signal_skips_the_delay() {
    for (seconds, second, status) in [("1", None, 0), ("100000", Some("TERM"), 2), ("100000", Some("INT"), 2)] {
        let redis = FakeRedis::start().await.expect("a port");
        Meeting::start(&redis.address()).await;
        let variables = [("SHUTDOWN_DELAY_SECONDS", seconds), ("DRAIN_SECONDS", "0")];
        let mut process = Process::serve(redis.port(), &variables).await;
        process.browser().until_healthy().await;
        let mut lines = process.browser().open("/system/notify").await;
        process.signal("TERM").await;
        process.until_logged("reporting unhealthy from now on").await;
        if let Some(signal) = second {
            assert_eq!(process.browser().health().await.0, 503);
            process.browser().open("/system/notify").await;
            process.signal(signal).await;
            lines.until_gone().await;
        } else {
            lines.until_end().await;
        }
        assert_eq!(process.status().await, Some(status), "{seconds} {second:?}");
    }
}

/// (spec: http.md#restart)
#[tokio::test]
async fn a_restart_on_an_inherited_socket_refuses_nobody_and_loses_nothing() {
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
        // No process accepts now: clients that connect wait in the kernel. Meanwhile the meeting changes.
        let reconnecting = {
            let browser = browser.clone();
            tokio::spawn(async move {
                // Until the meeting is loaded, requests are refused; the web client retries as well.
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
        // Recreated, so that the next round can delete it again.
        let topic = json!({"id": 1, "title": "back"});
        let change_id = meeting.change(&[("topics/topic:1", topic)]).await;
        watcher.until(change_id).await;
    }
}

#[tokio::test]
async fn a_stopping_service_accepts_no_more_connections() {
    let redis = FakeRedis::start().await.expect("a port");
    Meeting::start(&redis.address()).await;
    let service = Service::ready(&redis.address(), |_| ()).await;
    let (address, mut lines) = (service.address, service.browser().open("/system/notify").await);
    service.stop().await;
    lines.until_end().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
