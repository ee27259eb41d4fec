//! Do messages and applause reach their receivers, across any number of instances? (spec: notify.md#receivers)

use std::sync::Arc;
use std::time::Duration;

use adapters::system::SystemClock;
use adapters::testing::fake_redis::FakeRedis;
use async_trait::async_trait;
use domain::ports::clock::Clock;
use domain::ports::message_bus::{Channel, Position};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

use crate::harness::{Browser, Lines, Meeting, Service, Setup, within};

/// Opens a stream of messages; returns it with its channel id.
async fn listen(browser: &Browser) -> (Lines, String) {
    let mut lines = browser.open("/system/notify").await;
    let line = lines.next_data().await.expect("a channel id");
    assert_eq!(line["channel_id"], line["channelID"]);
    let channel = line["channel_id"].as_str().expect("a text").to_owned();
    (lines, channel)
}

async fn send(browser: &Browser, channel: &str, name: &str, message: Value, to: Value) {
    let mut body = json!({"channel_id": channel, "name": name, "message": message});
    body.as_object_mut().expect("an object").extend(to.as_object().expect("receivers").clone());
    let response = browser.post("/system/notify/send", body.to_string()).await;
    assert_eq!((response.status().as_u16(), response.text().await.expect("a body").as_str()), (200, ""));
}

/// (spec: notify.md#delivery-order)
#[tokio::test]
async fn listeners_of_two_instances_get_their_messages_once_and_in_order() {
    let redis = FakeRedis::start().await.expect("a port");
    let meeting = Meeting::start(&redis.address()).await;
    let first = Service::ready(&redis.address(), |setup| setup.settings.process_tag = 1).await;
    let second = Service::ready(&redis.address(), |setup| setup.settings.process_tag = 2).await;
    let (one, two) = (meeting.log_in(1).await, meeting.log_in(2).await);
    let sender = first.browser().with_cookie(&one);
    let (mut here, channel) = listen(&sender).await;
    let (mut there, there_channel) = listen(&second.browser().with_cookie(&two)).await;
    let (mut twin, twin_channel) = listen(&second.browser().with_cookie(&one)).await;
    let (mut anonymous, anonymous_channel) = listen(&second.browser()).await;
    let channels = std::collections::BTreeSet::from([&channel, &there_channel, &twin_channel, &anonymous_channel]);
    assert_eq!(channels.len(), 4, "channel ids are unique: {channels:?}");
    assert!(anonymous_channel.contains(":0:") && there_channel.contains(":2:"));

    let odd = json!({"text": "größer \u{2028} 🦒", "number": 12_345_678_901_234_567_890_u64, "null": null});
    send(&sender, &channel, "nobody", json!(1), json!({"to_users": null})).await;
    send(&sender, &channel, "user 2", odd.clone(), json!({"to_users": [2, 99]})).await;
    send(&sender, &channel, "user 1, several ways", json!(null), json!({"to_users": [1, 1], "to_channels": [channel]}))
        .await;
    send(&sender, &channel, "channel", json!("c"), json!({"to_channels": [anonymous_channel]})).await;
    send(&sender, &channel, "all", json!([]), json!({"to_all": true, "to_users": [1, 2], "to_channels": [channel]}))
        .await;
    let line = |name: &str, message: Value| json!({"sender_user_id": 1, "sender_channel_id": channel, "name": name, "message": message});
    let (all, several) = (line("all", json!([])), line("user 1, several ways", json!(null)));
    for (lines, expected) in [
        (&mut here, vec![several.clone(), all.clone()]),
        (&mut there, vec![line("user 2", odd), all.clone()]),
        (&mut twin, vec![several, all.clone()]),
        (&mut anonymous, vec![line("channel", json!("c")), all]),
    ] {
        for expected in expected {
            assert_eq!(lines.next_data().await.expect("a message"), expected);
        }
    }
}

/// (spec: notify.md#bad-message)
#[tokio::test]
async fn entries_that_do_not_parse_end_no_stream() {
    let redis = FakeRedis::start().await.expect("a port");
    let meeting = Meeting::start(&redis.address()).await;
    let service = Service::ready(&redis.address(), |_| ()).await;
    let browser = service.browser().with_cookie(&meeting.log_in(1).await);
    let (mut lines, channel) = listen(&browser).await;
    let contents: [&[u8]; 6] = [b"", b"no JSON", b"[]", b"{}", b"\xff\xfe", b"{\"to_all\": true, \"name\": 5}"];
    meeting.server.append(Channel::Notify, &contents).await;
    meeting.server.append_fields(Channel::Notify, &[("other", "field")]).await;
    redis.drop_connections();
    send(&browser, &channel, "still there", json!(1), json!({"to_all": true})).await;
    loop {
        // Entries that could be read as messages arrive first.
        if lines.next_data().await.expect("the stream goes on")["name"] == "still there" {
            break;
        }
    }
}

#[tokio::test]
async fn the_applause_level_is_the_same_on_every_instance() {
    let redis = FakeRedis::start().await.expect("a port");
    let meeting = Meeting::start(&redis.address()).await;
    let often = |setup: &mut Setup| setup.settings.applause_interval = Duration::from_millis(20);
    let services = [Service::ready(&redis.address(), often).await, Service::ready(&redis.address(), often).await];
    let mut listeners = Vec::new();
    for service in &services {
        listeners.push(listen(&service.browser()).await.0);
    }
    for (number, user) in [3, 5, 200, 3, 3, 5].into_iter().enumerate() {
        let browser = services[number % 2].browser().with_cookie(&meeting.log_in(user).await);
        assert_eq!(browser.post("/system/applause", "").await.status(), 200);
    }
    // Everybody who applauds counts once, on whichever instance.
    for lines in &mut listeners {
        loop {
            let line = lines.next_data().await.expect("applause");
            assert_eq!((&line["name"], &line["sender_channel_id"]), (&json!("applause"), &json!("Server")));
            let level = line["message"]["level"].as_u64().expect("a number");
            assert!(level <= 3, "{line}");
            if level == 3 {
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_listener_that_reads_nothing_is_ended_and_the_others_go_on() {
    const MESSAGES: usize = 300;
    let redis = FakeRedis::start().await.expect("a port");
    let meeting = Meeting::start(&redis.address()).await;
    let service = Service::ready(&redis.address(), |setup| setup.settings.notify_buffer.messages_max = 10).await;
    let browser = service.browser().with_cookie(&meeting.log_in(1).await);
    let (mut quick, channel) = listen(&browser).await;

    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(16 * 1024).expect("an option");
    let mut slow = socket.connect(service.address).await.expect("connected");
    slow.write_all(b"GET /system/notify HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n").await.expect("sent");
    // Once the head has arrived, the listener is registered.
    within("the head", slow.read_exact(&mut [0; 12])).await.expect("the head");

    let long = "x".repeat(50_000);
    for number in 0..MESSAGES {
        send(&browser, &channel, "n", json!([number, long]), json!({"to_all": true})).await;
        assert_eq!(quick.next_data().await.expect("each message")["message"][0], number);
    }
    let mut received = Vec::new();
    within("the end of the slow one", slow.read_to_end(&mut received)).await.expect("ended properly");
    let text = String::from_utf8(received).expect("ASCII");
    assert!(text.ends_with("\r\n0\r\n\r\n"), "not ended properly: {:?}", &text[text.len().saturating_sub(50)..]);
    let messages = text.matches("\"sender_user_id\"").count();
    assert!(messages < MESSAGES, "all {messages} messages fit into the kernel's buffers");
    let last: Vec<_> = (0..messages).filter(|number| !text.contains(&format!("[{number},"))).collect();
    assert!(last.is_empty(), "the received messages must be the first ones, without a gap: {last:?}");
}

/// A clock that is off by this many seconds.
struct WrongClock(SystemClock, u64);

#[async_trait]
impl Clock for WrongClock {
    fn unix_time(&self) -> Duration {
        self.0.unix_time() + Duration::from_secs(self.1)
    }

    fn monotonic(&self) -> Duration {
        self.0.monotonic()
    }

    async fn sleep(&self, duration: Duration) {
        self.0.sleep(duration).await;
    }
}

#[tokio::test]
async fn the_applause_level_is_the_same_on_instances_whose_clocks_differ() {
    let redis = FakeRedis::start().await.expect("a port");
    let meeting = Meeting::start(&redis.address()).await;
    let wrong_by = |seconds| {
        move |setup: &mut Setup| {
            setup.settings.applause_interval = Duration::from_millis(20);
            setup.clock = Arc::new(WrongClock(SystemClock::new(), seconds));
        }
    };
    let services =
        [Service::ready(&redis.address(), wrong_by(0)).await, Service::ready(&redis.address(), wrong_by(30)).await];
    let mut listeners = Vec::new();
    for service in &services {
        listeners.push(listen(&service.browser()).await.0);
    }
    for (service, user) in services.iter().zip([3, 5]) {
        let browser = service.browser().with_cookie(&meeting.log_in(user).await);
        assert_eq!(browser.post("/system/applause", "").await.status(), 200);
    }
    let until_level = async |lines: &mut Lines, level: u64| {
        while lines.next_data().await.expect("applause")["message"]["level"] != level {}
    };
    for lines in &mut listeners {
        until_level(lines, 2).await;
    }
    // Both instances count it until the time is over by the clock of Redis.
    redis.let_seconds_pass(6);
    for lines in &mut listeners {
        until_level(lines, 0).await;
    }
}

/// Checks that listeners are ended if `what` happens to the Redis stream while it holds messages that were not read
/// yet.
async fn check_ended(what: impl AsyncFn(&Meeting)) {
    let redis = FakeRedis::start().await.expect("a port");
    let meeting = Meeting::start(&redis.address()).await;
    let quick = |setup: &mut Setup| setup.redis_limits.read_wait = Duration::from_millis(20);
    let service = Service::ready(&redis.address(), quick).await;
    let browser = service.browser().with_cookie(&meeting.log_in(1).await);
    let (mut lines, channel) = listen(&browser).await;
    meeting.server.append_at(Channel::Notify, LAST_READ, &to_all(0)).await;
    assert_eq!(lines.next_data().await.expect("a message")["message"], 0);
    what(&meeting).await;
    lines.until_end().await;
    // New listeners receive new messages; the first few may be ended once more.
    let (mut lines, channel) = loop {
        let (mut lines, _) = listen(&browser).await;
        send(&browser, &channel, "n", json!("later"), json!({"to_all": true})).await;
        if lines.next_data().await.is_some_and(|line| line["message"] == "later") {
            break (lines, channel);
        }
    };
    send(&browser, &channel, "n", json!("last"), json!({"to_all": true})).await;
    assert_eq!(lines.next_data().await.expect("a message")["message"], "last");
}

const LAST_READ: Position = Position::from_numbers([1_000_000, 0]);

fn to_all(message: u64) -> Vec<u8> {
    json!({"channel_id": "a:1:0", "name": "n", "message": message, "to_all": true}).to_string().into_bytes()
}

#[tokio::test]
async fn listeners_that_may_have_missed_a_message_are_ended() {
    // Deleted, and recreated by a server whose clock is behind.
    check_ended(async |meeting| {
        meeting.server.delete("notify").await;
        for number in 1..=6 {
            let position = Position::from_numbers([number, 0]);
            meeting.server.append_at(Channel::Notify, position, &to_all(number)).await;
        }
    })
    .await;
    // Only deleted.
    check_ended(async |meeting| meeting.server.delete("notify").await).await;
    // Emptied.
    check_ended(async |meeting| meeting.server.trim(Channel::Notify, 0).await).await;
}
