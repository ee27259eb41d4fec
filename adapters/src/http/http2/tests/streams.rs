//! In which order may streams, and the frames of one, come? (sections 5.1 and 8.1)

use super::check;
use super::client::connect;
use super::heard::Outcome::{Connection, Fine, Stream};
use super::heard::{Frame, Heard};
use super::service::standard;
use super::wire::{
    FRAME_BYTES_MAX, WINDOW_BYTES, block, code::*, data, flag, frame, get, headers, kind, post, request, reset,
    setting, window_update,
};
use crate::http::body::BODY_BYTES_MAX;

#[test]
fn streams_of_clients_are_odd_and_increase() {
    let wrong = [Connection(PROTOCOL_ERROR)];
    check("5.1.1 even", get(2, "/"), &wrong);
    check("5.1.1 even, after another", [get(1, "/"), get(4, "/")].concat(), &wrong);
    // A lower one counts as closed as well.
    let lower = [Connection(PROTOCOL_ERROR), Connection(STREAM_CLOSED)];
    check("5.1.1 lower", [get(5, "/"), get(3, "/")].concat(), &lower);
    check("5.1.1 lower, the other open", [get(5, "/wait"), get(3, "/")].concat(), &lower);
    check("5.1.1 left out", [get(1, "/"), get(7, "/"), get(301, "/")].concat(), &[Fine]);
}

#[tokio::test(start_paused = true)]
async fn the_last_of_all_streams_is_served() {
    let mut client = connect(standard).await;
    let last = (1 << 31) - 1;
    client.exchange(get(last, "/")).await.check_answered(last, "ok");
}

#[test]
fn streams_begin_with_headers() {
    let wrong = [Connection(PROTOCOL_ERROR)];
    check("5.1 DATA", data(1, flag::NONE, "x"), &wrong);
    check("5.1 DATA, after another", [get(1, "/"), data(3, flag::END_STREAM, "")].concat(), &wrong);
    check("5.1 WINDOW_UPDATE", window_update(1, 1), &wrong);
    check("5.1 RST_STREAM", reset(1, CANCEL), &wrong);
    check("5.1 even, RST_STREAM", reset(2, CANCEL), &wrong);
    check("5.1 even, DATA", data(2, flag::NONE, "x"), &wrong);
    check("5.1 even, WINDOW_UPDATE", window_update(2, 1), &wrong);
    check("5.1 even, lower than another", [get(5, "/"), reset(2, CANCEL)].concat(), &wrong);
}

#[test]
fn nothing_follows_the_end_of_a_request() {
    let closed = [Stream(STREAM_CLOSED), Connection(STREAM_CLOSED)];
    let trailers = || headers(1, flag::END_BOTH, &[("x-late", "1")]);
    for (name, first, then) in [
        ("5.1 DATA", get(1, "/wait"), data(1, flag::NONE, "x")),
        ("5.1 DATA, end again", get(1, "/wait"), data(1, flag::END_STREAM, "")),
        ("5.1 DATA after DATA", [post(1, "/wait"), data(1, flag::END_STREAM, "x")].concat(), data(1, flag::NONE, "x")),
        ("5.1 HEADERS", get(1, "/wait"), trailers()),
        ("5.1 HEADERS after trailers", [post(1, "/wait"), trailers()].concat(), trailers()),
        ("5.1 HEADERS of a request", get(1, "/wait"), get(1, "/")),
    ] {
        check(name, [first, then].concat(), &closed);
    }
}

/// Once both sides have said everything, a server may ignore what comes, or end the connection. It must not answer.
#[tokio::test(start_paused = true)]
async fn nothing_follows_the_end_of_a_stream() {
    for (name, then) in [
        ("DATA", data(1, flag::NONE, "x")),
        ("HEADERS", headers(1, flag::END_BOTH, &[("x-late", "1")])),
        ("HEADERS of a request", get(1, "/")),
    ] {
        let mut client = connect(standard).await;
        client.exchange(get(1, "/")).await.check_answered(1, "ok");
        let heard = client.exchange(then).await;
        let outcome = heard.outcome(1);
        let closed = [Stream(STREAM_CLOSED), Connection(STREAM_CLOSED), Connection(PROTOCOL_ERROR), Fine];
        assert!(closed.contains(&outcome), "{name}: {outcome:?}");
        assert_eq!((heard.status(1), client.leave().await.calls()), (None, 1), "{name}");
    }
}

/// After RST_STREAM a client must not send, except PRIORITY; what it sends is an error or ignored.
#[test]
fn nothing_follows_a_reset() {
    let closed = [Stream(STREAM_CLOSED), Connection(STREAM_CLOSED), Connection(PROTOCOL_ERROR), Fine];
    let begin = || [post(1, "/wait"), reset(1, CANCEL)].concat();
    check("5.1 DATA", [begin(), data(1, flag::NONE, "x")].concat(), &closed);
    check("5.1 HEADERS", [begin(), headers(1, flag::END_BOTH, &[("x-late", "1")])].concat(), &closed);
    check("5.1 a request", [begin(), get(1, "/")].concat(), &closed);
    check("5.1 RST_STREAM", [begin(), reset(1, CANCEL)].concat(), &[Fine]);
    check("5.1 PRIORITY", [begin(), frame(kind::PRIORITY, flag::NONE, 1, [0; 5])].concat(), &[Fine]);
}

#[tokio::test(start_paused = true)]
async fn trailers_are_accepted() {
    let mut client = connect(standard).await;
    let trailers = |stream| headers(stream, flag::END_BOTH, &[("x-sum", "1"), ("x-more", "2")]);
    let heard = client.exchange([post(1, "/echo"), data(1, flag::NONE, "body"), trailers(1)].concat()).await;
    heard.check_answered(1, "body");
    client.exchange([post(3, "/echo"), trailers(3)].concat()).await.check_answered(3, "");
    let split = [
        post(5, "/echo"),
        data(5, flag::NONE, "split"),
        frame(kind::HEADERS, flag::END_STREAM, 5, []),
        frame(kind::CONTINUATION, flag::END_HEADERS, 5, block(&[("x-sum", "1")])),
    ];
    client.exchange(split.concat()).await.check_answered(5, "split");
}

#[test]
fn trailers_are_the_end_and_hold_no_request() {
    let malformed = [Stream(PROTOCOL_ERROR), Connection(PROTOCOL_ERROR)];
    for (name, flags, fields) in [
        ("8.1 not the end", flag::END_HEADERS, &[("x-sum", "1")][..]),
        ("8.1 another request", flag::END_BOTH, &request("GET", "/")),
        ("8.3 a pseudo-header", flag::END_BOTH, &[(":path", "/")]),
        ("8.2 a connection-specific field", flag::END_BOTH, &[("connection", "close")]),
        ("8.2.1 upper case", flag::END_BOTH, &[("X-Sum", "1")]),
        ("8.2.1 space around a value", flag::END_BOTH, &[("x-sum", " 1")]),
    ] {
        let begin = [post(1, "/wait"), data(1, flag::NONE, "body")].concat();
        check(name, [begin, headers(1, flags, fields)].concat(), &malformed);
    }
}

/// 5.1.2: beyond the limit that the settings tell, streams are refused, and may be asked for again.
#[tokio::test(start_paused = true)]
async fn there_are_only_so_many_streams_at_once() {
    let mut client = connect(standard).await;
    let max = client.told[&setting::MAX_CONCURRENT_STREAMS];
    let id = |index: u32| index * 2 + 1;
    for index in 0..max {
        let heard = client.exchange(get(id(index), "/wait")).await;
        assert_eq!(heard.outcome(id(index)), Fine, "{index}");
    }
    for index in max..max + 3 {
        let heard = client.exchange(get(id(index), "/")).await;
        assert_eq!(heard.outcome(id(index)), Stream(REFUSED_STREAM), "{index}");
    }
    assert_eq!(client.server.living(), usize::try_from(max).expect("few"), "the others go on");
    // Where one ends, there is room for one.
    client.exchange(reset(id(7), CANCEL)).await;
    client.exchange(get(id(max + 3), "/")).await.check_answered(id(max + 3), "ok");
    client.exchange(get(id(max + 4), "/wait")).await;
    let heard = client.exchange(get(id(max + 5), "/")).await;
    assert_eq!(heard.outcome(id(max + 5)), Stream(REFUSED_STREAM));
}

/// What was on its way when the server had ended a stream is no mistake; the latest 64 such streams are remembered.
#[tokio::test(start_paused = true)]
async fn streams_that_the_server_ended_are_remembered() {
    let malformed =
        |stream| headers(stream, flag::END_HEADERS, &[&request("POST", "/")[..], &[("te", "gzip")]].concat());
    let late = |stream| headers(stream, flag::END_BOTH, &[("x-late", "1")]);
    let mut client = connect(standard).await;
    let id = |index: u32| index * 2 + 1;
    client.exchange((0..65).flat_map(|index| malformed(id(index))).collect::<Vec<u8>>()).await;
    let heard = client.exchange((1..65).flat_map(|index| late(id(index))).collect::<Vec<u8>>()).await;
    assert!(!heard.has_ended, "{heard:?}");
    assert_eq!(client.exchange(late(id(0))).await.outcome(id(0)), Connection(STREAM_CLOSED), "the first is forgotten");
}

/// 8.1: a response may be complete before its request. The rest is ignored, since some clients lose a response that is
/// followed by a reset at once; but not without a limit.
#[tokio::test(start_paused = true)]
async fn the_rest_of_a_request_is_ignored_after_an_early_response() {
    let mut client = connect(standard).await;
    for (stream, rest) in [(1, 0), (3, 1), (5, 300_000)] {
        client.exchange(post(stream, "/")).await.check_answered(stream, "ok");
        let heard = client.upload(stream, &vec![b'r'; rest]).await;
        assert_eq!(
            (heard.of(kind::RST_STREAM, stream).count(), heard.has_ended),
            (0, false),
            "{rest} bytes: {heard:?}"
        );
        assert_eq!(client.exchange(data(stream, flag::NONE, "")).await.frames.len(), 0, "the stream is over");
    }
    client.exchange(post(7, "/")).await.check_answered(7, "ok");
    let trailers = client.exchange(headers(7, flag::END_BOTH, &[("x-late", "1")])).await;
    assert!(trailers.frames.is_empty() && !trailers.has_ended, "{trailers:?}");
    assert_eq!(client.exchange(data(7, flag::NONE, "")).await.frames.len(), 0, "the stream is over");

    client.exchange(post(9, "/")).await.check_answered(9, "ok");
    let mut sent = 0;
    let mut heard = Heard::default();
    while heard.of(kind::RST_STREAM, 9).count() == 0 && sent < 4 * BODY_BYTES_MAX {
        let part = vec![b'r'; client.window(9).min(FRAME_BYTES_MAX)];
        sent += part.len();
        client.send_data(9, flag::NONE, &part).await;
        heard = client.settle().await;
    }
    assert_eq!(heard.of(kind::RST_STREAM, 9).next().map(Frame::number), Some(NO_ERROR));
    assert!((BODY_BYTES_MAX..BODY_BYTES_MAX + 2 * FRAME_BYTES_MAX).contains(&sent), "after {sent} bytes");
    assert_eq!(client.window(0), WINDOW_BYTES, "room for others");
}
