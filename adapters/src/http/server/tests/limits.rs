//! What happens at each limit? Time is paused, and advances only while every task is idle.

use tokio::net::{TcpSocket, TcpStream};

use super::*;
use crate::http::limits::FairShares;

/// Sends `bytes` and checks how long the connection then stays open.
async fn check_ended_after(bytes: &[u8], limit: impl Fn(&Limits) -> Duration) {
    let limits = Limits::default();
    let expected = limit(&limits);
    let (_running, pipes) = Pipes::start(limits);
    let mut client = connect(&pipes);
    let begin = Instant::now();
    client.write_all(bytes).await.expect("written");
    let _ = timeout(Duration::from_secs(24 * 60 * 60), read_to_end(&mut client)).await;
    let name = String::from_utf8_lossy(bytes);
    // Timers count in milliseconds.
    let difference = begin.elapsed().abs_diff(expected);
    assert!(difference <= Duration::from_millis(5), "{name:?} after {:?}, not {expected:?}", begin.elapsed());
}

/// (spec: http.md#connection-limits)
#[tokio::test(start_paused = true)]
async fn a_silent_client_is_disconnected_after_a_while() {
    check_ended_after(b"", |limits| limits.first_bytes).await;
    // It might become HTTP/2.
    check_ended_after(b"PRI * HTTP/2.0\r\n", |limits| limits.first_bytes).await;
    check_ended_after(b"\x16\x03\x01", |limits| limits.handshake).await;
    check_ended_after(b"GET /system/health HTTP/1.1\r\nHost: te", |limits| limits.header).await;
    // An unused connection after a request.
    check_ended_after(&get("/system/health"), |limits| limits.unused).await;
    // Reused as proxies do, and after a request with a body.
    let body = b"POST /system/health HTTP/1.1\r\nHost: test\r\nContent-Length: 2\r\n\r\n{}";
    check_ended_after(&[&get("/system/health"), &body[..]].concat(), |limits| limits.unused).await;
    // HTTP/2 with its preface and its (empty) settings, and then no answer to a PING.
    check_ended_after(HTTP2_HELLO, |limits| limits.ping_interval + limits.ping_timeout).await;
}

#[tokio::test(start_paused = true)]
async fn a_header_sent_byte_by_byte_gets_no_extra_time() {
    let (_running, pipes) = Pipes::start(Limits::default());
    for is_first in [true, false] {
        let mut client = connect(&pipes);
        if !is_first {
            client.write_all(&get("/system/health")).await.expect("written");
            read_until(&mut client, HEALTHY).await;
            sleep(Duration::from_secs(100)).await;
        }
        let begin = Instant::now();
        client.write_all(b"GET / HTTP/1.1\r\nX-Slow: ").await.expect("written");
        while client.write_all(b"x").await.is_ok() {
            sleep(Duration::from_secs(1)).await;
        }
        let limit = Limits::default().header;
        assert!(begin.elapsed().abs_diff(limit) <= Duration::from_secs(2), "{:?}", begin.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_has_no_time_limit() {
    let (_running, pipes) = Pipes::start(Limits::default());
    let mut client = connect(&pipes);
    client.write_all(&get("/system/autoupdate")).await.expect("written");
    read_until(&mut client, "{\"connected\":true}\n\r\n").await;
    let ended = timeout(Duration::from_secs(24 * 60 * 60), client.read_u8()).await;
    assert!(ended.is_err(), "{ended:?}");
}

#[tokio::test(start_paused = true)]
async fn at_the_limit_connections_wait_until_one_ends() {
    let limits = Limits { connections_max: 2, ..Limits::default() };
    let (running, pipes) = Pipes::start(limits);
    let mut clients = Vec::new();
    for _ in 0..3 {
        let mut client = connect(&pipes);
        client.write_all(&get("/system/autoupdate")).await.expect("written");
        clients.push(client);
    }
    let mut last = clients.pop().expect("three");
    for client in &mut clients {
        read_until(client, "{\"connected\":true}\n\r\n").await;
    }
    assert!(timeout(Duration::from_secs(5), last.read_u8()).await.is_err(), "the third is not served");
    assert_eq!(running.accepted(), 2, "it waits in the kernel's queue");
    clients.pop();
    read_until(&mut last, "{\"connected\":true}\n\r\n").await;
}

/// Connects from this address of the loopback network, and asks for a stream; `None`: the connection was closed.
async fn stream_from(last: u8, service: SocketAddr) -> Option<TcpStream> {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(SocketAddr::from(([127, 0, 0, last], 0))).expect("an address of this machine");
    let mut client = socket.connect(service).await.expect("connected");
    let _ = client.write_all(&get("/system/autoupdate")).await;
    let mut status = [0; 12];
    client.read_exact(&mut status).await.ok()?;
    (&status == b"HTTP/1.1 200").then_some(client)
}

/// (spec: http.md#fair-shares)
#[tokio::test]
async fn an_address_cannot_have_all_connections() {
    let shares = FairShares {
        connections_per_address_max: 2,
        trusted_proxies: "127.0.0.9".parse().expect("a list"),
        ..FairShares::default()
    };
    let acceptor = TcpAcceptor::new(bind("127.0.0.1", 0).expect("a free port")).expect("usable");
    let service = acceptor.local_addresses()[0];
    let _running = Running::start(acceptor, TlsMode::Off, None, Limits { shares, ..Limits::default() });
    let first = stream_from(2, service).await;
    let _second = stream_from(2, service).await.expect("served");
    assert!(first.is_some() && stream_from(2, service).await.is_none(), "the third is closed");
    let _other = stream_from(3, service).await.expect("others are not concerned");
    let mut proxy = Vec::new();
    for _ in 0..5 {
        proxy.push(stream_from(9, service).await.expect("a trusted proxy has no limit"));
    }
    drop(first);
    let again = async {
        while stream_from(2, service).await.is_none() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(60), again).await.expect("its place is free again");
}

#[tokio::test(start_paused = true)]
async fn failures_to_accept_are_followed_by_pauses() {
    let (running, pipes) = Pipes::start(Limits::default());
    for _ in 0..1000 {
        pipes.send(Err(io::Error::from_raw_os_error(24))).expect("the service runs");
    }
    sleep(Duration::from_secs(10)).await;
    let attempts = running.accepted();
    assert!((2..=20).contains(&attempts), "{attempts} attempts in ten seconds");
    drop(running);

    let (running, pipes) = Pipes::start(Limits::default());
    for _ in 0..3 {
        pipes.send(Err(io::Error::from_raw_os_error(24))).expect("the service runs");
    }
    let mut client = connect(&pipes);
    client.write_all(&get("/system/health")).await.expect("written");
    read_until(&mut client, HEALTHY).await;
    // Draining interrupts the pause.
    for _ in 0..10 {
        pipes.send(Err(io::Error::from_raw_os_error(24))).expect("the service runs");
    }
    drop(client);
    assert_eq!(running.stop().await, ServeOutcome { cut: 0 });
}

#[tokio::test]
async fn a_header_that_is_too_large_is_refused() {
    let (_running, pipes) = Pipes::start(Limits::default());
    let mut client = connect(&pipes);
    let header = format!("GET / HTTP/1.1\r\nX-Large: {}", "x".repeat(20_000));
    client.write_all(header.as_bytes()).await.expect("written");
    let answer = read_to_end(&mut client).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

/// The limit that OPERATIONS.md states. `Host` and `Connection` count as two of the fields.
#[tokio::test]
async fn header_fields_beyond_the_hundredth_are_refused() {
    for (fields, status) in [(98, "200"), (99, "431")] {
        let (_running, pipes) = Pipes::start(Limits::default());
        let mut client = connect(&pipes);
        let begin = "GET /system/health HTTP/1.1\r\nHost: test\r\nConnection: close\r\n";
        let header = format!("{begin}{}\r\n", "X: y\r\n".repeat(fields));
        client.write_all(header.as_bytes()).await.expect("written");
        let answer = read_to_end(&mut client).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{fields}: {answer}");
    }
}

/// The first frame that the service sends must announce the constants of `limits.rs`, which keep clients from opening
/// streams or sending headers without limit.
#[tokio::test]
async fn http2_clients_are_told_their_limits() {
    const SETTINGS: u8 = 4;
    const MAX_CONCURRENT_STREAMS: u8 = 3;
    const MAX_HEADER_LIST_SIZE: u8 = 6;
    let (_running, pipes) = Pipes::start(Limits::default());
    let mut client = connect(&pipes);
    client.write_all(HTTP2_HELLO).await.expect("written");
    let mut head = [0; 9];
    client.read_exact(&mut head).await.expect("a frame");
    assert_eq!(head[3], SETTINGS);
    let mut settings = vec![0; usize::from(head[2])];
    client.read_exact(&mut settings).await.expect("the rest");
    let value = |id: u8| {
        let setting = settings.chunks(6).find(|setting| setting[..2] == [0, id]);
        setting.map(|setting| u32::from_be_bytes([setting[2], setting[3], setting[4], setting[5]]))
    };
    assert_eq!(value(MAX_CONCURRENT_STREAMS), Some(256));
    assert_eq!(value(MAX_HEADER_LIST_SIZE), Some(16 * 1024));
}

/// A client that was refused and does not disconnect must not occupy the place of another, whether or not it reads the
/// refusal.
#[tokio::test(start_paused = true)]
async fn a_refused_client_makes_room() {
    let limits = Limits { connections_max: 1, ..Limits::default() };
    let (running, pipes) = Pipes::start_with(TlsMode::Only, limits);
    let mut refused = connect(&pipes);
    // INITIAL_WINDOW_SIZE is 0, so that the body of the response has to wait.
    let hello = [&HTTP2_HELLO[..24], b"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x04\x00\x00\x00\x00"].concat();
    let request = b"\x00\x00\x03\x01\x05\x00\x00\x00\x01\x82\x86\x84";
    refused.write_all(&[&hello, &request[..]].concat()).await.expect("written");
    sleep(Duration::from_secs(1)).await;
    let window_update = b"\x00\x00\x04\x08\x00\x00\x00\x00\x01\x00\x00\xff\xff";
    refused.write_all(window_update).await.expect("written");
    read_to_end(&mut refused).await;
    let _waits = connect(&pipes);
    sleep(Duration::from_secs(10 * 60)).await;
    assert_eq!(running.accepted(), 2);
}
