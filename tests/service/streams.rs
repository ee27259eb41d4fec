//! Does a stream carry what its user may see, in the form that the web client reads?
//! (spec: http.md#stream-start, stream.md#line)

use std::sync::Arc;
use std::time::Duration;

use adapters::http::stream_response::Compression;
use adapters::testing::fake_redis::FakeRedis;
use application::streams::registry::KeepAliveSettings;
use domain::testing::ManualClock;
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

use crate::harness::{LOWEST, Lines, Meeting, Service, Watcher, within};

/// Users with every kind of permission; 0 is anonymous.
const USERS: [u64; 12] = [0, 1, 2, 3, 5, 200, 202, 203, 204, 205, 206, 4097];

#[tokio::test]
async fn from_the_first_line_everybody_has_what_the_spec_says() {
    let redis = FakeRedis::start().await.expect("a port");
    let mut meeting = Meeting::start(&redis.address()).await;
    let service = Service::ready(&redis.address(), |_| ()).await;
    let mut watchers = Vec::new();
    for user in USERS {
        let browser = service.browser();
        let browser = if user == 0 { browser } else { browser.with_cookie(&meeting.log_in(user).await) };
        let mut watcher = browser.watch().await;
        let first = watcher.line().await.expect("everything");
        assert_eq!((first.all_data, first.from_change_id, first.to_change_id), (true, 0, LOWEST));
        watcher.check(&meeting.view(user), &format!("user {user}"));
        watchers.push((user, watcher));
    }
    // Text beyond ASCII; a motion that few see; an element that one user sees; a deletion.
    let motion = meeting.with("motions/motion:1", json!({"title": "Größer 🦒 \u{2028} \"so\" \\", "comments": []}));
    let note = json!({"id": 77, "user_id": 3, "notes": {}});
    meeting.change(&[("motions/motion:1", motion), ("users/personal-note:77", note)]).await;
    meeting.change(&[("topics/topic:1", json!(null))]).await;
    let change_id = meeting.mark().await;
    for (user, watcher) in &mut watchers {
        watcher.until(change_id).await;
        watcher.check(&meeting.view(*user), &format!("user {user}"));
    }
}

/// (spec: http.md#stream-headers)
#[tokio::test]
async fn streams_have_the_specified_content_types_and_begin_at_once() {
    let redis = FakeRedis::start().await.expect("a port");
    Meeting::start(&redis.address()).await;
    let service = Service::ready(&redis.address(), |_| ()).await;
    for (path, content_type) in [
        ("/system/autoupdate", "application/octet-stream"),
        ("/system/notify", "application/octet-stream"),
        ("/system/projector?projector_ids=1", "application/json"),
    ] {
        for method in [Method::GET, Method::POST] {
            let browser = service.browser();
            // This checks the status, the other headers, and the first line.
            let lines = Lines::new(browser.send(browser.request(method, path)).await).await;
            assert_eq!(lines.content_type(), content_type);
            assert_eq!(lines.coding(), None);
        }
    }
    // A stream without data begins at once as well.
    service.browser().open("/system/projector?projector_ids=99999").await;
    service.browser().open(&format!("/system/autoupdate?change_id={LOWEST}")).await;
}

#[tokio::test]
async fn compressed_streams_are_readable_line_by_line_and_equal_plain_ones() {
    const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
    const CHROMIUM: &str =
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36";
    let redis = FakeRedis::start().await.expect("a port");
    let mut meeting = Meeting::start(&redis.address()).await;
    for (compression, agent, accept, coding) in [
        (Compression::Auto, "curl/8.0", "gzip, deflate, br, zstd", Some("gzip")),
        (Compression::Auto, CHROMIUM, "gzip, deflate", Some("gzip")),
        (Compression::Auto, CHROMIUM, "gzip, deflate, br, zstd", Some("zstd")),
        (Compression::Auto, FIREFOX, "gzip, zstd", None),
        (Compression::On, FIREFOX, "gzip", Some("gzip")),
        (Compression::On, "curl/8.0", "zstd", Some("zstd")),
        (Compression::Off, CHROMIUM, "gzip, zstd", None),
        (Compression::On, "curl/8.0", "identity", None),
        (Compression::On, "curl/8.0", "gzip;q=0", None),
    ] {
        let service = Service::ready(&redis.address(), |setup| setup.settings.compression = compression).await;
        let browser = service.browser();
        let request = browser.request(Method::GET, "/system/autoupdate");
        let request = request.header("Accept-Encoding", accept).header("User-Agent", agent);
        let mut lines = Lines::new(browser.send(request).await).await;
        assert_eq!(lines.coding(), coding, "{compression:?} {agent} {accept}");
        let mut plain = browser.open("/system/autoupdate").await;
        for _ in 0..5 {
            assert_eq!(lines.next().await.expect("a line"), plain.next().await.expect("a line"));
            meeting.mark().await;
        }
        service.stop().await;
        lines.until_end().await;
    }
}

/// Advances the clock by a second once all three loops sleep: the ticker, the applause, and the reconciliation.
async fn let_a_second_pass(clock: &ManualClock) {
    within("the loops", clock.until_asleep(3)).await;
    clock.advance(Duration::from_secs(1));
}

/// (spec: http.md#keep-alive)
#[tokio::test]
async fn a_silent_stream_carries_keep_alives() {
    let redis = FakeRedis::start().await.expect("a port");
    Meeting::start(&redis.address()).await;
    let keep_alive = KeepAliveSettings { keep_alive_seconds: 1, quiet_line_seconds: 0 };
    let clock = ManualClock::new(0);
    let service = Service::ready(&redis.address(), |setup| {
        setup.settings.keep_alive = keep_alive;
        setup.clock = Arc::new(clock.clone());
    })
    .await;
    let mut streams = Vec::new();
    for path in ["/system/autoupdate", "/system/notify", "/system/projector?projector_ids=1"] {
        for coding in ["identity", "gzip", "zstd"] {
            let browser = service.browser();
            let request = browser.request(Method::GET, path).header("Accept-Encoding", coding);
            let mut lines = Lines::new(browser.send(request).await).await;
            assert_eq!(lines.coding().unwrap_or("identity"), coding);
            lines.next_data().await.expect("a line");
            streams.push(lines);
        }
    }
    for _ in 0..2 {
        let_a_second_pass(&clock).await;
        for lines in &mut streams {
            assert_eq!(lines.next().await.as_deref(), Some("{\"connected\":true}"));
        }
    }
}

/// (spec: stream.md#quiet-line)
#[tokio::test]
async fn an_idle_client_is_sent_the_change_id_now_and_then() {
    let redis = FakeRedis::start().await.expect("a port");
    let mut meeting = Meeting::start(&redis.address()).await;
    let keep_alive = KeepAliveSettings { keep_alive_seconds: 0, quiet_line_seconds: 1 };
    let clock = ManualClock::new(0);
    let service = Service::ready(&redis.address(), |setup| {
        setup.settings.keep_alive = keep_alive;
        setup.clock = Arc::new(clock.clone());
    })
    .await;
    let mut watcher = service.browser().watch().await;
    watcher.line().await.expect("everything");
    let mut concerned = service.browser().with_cookie(&meeting.log_in(3).await).watch().await;
    concerned.line().await.expect("everything");
    let change_id = meeting.change(&[("users/personal-note:77", json!({"id": 77, "user_id": 3}))]).await;
    concerned.until(change_id).await;
    let_a_second_pass(&clock).await;
    let lines = watcher.until(change_id).await;
    assert_eq!(lines.len(), 1);
    assert!(lines[0].changed.is_empty() && lines[0].deleted.is_empty());
    assert_eq!((lines[0].from_change_id, lines[0].all_data), (LOWEST, false));
}

/// (spec: stream.md#coalescing)
#[tokio::test]
async fn a_client_that_pauses_reading_gets_fewer_and_larger_lines() {
    const CHANGES: usize = 1_500;
    const CHANGE_BYTES: usize = 10_000;
    let redis = FakeRedis::start().await.expect("a port");
    let mut meeting = Meeting::start(&redis.address()).await;
    let service = Service::ready(&redis.address(), |_| ()).await;

    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(16 * 1024).expect("an option");
    let mut slow = socket.connect(service.address).await.expect("connected");
    slow.write_all(format!("GET /system/autoupdate?change_id={LOWEST} HTTP/1.1\r\nHost: t\r\n\r\n").as_bytes())
        .await
        .expect("sent");
    let mut quick = service.browser().watch().await;
    quick.line().await.expect("everything");

    let mut change_id = 0;
    for number in 0..CHANGES {
        let tag = json!({"id": 998, "name": format!("{number}{}", "x".repeat(CHANGE_BYTES))});
        change_id = meeting.change(&[("core/tag:998", tag)]).await;
    }
    quick.until(change_id).await;

    let (mut received, last) = (Vec::new(), format!("\"to_change_id\":{change_id}"));
    within("the last line", async {
        let mut buffer = vec![0; 64 * 1024];
        while !String::from_utf8_lossy(&received[received.len().saturating_sub(200)..]).replace(' ', "").contains(&last)
        {
            let count = slow.read(&mut buffer).await.expect("the stream goes on");
            received.extend_from_slice(&buffer[..count]);
        }
    })
    .await;
    let text = String::from_utf8(received).expect("ASCII");
    let lines = text.lines().filter(|line| line.starts_with("{\"changed\"")).count();
    // Lines that filled the kernel's buffers, and one line for all the rest.
    assert!(lines < CHANGES / 2, "{lines} lines for {CHANGES} changes");
    assert!(text.len() < CHANGES * CHANGE_BYTES / 2, "{} bytes", text.len());
}

/// (spec: http.md#stream-length)
#[tokio::test]
async fn a_stream_that_grows_too_long_ends_and_its_client_resumes() {
    let redis = FakeRedis::start().await.expect("a port");
    let mut meeting = Meeting::start(&redis.address()).await;
    let service = Service::ready(&redis.address(), |setup| setup.settings.stream_bytes_max = 500_000).await;
    let mut watcher = service.browser().watch().await;
    watcher.line().await.expect("everything");
    let text = "x".repeat(150_000);
    for number in 0..4 {
        let tag = json!({"id": 998, "name": format!("{number}{text}")});
        let change_id = meeting.change(&[("core/tag:998", tag)]).await;
        if number < 2 {
            watcher.until(change_id).await;
        }
    }
    let client = watcher.until_end().await;
    let mut watcher = service.browser().watch_from(client).await;
    let change_id = meeting.mark().await;
    let lines = watcher.until(change_id).await;
    assert!(lines.iter().all(|line| !line.all_data));
    watcher.check(&meeting.view(0), "anonymous");
}

#[tokio::test]
async fn applause_and_messages_need_no_meeting_change() {
    let redis = FakeRedis::start().await.expect("a port");
    let meeting = Meeting::start(&redis.address()).await;
    let every = Duration::from_millis(20);
    let service = Service::ready(&redis.address(), |setup| setup.settings.applause_interval = every).await;
    let browser = service.browser().with_cookie(&meeting.log_in(3).await);
    let mut notify = browser.open("/system/notify").await;
    notify.next_data().await.expect("a channel id");
    let response = browser.post("/system/applause", "").await;
    assert_eq!((response.status().as_u16(), response.text().await.expect("a body").as_str()), (200, ""));
    let present =
        meeting.elements.iter().filter(|(key, user)| key.starts_with("users/user:") && user["is_present"] == true);
    let expected = json!({
        "sender_user_id": 0, "sender_channel_id": "Server", "name": "applause",
        "message": {"level": 1, "presentUsers": present.count()},
    });
    assert_eq!(notify.next_data().await.expect("applause"), expected);
    // The meeting is unchanged: a new stream begins with everything.
    let mut watcher: Watcher = browser.watch().await;
    assert!(watcher.line().await.expect("everything").all_data);
}
