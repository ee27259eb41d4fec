//! Do responses arrive as they are made? (section 8.1)

use std::io;

use bytes::Bytes;
use futures_util::{FutureExt, stream};
use http_body_util::{BodyExt, StreamBody};
use poem::http::{HeaderValue, StatusCode, header};

use super::client::connect;
use super::heard::Outcome::{Fine, Stream};
use super::service::{Producers, full, standard};
use super::start::{HttpResponse, RequestBody};
use super::wire::{FRAME_BYTES_MAX, code::*, data, flag, get, headers, kind, post, request, window_update};

#[tokio::test(start_paused = true)]
async fn parts_arrive_as_they_are_made() {
    let producers = Producers::default();
    let mut client = connect(producers.service()).await;
    let heard = client.exchange(get(1, "/stream/1")).await;
    assert_eq!((heard.status(1), heard.length(1), heard.is_finished(1)), (Some(200), 0, false), "the head by itself");
    let sender = producers.take("/stream/1");
    for part in ["one", "two", "three\n"] {
        sender.send(Ok(part.into())).expect("somebody listens");
        let heard = client.settle().await;
        assert_eq!((heard.body(1), heard.is_finished(1)), (part.into(), false));
    }
    drop(sender);
    let heard = client.settle().await;
    assert_eq!((heard.length(1), heard.is_finished(1), heard.reset(1)), (0, true, None));
}

#[tokio::test(start_paused = true)]
async fn small_parts_travel_together() {
    let producers = Producers::default();
    let mut client = connect(producers.service()).await;
    client.exchange(get(1, "/stream/1")).await;
    let sender = producers.take("/stream/1");
    let part = Bytes::from_static(&[b'p'; 30]);
    for _ in 0..2_000 {
        sender.send(Ok(part.clone())).expect("somebody listens");
    }
    let heard = client.settle().await;
    let lengths = heard.lengths(1);
    assert_eq!(lengths.iter().sum::<usize>(), 60_000);
    assert!(lengths.len() <= 5, "{lengths:?}");
    // The same with parts that carry nothing in between: neither an end nor a frame for each.
    for part in ["a", "", "", "b", ""] {
        sender.send(Ok(part.into())).expect("somebody listens");
    }
    let heard = client.settle().await;
    assert_eq!((heard.body(1), heard.lengths(1).len(), heard.is_finished(1)), (b"ab".to_vec(), 1, false));
    // And with parts that do not fit.
    let large = vec![b'l'; FRAME_BYTES_MAX - 1];
    client.send(window_update(0, 1 << 20)).await;
    client.send(window_update(1, 1 << 20)).await;
    for _ in 0..3 {
        sender.send(Ok(large.clone().into())).expect("somebody listens");
    }
    let lengths = client.settle().await.lengths(1);
    assert_eq!(lengths.iter().sum::<usize>(), 3 * large.len());
    assert!(lengths.len() <= 4, "{lengths:?}");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_fails_resets_its_stream_alone() {
    let producers = Producers::default();
    let mut client = connect(producers.service()).await;
    client.exchange([get(1, "/stream/1"), get(3, "/stream/3"), get(5, "/stream/5")].concat()).await;
    let sender = producers.take("/stream/1");
    sender.send(Ok("part".into())).expect("somebody listens");
    assert_eq!(client.settle().await.body(1), b"part");
    sender.send(Err(io::Error::other("on purpose"))).expect("somebody listens");
    let heard = client.settle().await;
    assert_eq!((heard.outcome(1), heard.is_finished(1)), (Stream(INTERNAL_ERROR), false));
    // Before anything of it was sent.
    producers.take("/stream/3").send(Err(io::Error::other("on purpose"))).expect("somebody listens");
    assert_eq!(client.settle().await.outcome(3), Stream(INTERNAL_ERROR));
    producers.take("/stream/5").send(Ok("part".into())).expect("somebody listens");
    let heard = client.settle().await;
    assert_eq!((heard.body(5), heard.is_finished(5)), (b"part".to_vec(), true));
}

#[tokio::test(start_paused = true)]
async fn a_response_does_not_wait_for_the_whole_request() {
    let mut client = connect(standard).await;
    client.exchange(post(1, "/")).await.check_answered(1, "ok");
    let heard = client.exchange([data(1, flag::NONE, "late"), data(1, flag::END_STREAM, "")].concat()).await;
    assert!(matches!(heard.outcome(1), Fine | Stream(NO_ERROR | STREAM_CLOSED)), "{heard:?}");
    // The body may have begun to arrive.
    let heard = client.exchange([post(3, "/"), data(3, flag::NONE, [b'x'; 5_000])].concat()).await;
    heard.check_answered(3, "ok");
    client.exchange(get(5, "/")).await.check_answered(5, "ok");
}

#[tokio::test(start_paused = true)]
async fn only_the_head_of_a_response_answers_head() {
    let mut client = connect(standard).await;
    for (stream, path) in [(1, "/"), (3, "/large")] {
        let heard = client.exchange(headers(stream, flag::END_BOTH, &request("HEAD", path))).await;
        assert_eq!((heard.status(stream), heard.length(stream), heard.reset(stream)), (Some(200), 0, None));
        assert!(heard.is_finished(stream), "{heard:?}");
    }
    client.exchange(get(5, "/")).await.check_answered(5, "ok");
}

/// A service that answers with the status that is asked for, without a body, and some fields.
fn respond(request: poem::http::Request<super::start::RequestBody>) -> super::Answer {
    let status = request.uri().path().trim_start_matches('/').parse().map_err(|_| ());
    let mut response = full("");
    *response.status_mut() = status.and_then(|status| StatusCode::from_u16(status).map_err(|_| ())).expect("a status");
    for (name, value) in [("x-test", "one"), ("x-test", "two"), ("x-empty", ""), ("x-sign", "a=\"b\"; c")] {
        response.headers_mut().append(name, HeaderValue::from_static(value));
    }
    async { response }.boxed()
}

#[tokio::test(start_paused = true)]
async fn the_status_arrives() {
    let mut client = connect(respond).await;
    for (stream, status) in (0..).map(|index| index * 2 + 1).zip([200, 204, 304, 400, 404, 500]) {
        let heard = client.exchange(get(stream, &format!("/{status}"))).await;
        assert_eq!((heard.status(stream), heard.length(stream)), (Some(status), 0));
        assert!(heard.is_finished(stream), "{heard:?}");
        assert_eq!(heard.of(kind::HEADERS, stream).count(), 1);
    }
}

/// Needs the decoder.
#[tokio::test(start_paused = true)]
async fn the_fields_arrive() {
    let mut client = connect(respond).await;
    let fields = client.exchange(get(1, "/200")).await.fields(1);
    let own: Vec<_> = fields.iter().filter(|(name, _)| name.starts_with("x-")).collect();
    let expected = [("x-test", "one"), ("x-test", "two"), ("x-empty", ""), ("x-sign", "a=\"b\"; c")];
    assert_eq!(own.len(), expected.len(), "{fields:?}");
    for (name, value) in expected {
        assert!(own.iter().any(|own| (own.0.as_str(), own.1.as_str()) == (name, value)), "{fields:?}");
    }
}

/// Needs the decoder. 8.2.2: what belongs to connections of HTTP/1.1 must not be sent.
#[tokio::test(start_paused = true)]
async fn fields_of_other_protocols_are_left_out() {
    let mut client = connect(|_| {
        let mut response = full("ok");
        for name in [header::CONNECTION, header::TRANSFER_ENCODING, header::UPGRADE] {
            response.headers_mut().insert(name, HeaderValue::from_static("close"));
        }
        response.headers_mut().insert("keep-alive", HeaderValue::from_static("timeout=5"));
        async { response }.boxed()
    })
    .await;
    let fields = client.exchange(get(1, "/")).await.fields(1);
    for name in ["connection", "transfer-encoding", "upgrade", "keep-alive"] {
        assert!(fields.iter().all(|field| field.0 != name), "{fields:?}");
    }
}

/// A header of a response that does not fit into a frame is cut (4.3), and nothing comes in between (6.10).
#[tokio::test(start_paused = true)]
async fn a_large_header_is_sent_in_fragments() {
    let mut client = connect(|_| {
        let mut response = full("ok");
        for _ in 0..20 {
            response.headers_mut().append("x-large", HeaderValue::from_static(LARGE));
        }
        async { response }.boxed()
    })
    .await;
    let heard = client.exchange([get(1, "/"), get(3, "/")].concat()).await;
    let mut open = None;
    let mut continued = 0;
    for frame in &heard.frames {
        assert!(frame.payload.len() <= FRAME_BYTES_MAX);
        if let Some(stream) = open {
            assert_eq!((frame.kind, frame.stream), (kind::CONTINUATION, stream));
            continued += 1;
        }
        if [kind::HEADERS, kind::CONTINUATION].contains(&frame.kind) {
            open = (frame.flags & flag::END_HEADERS == 0).then_some(frame.stream);
        }
    }
    assert!(continued >= 2, "{continued}");
    heard.check_answered(1, "ok");
    heard.check_answered(3, "ok");
}

/// Half a frame, of digits that no code makes shorter by half.
const LARGE: &str = {
    const BYTES: [u8; 8_000] = [b'~'; 8_000];
    match std::str::from_utf8(&BYTES) {
        Ok(text) => text,
        Err(_) => "",
    }
};

/// Needs the decoder.
#[tokio::test(start_paused = true)]
async fn heads_say_when_and_how_long() {
    let mut client = connect(|request: poem::http::Request<RequestBody>| {
        let mut response = full("four");
        match request.uri().path() {
            "/204" => *response.status_mut() = StatusCode::NO_CONTENT,
            "/304" => *response.status_mut() = StatusCode::NOT_MODIFIED,
            "/own" => {
                response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from_static("4"));
                response.headers_mut().insert(header::DATE, HeaderValue::from_static("then"));
            }
            "/stream" => {
                let part = async { Ok(hyper::body::Frame::data(Bytes::from("four"))) };
                response = HttpResponse::new(StreamBody::new(stream::once(part)).boxed());
            }
            _ => {}
        }
        async { response }.boxed()
    })
    .await;
    for (stream, method, path, lengths, body) in [
        (1, "GET", "/", &["4"][..], "four"),
        (3, "HEAD", "/", &["4"], ""),
        (5, "GET", "/204", &[], ""),
        (7, "GET", "/304", &[], ""),
        (9, "GET", "/own", &["4"], "four"),
        (11, "GET", "/stream", &[], "four"),
    ] {
        let heard = client.exchange(headers(stream, flag::END_BOTH, &request(method, path))).await;
        assert_eq!((heard.body(stream), heard.is_finished(stream)), (body.into(), true), "{method} {path}");
        let fields = heard.fields(stream);
        let values = |name| fields.iter().filter(|field| field.0 == name).map(|field| &*field.1).collect::<Vec<_>>();
        assert_eq!(values("content-length"), lengths, "{method} {path}");
        assert_eq!((values("date").len(), values("date") == ["then"]), (1, path == "/own"), "{method} {path}");
    }
}
