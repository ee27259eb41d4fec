//! What does the client receive, byte for byte, and what happens when a client misbehaves?

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::{FutureExt, StreamExt, stream};
use http_body_util::StreamBody;
use hyper::body::Frame;
use poem::http::{Response, header};
use tokio::io::{AsyncReadExt, DuplexStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::*;

fn body(parts: impl futures_util::Stream<Item = io::Result<Bytes>> + Send + Sync + 'static) -> ResponseBody {
    ResponseBody::new(StreamBody::new(parts.map(|part| part.map(Frame::data))))
}

fn head() -> response::Parts {
    let response = Response::builder().header(header::CONTENT_TYPE, "application/octet-stream").body(());
    response.expect("a response").into_parts().0
}

/// Sends `body` over a pipe that holds `pipe_bytes`.
fn start(version: Version, body: ResponseBody, pipe_bytes: usize) -> (DuplexStream, JoinHandle<io::Result<()>>) {
    let (client, server) = tokio::io::duplex(pipe_bytes);
    (client, tokio::spawn(async move { send(server, version, &head(), body).await }))
}

/// Returns the lines of the head without the date, and the body as sent.
async fn receive(client: &mut DuplexStream) -> (Vec<String>, Vec<u8>) {
    let mut bytes = Vec::new();
    client.read_to_end(&mut bytes).await.expect("readable");
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("a head");
    let head = std::str::from_utf8(&bytes[..end]).expect("ASCII");
    let lines: Vec<String> = head.split("\r\n").map(str::to_owned).collect();
    let (dates, lines) = lines.into_iter().partition::<Vec<_>, _>(|line| line.starts_with("date: "));
    assert!(dates.len() == 1 && dates[0].ends_with(" GMT"), "{dates:?}");
    (lines, bytes[end + 4..].to_vec())
}

/// Decodes a chunked body (RFC 9112, 7.1).
fn dechunk(mut bytes: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let end = bytes.windows(2).position(|window| window == b"\r\n").expect("a size ends with CRLF");
        let size = std::str::from_utf8(&bytes[..end]).expect("ASCII");
        let size = usize::from_str_radix(size, 16).expect("a size");
        let (chunk, rest) = bytes[end + 2..].split_at(size);
        body.extend_from_slice(chunk);
        bytes = rest.strip_prefix(b"\r\n").expect("a chunk ends with CRLF");
        if size == 0 {
            assert_eq!(bytes, b"", "the last chunk is the last");
            return body;
        }
    }
}

/// Sends parts of these lengths and checks that they arrive, however few bytes the transport takes at once.
async fn check(lengths: &[usize]) {
    let parts: Vec<Bytes> =
        (b'a'..=b'z').cycle().zip(lengths).map(|(byte, length)| vec![byte; *length].into()).collect();
    let expected: Vec<u8> = parts.concat();
    for pipe_bytes in [1, 7, 1_000, 1_000_000] {
        for version in [Version::HTTP_10, Version::HTTP_11] {
            let parts = stream::iter(parts.clone()).map(Ok);
            let (mut client, sending) = start(version, body(parts), pipe_bytes);
            let (lines, received) = receive(&mut client).await;
            let mut expected_lines =
                vec!["HTTP/1.1 200 OK", "content-type: application/octet-stream", "connection: close"];
            let received = if version == Version::HTTP_11 {
                expected_lines.insert(2, "transfer-encoding: chunked");
                dechunk(&received)
            } else {
                received
            };
            assert_eq!(lines, expected_lines);
            assert_eq!(received, expected, "{lengths:?} through {pipe_bytes} bytes");
            sending.await.expect("no panic").expect("sent");
        }
    }
}

#[tokio::test]
async fn a_body_arrives_whole_and_its_end_is_marked() {
    check(&[]).await;
    check(&[18]).await;
    check(&[18, 0, 1, 255, 256]).await;
    check(&[3; 200]).await;
    check(&[1, TAKEN_BYTES_MAX + 1, 1]).await;
}

#[tokio::test]
async fn each_line_is_sent_as_soon_as_it_is_ready() {
    let (sender, mut receiver) = mpsc::unbounded_channel::<&'static str>();
    let parts = stream::poll_fn(move |context| receiver.poll_recv(context));
    let parts = parts.map(|line| Ok(Bytes::from_static(line.as_bytes())));
    let (mut client, server) = tokio::io::duplex(1_000);
    // Written bytes wait until they are flushed, as they may with TLS.
    let server = tokio::io::BufWriter::new(server);
    let _sending = tokio::spawn(async move { send(server, Version::HTTP_11, &head(), body(parts)).await });
    let mut head = vec![0; 1_000];
    let length = client.read(&mut head).await.expect("the head comes at once");
    assert!(head[..length].ends_with(b"\r\n\r\n"));
    for (line, chunk) in [("{\"connected\":true}\n", "13\r\n{\"connected\":true}\n\r\n"), ("x\n", "2\r\nx\n\r\n")] {
        sender.send(line).expect("sent");
        let mut received = vec![0; chunk.len()];
        client.read_exact(&mut received).await.expect("the line");
        assert_eq!(received, chunk.as_bytes());
    }
}

#[tokio::test]
async fn parts_ready_together_are_one_chunk() {
    let parts = stream::iter(["a", "b", "c"].map(|part| Ok(Bytes::from_static(part.as_bytes()))));
    let (mut client, _sending) = start(Version::HTTP_11, body(parts.chain(stream::pending())), 1_000);
    let mut received = vec![0; 1_000];
    let mut length = 0;
    while !received[..length].ends_with(b"\r\n\r\n3\r\nabc\r\n") {
        length += client.read(&mut received[length..]).await.expect("open");
    }
}

/// A body that never yields anything; the `Arc` shows whether it was dropped.
fn silent() -> (ResponseBody, Arc<()>) {
    let alive = Arc::new(());
    let held = Arc::clone(&alive);
    let parts = stream::poll_fn(move |_| {
        let _held = &held;
        Poll::Pending
    });
    (body(parts), alive)
}

#[tokio::test]
async fn a_client_that_disconnects_ends_the_stream() {
    let (body, alive) = silent();
    let (client, sending) = start(Version::HTTP_11, body, 1_000);
    drop(client);
    sending.await.expect("no panic").ok();
    assert_eq!(Arc::strong_count(&alive), 1, "the body is dropped");
}

#[tokio::test]
async fn what_a_client_sends_is_ignored_up_to_a_limit() {
    let (body, _alive) = silent();
    let (mut client, sending) = start(Version::HTTP_11, body, 1_000);
    client.write_all(&vec![b'x'; BODY_BYTES_MAX]).await.expect("ignored");
    let too_much = client.write_all(&vec![b'x'; 2 * IGNORED_BYTES_MAX]).await;
    assert!(too_much.is_err(), "the connection must end");
    let error = sending.await.expect("no panic").expect_err("ended").to_string();
    assert_eq!(error, "the client sends more than the body of its request");
}

/// (spec: http.md#no-error-inside)
#[tokio::test]
async fn a_failing_body_ends_the_connection_without_the_last_chunk() {
    let parts = stream::iter([Ok(Bytes::from_static(b"a")), Err(io::Error::other("broken"))]);
    let (mut client, sending) = start(Version::HTTP_11, body(parts), 1_000);
    let mut received = Vec::new();
    client.read_to_end(&mut received).await.expect("readable");
    assert!(!received.ends_with(LAST_CHUNK));
    assert_eq!(sending.await.expect("no panic").expect_err("broken").to_string(), "broken");
}

/// While its client does not read, a connection holds no more than it takes from the body at once.
#[tokio::test]
async fn nothing_is_read_ahead_for_a_client_that_does_not_read() {
    const PART: usize = 10_000;
    let taken = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&taken);
    let parts = stream::repeat_with(move || {
        counted.fetch_add(PART, Ordering::Relaxed);
        Ok(Bytes::from(vec![b'x'; PART]))
    });
    let (client, _sending) = start(Version::HTTP_11, body(parts), 1_000);
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    let taken = taken.load(Ordering::Relaxed);
    assert!((1..TAKEN_BYTES_MAX + PART).contains(&taken), "{taken}");
    drop(client);
}

/// A body that yields to other tasks is not polled again before they have run.
#[tokio::test]
async fn a_body_that_yields_is_not_polled_again_at_once() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    // It yields after every two parts, however much of a chunk they fill.
    let parts = stream::poll_fn(move |context| {
        if counted.fetch_add(1, Ordering::Relaxed) % 3 == 2 {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Ok(Bytes::from_static(b"{}\n"))))
    });
    let (_client, server) = tokio::io::duplex(1_000_000);
    let head = head();
    let mut sending = Box::pin(send(server, Version::HTTP_11, &head, body(parts)));
    for turns in 1..10 {
        assert!((&mut sending).now_or_never().is_none());
        assert_eq!(asked.load(Ordering::Relaxed), 3 * turns);
    }
}

#[test]
fn sent_parts_are_freed() {
    let parts = VecDeque::from([Bytes::from_static(b"ab"), Bytes::from_static(b"cd")]);
    let mut outgoing = Outgoing { parts, is_chunked: true, body: None };
    outgoing.written(3);
    assert_eq!(outgoing.parts, ["d"]);
    outgoing.written(1);
    assert_eq!(outgoing.parts.capacity(), 0);
}
