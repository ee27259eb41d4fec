//! Can a client make the service work, or hold memory, without limit? (RFC 9113, section 10.5)

use std::sync::atomic::Ordering::Relaxed;

use super::client::Client;
use super::frames::*;
use super::service::{NEWS, Scene};
use crate::http::limits::HEADER_BYTES_MAX;

/// More than the service has any reason to read from a client that reads nothing itself.
const FLOOD_BYTES: usize = 8 * 1024 * 1024;

/// How many requests a connection may have open.
const OPEN_REQUESTS_MAX: usize = 256;

/// How the service reacts to a flood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flood {
    /// It ended the connection, or stopped reading, so that the rest stays with the client.
    Stopped,
    /// It read everything, and still serves that client.
    Taken,
}

/// Sends `begin` and then endless `next` over a small pipe without reading. Checks that the service reacts in an
/// `acceptable` way, and that other clients are not affected.
async fn check_flood(name: &str, begin: &[u8], next: impl FnMut(u32) -> Vec<u8>, acceptable: &[Flood]) {
    let scene = Scene::start().await;
    let mut client = Client::connect(&scene.pipes, 32 * 1024, &[]).await;
    client.say(begin).await;
    let is_taken = client.flood(next, FLOOD_BYTES).await;
    let flood = if is_taken && !client.has_ended { Flood::Taken } else { Flood::Stopped };
    assert!(acceptable.contains(&flood), "{name}: {flood:?}");
    scene.check_others_are_served().await;
    if flood == Flood::Taken {
        client.say(get(9_999_999, "/system/health")).await;
        assert_eq!(client.status(9_999_999), Some(200), "{name}");
    }
    let answering = scene.world.answering_max.load(Relaxed);
    assert!(answering <= OPEN_REQUESTS_MAX + 1, "{name}: {answering} requests at once");
    drop(client);
    scene.check_others_are_served().await;
    assert_eq!(scene.world.answering.load(Relaxed), 1, "{name}: only the other clients are left");
}

/// Repeats a frame, many copies at a time.
fn many(frame: Vec<u8>) -> impl FnMut(u32) -> Vec<u8> {
    let many = frame.repeat(500);
    move |_| many.clone()
}

fn id(index: u32) -> u32 {
    index * 2 + 1
}

/// Each of these requires an answer, which would wait in memory as long as the client does not read.
#[tokio::test(start_paused = true)]
async fn unread_answers_do_not_pile_up() {
    let stopped = [Flood::Stopped];
    check_flood("PING", b"", many(frame(PING, 0, 0, [7; 8])), &stopped).await;
    check_flood("SETTINGS", b"", many(settings(&[])), &stopped).await;
    check_flood("SETTINGS that change", b"", many(settings(&[(INITIAL_WINDOW_SIZE, 10)])), &stopped).await;
    check_flood("answered", b"", |index| get(id(index), "/system/health"), &stopped).await;
    check_flood("refused", b"", |index| get(id(index), "/system/applause"), &stopped).await;
    check_flood("malformed", b"", |index| get(id(index), ""), &stopped).await;
}

/// These require no answer, so nothing about them may be kept.
#[tokio::test(start_paused = true)]
async fn frames_without_an_answer_are_not_kept() {
    let either = [Flood::Stopped, Flood::Taken];
    check_flood("PRIORITY", b"", many(frame(2, 0, 1, [0, 0, 0, 3, 1])), &either).await;
    check_flood("unknown", b"", many(frame(0xF0, 0, 0, [0; 100])), &either).await;
    check_flood("WINDOW_UPDATE", b"", many(window_update(0, 1)), &either).await;
    check_flood("answers to no PING", b"", many(frame(PING, ACK, 0, [7; 8])), &either).await;
}

/// A header block that never ends, and bodies that never arrive.
#[tokio::test(start_paused = true)]
async fn requests_that_never_complete_are_stopped() {
    let begun = frame(HEADERS, END_STREAM, 1, request("GET", "/"));
    for (name, fragment) in [("CONTINUATION", field("x", &"y".repeat(1_000))), ("CONTINUATION of nothing", vec![])] {
        check_flood(name, &begun, many(frame(CONTINUATION, 0, 1, fragment)), &[Flood::Stopped]).await;
    }
    for path in ["/system/applause", "/system/notify/send"] {
        check_flood(path, &post(1, path), many(frame(DATA, 0, 1, [])), &[Flood::Stopped]).await;
    }
}

/// Requests that are cancelled as soon as they are sent.
#[tokio::test(start_paused = true)]
async fn rapid_resets_end_the_connection() {
    let scene = Scene::start().await;
    let mut client = scene.client().await;
    let resets: Vec<u8> =
        (0..1_000).flat_map(|index| [get(id(index), "/system/applause"), reset(id(index))].concat()).collect();
    client.say(resets).await;
    assert_eq!((client.has_ended, client.goaway_code()), (true, Some(ENHANCE_YOUR_CALM)));
    scene.check_others_are_served().await;
    assert_eq!(scene.world.answering_max.load(Relaxed), 1, "no endpoint was called");
}

/// Endless streams can only be cancelled, so a client may cancel those that it has received data of, as often as it
/// likes. A proxy has the streams of hundreds of clients on one connection, and all of them may disconnect at once.
#[tokio::test(start_paused = true)]
async fn a_stream_that_has_begun_may_be_cancelled() {
    let scene = Scene::start().await;
    let mut client = scene.client().await;
    for stream in (0..1_000).map(id) {
        client.say(get(stream, "/system/notify")).await;
        assert_eq!((client.status(stream), client.has_ended), (Some(200), false), "stream {stream}");
        client.try_send(reset(stream)).await;
    }
    client.say(get(9_999, "/system/health")).await;
    assert_eq!(client.status(9_999), Some(200));
    scene.check_others_are_served().await;
    assert_eq!(scene.world.answering.load(Relaxed), 1, "nothing is left of them");
}

/// Malformed requests, each on its own stream.
#[tokio::test(start_paused = true)]
async fn endless_stream_errors_end_the_connection() {
    let field_of_http1 = |stream| {
        let block = [request("GET", "/"), field("connection", "close")].concat();
        frame(HEADERS, END_STREAM | END_HEADERS, stream, block)
    };
    let too_short = |stream| {
        let block = [request("POST", "/system/applause"), field("content-length", "1")].concat();
        [frame(HEADERS, END_HEADERS, stream, block), frame(DATA, END_STREAM, stream, [])].concat()
    };
    check_mistakes("a field of HTTP/1.1", field_of_http1).await;
    check_mistakes("a body that is too short", too_short).await;
}

/// Repeats a mistake, and checks that a single one ends its stream, and many end the connection.
async fn check_mistakes(name: &str, mistake: impl Fn(u32) -> Vec<u8>) {
    let scene = Scene::start().await;
    let mut client = scene.client().await;
    let mut times = 0;
    while !client.has_ended {
        assert!(times < 2_000, "{name}: still not ended");
        client.say(mistake(id(times))).await;
        times += 1;
    }
    assert!(times > 100, "{name}: ended after only {times}");
    assert_eq!(client.goaway_code(), Some(ENHANCE_YOUR_CALM), "{name}");
    scene.check_others_are_served().await;
    assert_eq!(scene.world.answering.load(Relaxed), 1, "{name}");
}

#[tokio::test(start_paused = true)]
async fn more_streams_than_allowed_are_refused_and_the_others_go_on() {
    const COUNT: u32 = OPEN_REQUESTS_MAX as u32 + 500;
    let scene = Scene::start().await;
    let mut client = scene.client().await;
    for stream in (0..COUNT).map(id) {
        client.say(get(stream, "/system/notify")).await;
    }
    scene.tell_news();
    client.hear().await;
    let finished = (0..COUNT).filter(|index| client.body(id(*index)).ends_with(NEWS)).count();
    let refused = (0..COUNT).filter(|index| client.reset_code(id(*index)) == Some(REFUSED_STREAM)).count();
    assert_eq!((finished, refused, client.has_ended), (OPEN_REQUESTS_MAX, 500, false));
    // When a stream ends there is room for another.
    client.say([reset(1), get(id(COUNT), "/system/notify")].concat()).await;
    assert_eq!(client.status(id(COUNT)), Some(200));
    // A client that keeps opening streams is disconnected in the end.
    for stream in (COUNT + 1..COUNT + 2_000).map(id) {
        client.say(get(stream, "/system/notify")).await;
    }
    assert_eq!((client.has_ended, client.goaway_code()), (true, Some(ENHANCE_YOUR_CALM)));
    scene.check_others_are_served().await;
    assert_eq!(scene.world.answering.load(Relaxed), 1, "nothing is left of them");
}

#[tokio::test(start_paused = true)]
async fn a_header_that_is_too_large_is_answered() {
    let scene = Scene::start().await;
    let mut client = scene.client().await;
    // Every field counts 32 bytes more than its length (section 6.5.2), so a short block can be a long list.
    let fields = HEADER_BYTES_MAX / 34;
    for (stream, count, expected) in [(1, fields - 10, 200), (3, fields, 431), (5, 10, 200)] {
        let block = [request("GET", "/system/health"), field("x", "y").repeat(count)].concat();
        client.say(frame(HEADERS, END_STREAM | END_HEADERS, stream, block)).await;
        assert_eq!(client.status(stream), Some(expected), "{count} fields");
    }
    scene.check_others_are_served().await;
}
