//! Does serving end when it should, without cutting off clients that end in time?

use std::io::{Read, Write};

use super::*;
use crate::tls::trust_anyone;

#[tokio::test(start_paused = true)]
async fn streams_end_between_two_lines_and_unused_connections_at_once() {
    let (running, pipes) = Pipes::start(Limits::default());
    let mut stream = connect(&pipes);
    stream.write_all(&get("/system/autoupdate")).await.expect("written");
    read_until(&mut stream, "{\"connected\":true}\n\r\n").await;
    let mut unused = connect(&pipes);
    unused.write_all(&get("/system/health")).await.expect("written");
    read_until(&mut unused, HEALTHY).await;
    let mut silent = connect(&pipes);
    // Time is paused: this returns when every task is idle.
    sleep(Duration::from_millis(1)).await;
    assert_eq!(running.accepted(), 3);

    let begin = Instant::now();
    assert_eq!(running.stop().await, ServeOutcome { cut: 0 });
    assert_eq!(begin.elapsed(), Duration::ZERO, "there was nothing to wait for");
    let end = read_to_end(&mut stream).await.to_ascii_lowercase();
    assert_eq!(end, "e\r\n{\"last\":true}\n\r\n0\r\n\r\n", "the last line, and the end of the body");
    assert_eq!(read_to_end(&mut unused).await, "");
    assert_eq!(read_to_end(&mut silent).await, "");
}

#[tokio::test(start_paused = true)]
async fn connections_that_do_not_end_are_cut_after_the_drain_time() {
    let limits = Limits::default();
    let bound = limits.drain;
    let (running, pipes) = Pipes::start(limits);
    let mut endless = connect(&pipes);
    endless.write_all(&get("/system/notify")).await.expect("written");
    read_until(&mut endless, "{\"connected\":true}\n\r\n").await;
    let begin = Instant::now();
    assert_eq!(running.stop().await, ServeOutcome { cut: 1 });
    assert_eq!(begin.elapsed().as_secs(), bound.as_secs());
    assert_eq!(read_to_end(&mut endless).await, "");
}

#[tokio::test(start_paused = true)]
async fn no_more_connections_are_accepted() {
    let (running, pipes) = Pipes::start(Limits::default());
    running.stop().await;
    assert!(pipes.is_closed());
}

#[tokio::test]
async fn http2_streams_end_and_then_their_connection() {
    let port = Port::start(TlsMode::Both);
    let client = reqwest::Client::builder().no_proxy().tls_danger_accept_invalid_certs(true).build().expect("a client");
    let mut streams = Vec::new();
    for _ in 0..3 {
        let mut stream = client.get(port.url("https", "/system/autoupdate")).send().await.expect("a stream");
        stream.chunk().await.expect("a line");
        streams.push(stream);
    }
    port.running.trigger.begin();
    for stream in streams {
        assert_eq!(stream.text().await.expect("a whole body"), "{\"last\":true}\n");
    }
    let served = port.running.served.await.expect("no panic");
    assert_eq!(served, ServeOutcome { cut: 0 });
}

/// Otherwise an HTTP/1.0 client could not tell the end of a stream from a cut connection.
#[tokio::test]
async fn a_stream_over_tls_ends_with_close_notify() {
    let port = Port::start(TlsMode::Both);
    let address = port.address;
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let client = tokio::task::spawn_blocking(move || {
        let mut client = trust_anyone(std::net::TcpStream::connect(address)?)?;
        client.write_all(b"GET /system/autoupdate HTTP/1.0\r\n\r\n")?;
        let mut text = Vec::new();
        while !text.ends_with(CONNECTED.as_bytes()) {
            let mut byte = [0];
            client.read_exact(&mut byte)?;
            text.extend(byte);
        }
        begun.send(()).expect("the test waits for it");
        let mut rest = String::new();
        // This fails if the connection ends without `close_notify`.
        client.read_to_string(&mut rest).map(|_| rest)
    });
    has_begun.await.expect("a line");
    assert_eq!(port.running.stop().await, ServeOutcome { cut: 0 });
    assert_eq!(client.await.expect("no panic").expect("a proper end"), "{\"last\":true}\n");
}
