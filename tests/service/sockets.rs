//! Is the service reachable on every kind of socket? (spec: http.md#listening)

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;

use adapters::testing::fake_redis::FakeRedis;

use crate::harness::{Browser, Meeting, Process, Protocol, run, secret_file};

/// Starts a program that listens only on `host`.
async fn serve_at(host: &str, redis: &FakeRedis) -> Process {
    let (port, secret) = (redis.port().to_string(), secret_file());
    let variables = [
        ("AUTOUPDATE_HOST", host),
        ("AUTOUPDATE_PORT", "0"),
        ("MESSAGE_BUS_HOST", "127.0.0.1"),
        ("MESSAGE_BUS_PORT", &*port),
        ("SECRET_FILE", &*secret),
    ];
    Process::start_at(&[], &variables).await
}

/// Runs the command `health` with these variables. Returns its status and its output.
async fn health(host: &str, tls: &str) -> (Option<i32>, String) {
    let output = run(&["health"], &[("AUTOUPDATE_HOST", host), ("TLS", tls)]).await;
    (output.status.code(), String::from_utf8(output.stderr).expect("UTF-8"))
}

/// Checks that every protocol works over the socket at `path`, and that its streams continue.
async fn check_served(path: &Path, meeting: &mut Meeting) {
    Browser::local(path, Protocol::Http1).until_healthy().await;
    let cookie = meeting.log_in(3).await;
    let mut watchers = Vec::new();
    for protocol in Protocol::ALL {
        watchers.push(Browser::local(path, protocol).with_cookie(&cookie).watch().await);
    }
    let change_id = meeting.mark().await;
    for watcher in &mut watchers {
        watcher.until(change_id).await;
        watcher.check(&meeting.view(3), "user 3");
    }
}

#[tokio::test]
async fn everything_is_served_over_a_unix_socket() {
    let redis = FakeRedis::start().await.expect("a port");
    let mut meeting = Meeting::start(&redis.address()).await;
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("autoupdate.sock");
    let host = format!("unix:{}", path.display());
    assert_eq!(health(&host, "both").await.0, Some(1), "nothing listens yet");
    // A stale socket, as after a kill.
    drop(UnixListener::bind(&path).expect("made"));
    let (status, text) = health(&host, "both").await;
    assert!(status == Some(1) && text.contains(&host), "{text}");

    let mut process = serve_at(&host, &redis).await;
    let logged = process.logged.last().expect("a line");
    assert!(logged.contains(&format!("\"addresses\":\"[{host}]\"")), "{logged}");
    let mode = std::fs::metadata(&path).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    check_served(&path, &mut meeting).await;
    for tls in ["both", "only", "off"] {
        assert_eq!(health(&host, tls).await, (Some(0), String::new()), "{tls}");
    }

    // Another program does not take the socket away.
    let (port, secret) = (redis.port().to_string(), secret_file());
    let variables = [("AUTOUPDATE_HOST", &*host), ("MESSAGE_BUS_PORT", &port), ("SECRET_FILE", &secret)];
    let other = run(&[], &variables).await;
    let text = String::from_utf8(other.stderr).expect("UTF-8");
    assert!(other.status.code() == Some(1) && text.contains("another program listens there"), "{text}");
    assert_eq!(health(&host, "both").await.0, Some(0));

    let mut lines = Browser::local(&path, Protocol::Http1).open("/system/notify").await;
    process.signal("TERM").await;
    lines.until_end().await;
    assert_eq!(process.status().await, Some(0));
    assert!(!path.exists());
}

#[tokio::test]
async fn a_unix_socket_can_be_inherited() {
    let redis = FakeRedis::start().await.expect("a port");
    let mut meeting = Meeting::start(&redis.address()).await;
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("autoupdate.sock");
    let socket = UnixListener::bind(&path).expect("made");
    for _ in 0..2 {
        let mut process = Process::start_on(&socket, redis.port()).await;
        check_served(&path, &mut meeting).await;
        process.signal("TERM").await;
        assert_eq!(process.status().await, Some(0));
        assert!(path.exists(), "it belongs to its owner");
    }
}

/// Checks every address that a host stands for.
#[tokio::test]
async fn a_host_is_served_on_all_its_addresses() {
    let redis = FakeRedis::start().await.expect("a port");
    Meeting::start(&redis.address()).await;
    if TcpListener::bind("[::1]:0").is_err() {
        return adapters::testing::skip("listening on IPv6, because this machine has none");
    }
    for (host, addresses) in
        [("[::]", &["127.0.0.1", "[::1]"][..]), ("*", &["127.0.0.1", "[::1]"]), ("[::1]", &["[::1]"])]
    {
        let process = serve_at(host, &redis).await;
        for address in addresses {
            let address = format!("{address}:{}", process.port).parse().expect("an address");
            Browser::new(address, Protocol::Http1).until_healthy().await;
        }
        let port = process.port.to_string();
        let output = run(&["health"], &[("AUTOUPDATE_HOST", host), ("AUTOUPDATE_PORT", &port)]).await;
        assert_eq!(output.status.code(), Some(0), "{host}");
    }
}
