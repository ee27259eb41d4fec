//! How does a connection begin, and what may its settings be? (sections 3.4 and 6.5)

use super::client::{connect, start};
use super::heard::Outcome::{self, Connection, Fine};
use super::service::standard;
use super::wire::{
    PREFACE, WINDOW_BYTES, code::*, data, flag, frame, get, headers, kind, post, request, setting, settings,
};
use super::wire::{WINDOW_BYTES_MAX, ping, window_update};
use super::{check, paused};

#[tokio::test(start_paused = true)]
async fn the_first_frame_of_the_server_is_its_settings() {
    let mut client = start(standard);
    let heard = client.exchange([PREFACE, &settings(&[]), &get(1, "/")].concat()).await;
    let first = heard.frames.first().expect("a frame");
    assert_eq!((first.kind, first.flags, first.stream), (kind::SETTINGS, flag::NONE, 0));
    for (id, value) in first.settings() {
        match id {
            // A server must not allow what only a client could (6.5.2).
            setting::ENABLE_PUSH => assert_eq!(value, 0),
            setting::INITIAL_WINDOW_SIZE => assert!(value <= WINDOW_BYTES_MAX),
            setting::MAX_FRAME_SIZE => assert!((16_384..1 << 24).contains(&value)),
            _ => {}
        }
    }
    // Without them clients could open streams, and send headers, without end.
    for limit in [setting::MAX_CONCURRENT_STREAMS, setting::MAX_HEADER_LIST_SIZE] {
        assert!(client.told.contains_key(&limit), "{:?}", client.told);
    }
    heard.check_answered(1, "ok");
}

#[tokio::test(start_paused = true)]
async fn every_settings_frame_is_acknowledged() {
    let mut client = start(standard);
    let first = client.exchange([PREFACE, &settings(&[(setting::ENABLE_PUSH, 0)])].concat()).await;
    let more = client.exchange([settings(&[]), settings(&[(setting::MAX_FRAME_SIZE, 20_000)])].concat()).await;
    for (heard, expected) in [(first, 1), (more, 2)] {
        let acks: Vec<_> = heard.of(kind::SETTINGS, 0).filter(|frame| frame.flags == flag::ACK).collect();
        assert_eq!(acks.len(), expected, "{heard:?}");
        assert!(acks.iter().all(|frame| frame.payload.is_empty()));
    }
}

#[tokio::test(start_paused = true)]
async fn everything_may_arrive_byte_by_byte() {
    let mut client = start(standard);
    let request = [post(3, "/echo"), data(3, flag::NONE, "bo"), data(3, flag::END_STREAM, "dy")].concat();
    for byte in [PREFACE, &settings(&[]), &get(1, "/"), &request].concat() {
        client.send([byte]).await;
        tokio::task::yield_now().await;
    }
    let heard = client.settle().await;
    heard.check_answered(1, "ok");
    heard.check_answered(3, "body");
}

/// What a client begins with. Without GOAWAY, too, such a connection may end (3.4).
#[track_caller]
fn check_refused(name: &str, beginning: &[u8]) {
    let (outcome, calls) = paused(async {
        let mut client = start(standard);
        let heard = client.exchange(beginning).await;
        (heard.outcome(1), client.leave().await.calls())
    });
    assert!(matches!(outcome, Outcome::Ended | Connection(PROTOCOL_ERROR)), "{name}: {outcome:?}");
    assert_eq!(calls, 0, "{name}");
}

#[test]
fn another_beginning_ends_the_connection() {
    let mut wrong = PREFACE.to_vec();
    wrong[23] = b'x';
    check_refused("wrong in its last byte", &[&wrong, &settings(&[])[..], &get(1, "/")].concat());
    check_refused("of something else", b"GET / HTTP/1.1\r\nHost: test\r\n\r\n");
    check_refused("a request first", &[PREFACE, &get(1, "/")].concat());
    check_refused("a PING first", &[PREFACE, &ping([1; 8]), &settings(&[]), &get(1, "/")].concat());
    let ack = frame(kind::SETTINGS, flag::ACK, 0, []);
    check_refused("an acknowledgement first", &[PREFACE, &ack, &get(1, "/")].concat());
}

#[test]
fn a_client_that_leaves_early_ends_the_connection() {
    paused(async {
        for length in [0, 1, 23, 24, 28, 33] {
            let mut client = start(standard);
            let beginning = [PREFACE, &settings(&[])].concat();
            client.send(&beginning[..length]).await;
            client.close_half().await;
            assert!(client.settle().await.has_ended, "after {length} bytes");
            client.leave().await;
        }
    });
}

#[test]
fn settings_that_are_wrong_end_the_connection() {
    let one = |id, value| settings(&[(id, value)]);
    for (name, bytes, code) in [
        ("6.5 five bytes", frame(kind::SETTINGS, flag::NONE, 0, [0; 5]), FRAME_SIZE_ERROR),
        ("6.5 seven bytes", frame(kind::SETTINGS, flag::NONE, 0, [0; 7]), FRAME_SIZE_ERROR),
        ("6.5 on a stream", [post(1, "/wait"), frame(kind::SETTINGS, flag::NONE, 1, [])].concat(), PROTOCOL_ERROR),
        ("6.5 an ack with payload", frame(kind::SETTINGS, flag::ACK, 0, [0; 6]), FRAME_SIZE_ERROR),
        ("6.5.2 ENABLE_PUSH", one(setting::ENABLE_PUSH, 2), PROTOCOL_ERROR),
        ("6.5.2 INITIAL_WINDOW_SIZE", one(setting::INITIAL_WINDOW_SIZE, 1 << 31), FLOW_CONTROL_ERROR),
        ("6.5.2 INITIAL_WINDOW_SIZE", one(setting::INITIAL_WINDOW_SIZE, u32::MAX), FLOW_CONTROL_ERROR),
        ("6.5.2 MAX_FRAME_SIZE", one(setting::MAX_FRAME_SIZE, 16_383), PROTOCOL_ERROR),
        ("6.5.2 MAX_FRAME_SIZE", one(setting::MAX_FRAME_SIZE, 1 << 24), PROTOCOL_ERROR),
        ("6.5.2 the second of two", settings(&[(setting::UNKNOWN, 1), (setting::ENABLE_PUSH, 2)]), PROTOCOL_ERROR),
    ] {
        check(name, bytes, &[Connection(code)]);
    }
    // 6.9.2: a change makes the window of a stream larger than there may be.
    let widest = window_update(1, WINDOW_BYTES_MAX - u32::try_from(WINDOW_BYTES).expect("small"));
    let wider = one(setting::INITIAL_WINDOW_SIZE, 65_536);
    check("6.9.2", [post(1, "/wait"), widest, wider].concat(), &[Connection(FLOW_CONTROL_ERROR)]);
}

#[test]
fn other_settings_are_taken() {
    for (name, bytes) in [
        ("none", settings(&[])),
        ("6.5.2 unknown", settings(&[(setting::UNKNOWN, u32::MAX), (0, 7)])),
        ("6.5.3 the same twice", settings(&[(setting::ENABLE_PUSH, 0), (setting::ENABLE_PUSH, 1)])),
        ("6.5.2 the largest window", settings(&[(setting::INITIAL_WINDOW_SIZE, WINDOW_BYTES_MAX)])),
        ("6.5.2 the largest frames", settings(&[(setting::MAX_FRAME_SIZE, (1 << 24) - 1)])),
        ("6.5.2 no table", settings(&[(setting::HEADER_TABLE_SIZE, 0)])),
        ("6.5.2 a huge table", settings(&[(setting::HEADER_TABLE_SIZE, u32::MAX)])),
        ("6.5.2 no streams of ours", settings(&[(setting::MAX_CONCURRENT_STREAMS, 0)])),
        ("6.5.2 small header lists", settings(&[(setting::MAX_HEADER_LIST_SIZE, 1)])),
        ("6.5 undefined flags", frame(kind::SETTINGS, 0xFE, 0, [])),
        ("4.1 the reserved bit", frame(kind::SETTINGS, flag::NONE, 1 << 31, [])),
    ] {
        check(name, [bytes, get(1, "/")].concat(), &[Fine]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_table_that_was_made_smaller_is_not_used_any_more() {
    let mut client = connect(standard).await;
    client.exchange([settings(&[(setting::HEADER_TABLE_SIZE, 0)]), get(1, "/")].concat()).await;
    let heard = client.exchange(headers(3, flag::END_BOTH, &request("GET", "/"))).await;
    let block = &heard.of(kind::HEADERS, 3).next().expect("a response").payload;
    // The table of fields that both sides know by heart ends at 61.
    assert!(block.first().is_some_and(|first| (0x81..=0xBD).contains(first)), "{block:?}");
}
