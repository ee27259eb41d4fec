//! Do clients leave enough file descriptors for Redis? (docs/OPERATIONS.md, Limits)

use adapters::testing::redis_server::RedisServer;
use domain::ports::message_bus::Channel;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::harness::{Meeting, Process, run_within, within};

/// How many files the system allows the program to open.
const OPEN_FILES: usize = 256;
/// How many clients request a stream: more than [`OPEN_FILES`].
const CLIENTS: usize = 400;

/// How many connections were configured, and how many the program says it will serve.
fn lowered(process: &Process) -> (u64, u64) {
    let line = process.logged.iter().find(|line| line.contains("fewer open files")).expect("a warning");
    let line: Value = serde_json::from_str(line).expect("JSON");
    assert_eq!(line["level"], "WARN");
    let number = |name: &str| line[name].as_u64().expect("a number");
    (number("connections_max"), number("lowered_to"))
}

/// Sends a message to everybody.
async fn send(meeting: &Meeting, message: u64) {
    let message =
        json!({"sender_user_id": 1, "sender_channel_id": "a:1:0", "to_all": true, "name": "n", "message": message});
    meeting.server.append(Channel::Notify, &[message.to_string().as_bytes()]).await;
}

#[tokio::test]
#[cfg_attr(not(has_redis_server), ignore = "redis-server is not on the PATH")]
async fn waiting_clients_do_not_prevent_reconnecting_to_redis() {
    let mut redis = RedisServer::start_persistent().await.expect("a Redis");
    // The test needs as many for its ends of the connections.
    let needed = 2 * CLIENTS as u64 + 1024;
    if rlimit::increase_nofile_limit(needed).expect("a limit") < needed {
        return adapters::testing::skip(
            "clients that use up the descriptors, because the test may not open enough files",
        );
    }
    let mut meeting = Meeting::start(&redis.address()).await;
    // Without keep-alives, only what is expected ends a wait.
    let variables = [("RECONCILE_SECONDS", "1"), ("KEEP_ALIVE_SECONDS", "0")];
    let mut process = Process::serve_within(OPEN_FILES, redis.port(), &variables).await;
    let (wanted, connections) = lowered(&process);
    assert_eq!(wanted, 20_000);
    // The program keeps as many as docs/OPERATIONS.md says, and one for the listening socket.
    assert_eq!(connections, OPEN_FILES as u64 - 100 - 1);

    process.browser().until_healthy().await;
    let mut watcher = process.browser().watch().await;
    watcher.line().await.expect("everything");
    let mut listener = process.browser().with_cookie(&meeting.log_in(3).await).open("/system/notify").await;
    listener.next_data().await.expect("a channel id");
    // After the second message, the service has read messages since the listener connected, so an interruption does not
    // end it.
    for number in 1..=2 {
        send(&meeting, number).await;
        assert_eq!(listener.next_data().await.expect("a message")["message"], number);
    }
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let mut client = TcpStream::connect(("127.0.0.1", process.port)).await.expect("the kernel takes it");
        client.write_all(b"GET /system/autoupdate HTTP/1.1\r\nHost: test\r\n\r\n").await.expect("written");
        clients.push(client);
    }
    // Once the last possible one is served, no more are accepted.
    let mut first = [0; 1];
    for client in clients.iter_mut().take(usize::try_from(connections).expect("a number") - 4) {
        within("an answer", client.peek(&mut first)).await.expect("a byte");
    }

    redis.kill().expect("killed");
    process.until_logged("\"WARN\"").await;
    redis.restart().await.expect("started");
    let change_id = meeting.mark().await;
    watcher.until(change_id).await;
    // Both Redis streams are read again: changes and messages.
    send(&meeting, 3).await;
    assert_eq!(listener.next_data().await.expect("the message")["message"], 3);
    process.signal("TERM").await;
    assert_eq!(process.status().await, Some(0));
    let shortage = process.logged.iter().find(|line| line.contains("os error 24"));
    assert_eq!(shortage, None);
}

/// (spec: http.md#descriptors)
#[tokio::test]
async fn a_program_that_may_open_too_few_files_does_not_start() {
    let output = run_within(64, &["demo"], &[("AUTOUPDATE_HOST", "127.0.0.1"), ("AUTOUPDATE_PORT", "0")]).await;
    let text = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("64 open files") && text.contains("ulimit -n"), "{text}");
}

#[tokio::test]
async fn the_demo_does_not_warn_of_a_limit_that_it_never_reaches() {
    let demo = Process::start(&["demo"], &[("CONNECTIONS_MAX", "1000000000")]).await;
    assert!(!demo.logged.iter().any(|line| line.contains("open files")), "{:?}", demo.logged);
}
