//! What of single frames is right, wrong or ignored? (sections 4 and 6)

use super::check;
use super::client::connect;
use super::heard::Outcome::{Connection, Fine, Stream};
use super::service::standard;
use super::wire::{
    self, FRAME_BYTES_MAX, WINDOW_BYTES_MAX, block, code::*, data, flag, frame, get, kind, padded, ping,
};
use super::wire::{post, request, reset, settings, window_update};

/// A request that is open in both directions, and then a frame.
fn open_then(kind: u8, flags: u8, stream: u32, payload: impl AsRef<[u8]>) -> Vec<u8> {
    [post(1, "/wait"), frame(kind, flags, stream, payload)].concat()
}

#[test]
fn frames_have_their_size() {
    let too_much = vec![0; FRAME_BYTES_MAX + 1];
    for (name, kind, flags, stream, payload) in [
        ("4.2 unknown, too large", kind::UNKNOWN, flag::NONE, 0, &too_much[..]),
        ("4.2 HEADERS, too large", kind::HEADERS, flag::END_BOTH, 3, &too_much),
        ("4.2 SETTINGS, too large", kind::SETTINGS, flag::NONE, 0, &[0; 16_386]),
        ("6.7 PING of 7", kind::PING, flag::NONE, 0, &[0; 7]),
        ("6.7 PING of 9", kind::PING, flag::NONE, 0, &[0; 9]),
        ("6.7 PING of 0", kind::PING, flag::ACK, 0, &[]),
        ("6.9 WINDOW_UPDATE of 3", kind::WINDOW_UPDATE, flag::NONE, 0, &[1; 3]),
        ("6.9 WINDOW_UPDATE of 5", kind::WINDOW_UPDATE, flag::NONE, 1, &[1; 5]),
        ("6.4 RST_STREAM of 3", kind::RST_STREAM, flag::NONE, 1, &[0; 3]),
        ("6.4 RST_STREAM of 5", kind::RST_STREAM, flag::NONE, 1, &[0; 5]),
        ("6.8 GOAWAY of 7", kind::GOAWAY, flag::NONE, 0, &[0; 7]),
    ] {
        check(name, open_then(kind, flags, stream, payload), &[Connection(FRAME_SIZE_ERROR)]);
    }
    // These touch one stream alone.
    let either = [Connection(FRAME_SIZE_ERROR), Stream(FRAME_SIZE_ERROR)];
    check("4.2 DATA", open_then(kind::DATA, flag::NONE, 1, &too_much), &either);
    check("6.3 PRIORITY of 4", open_then(kind::PRIORITY, flag::NONE, 1, [0; 4]), &either);
    check("6.3 PRIORITY of 6", open_then(kind::PRIORITY, flag::NONE, 1, [0; 6]), &either);
    check("4.2 DATA, largest", open_then(kind::DATA, flag::NONE, 1, &too_much[1..]), &[Fine]);
}

#[test]
fn frames_are_where_they_belong() {
    for (name, kind, stream, payload) in [
        ("6.1 DATA on the connection", kind::DATA, 0, &b"x"[..]),
        ("6.2 HEADERS on the connection", kind::HEADERS, 0, &block(&request("GET", "/"))),
        ("6.3 PRIORITY on the connection", kind::PRIORITY, 0, &[0, 0, 0, 1, 0]),
        ("6.4 RST_STREAM on the connection", kind::RST_STREAM, 0, &[0; 4]),
        ("6.10 CONTINUATION on the connection", kind::CONTINUATION, 0, &[]),
        ("6.7 PING on a stream", kind::PING, 1, &[0; 8]),
        ("6.8 GOAWAY on a stream", kind::GOAWAY, 1, &[0; 8]),
        ("8.4 PUSH_PROMISE by a client", kind::PUSH_PROMISE, 1, &[0, 0, 0, 2, 0x82]),
        ("8.4 PUSH_PROMISE on the connection", kind::PUSH_PROMISE, 0, &[0, 0, 0, 2, 0x82]),
    ] {
        check(name, open_then(kind, flag::END_HEADERS, stream, payload), &[Connection(PROTOCOL_ERROR)]);
    }
}

#[test]
fn windows_neither_stand_still_nor_grow_without_end() {
    check("6.9 by 0, connection", window_update(0, 0), &[Connection(PROTOCOL_ERROR)]);
    let zero = open_then(kind::WINDOW_UPDATE, flag::NONE, 1, [0; 4]);
    check("6.9 by 0, stream", zero, &[Stream(PROTOCOL_ERROR), Connection(PROTOCOL_ERROR)]);
    let reserved = open_then(kind::WINDOW_UPDATE, flag::NONE, 1, [0x80, 0, 0, 0]);
    check("6.9 by 0, reserved bit", reserved, &[Stream(PROTOCOL_ERROR), Connection(PROTOCOL_ERROR)]);
    check("6.9.1 connection", window_update(0, WINDOW_BYTES_MAX), &[Connection(FLOW_CONTROL_ERROR)]);
    let overflow = [post(1, "/wait"), window_update(1, WINDOW_BYTES_MAX)].concat();
    check("6.9.1 stream", overflow, &[Stream(FLOW_CONTROL_ERROR), Connection(FLOW_CONTROL_ERROR)]);
    let largest = WINDOW_BYTES_MAX - 65_535;
    let both = [post(1, "/wait"), window_update(0, largest), window_update(1, largest)].concat();
    check("6.9.1 the largest", both, &[Fine]);
    check("6.9 the reserved bit", frame(kind::WINDOW_UPDATE, flag::NONE, 0, [0x80, 0, 0, 1]), &[Fine]);
    check("5.1 after the end", [get(1, "/"), window_update(1, 1)].concat(), &[Fine]);
}

#[test]
fn padding_fits_into_its_frame() {
    let fields = block(&request("GET", "/"));
    let length = u8::try_from(fields.len()).expect("short");
    let wrong = [Connection(PROTOCOL_ERROR), Connection(FRAME_SIZE_ERROR)];
    for (name, kind, payload) in [
        ("6.1 DATA, one too many", kind::DATA, &[4, 1, 2, 3][..]),
        ("6.1 DATA, most", kind::DATA, &[255, 1]),
        ("6.1 DATA, not even its length", kind::DATA, &[]),
    ] {
        check(name, open_then(kind, flag::PADDED, 1, payload), &wrong);
    }
    let padded_wrongly = |length| [&[length], &fields[..]].concat();
    let flags = flag::END_BOTH | flag::PADDED;
    check("6.2 one too many", frame(kind::HEADERS, flags, 1, padded_wrongly(length + 1)), &wrong);
    check("6.2 not even its length", frame(kind::HEADERS, flags, 1, []), &wrong);
    let flags = flags | flag::PRIORITY;
    check("6.2 within the priority", frame(kind::HEADERS, flags, 1, [4, 0, 0, 0, 3, 9]), &wrong);
    check("6.2 no whole priority", frame(kind::HEADERS, flag::END_BOTH | flag::PRIORITY, 1, [0; 4]), &wrong);
    // All of a frame may be padding.
    let all = [post(1, "/echo"), frame(kind::DATA, flag::PADDED | flag::END_STREAM, 1, [3, 0, 0, 0])].concat();
    check("6.1 DATA, all of it", all, &[Fine]);
}

#[test]
fn a_stream_does_not_depend_on_itself() {
    let acceptable = [Fine, Stream(PROTOCOL_ERROR), Connection(PROTOCOL_ERROR)];
    check("PRIORITY", open_then(kind::PRIORITY, flag::NONE, 1, [0, 0, 0, 1, 7]), &acceptable);
    let payload = [&[0, 0, 0, 1, 7], &block(&request("GET", "/"))[..]].concat();
    check("HEADERS", frame(kind::HEADERS, flag::END_BOTH | flag::PRIORITY, 1, payload), &acceptable);
}

#[test]
fn what_means_nothing_is_ignored() {
    for (name, bytes) in [
        ("5.5 unknown, connection", frame(kind::UNKNOWN, 0xFF, 0, b"anything")),
        ("5.5 unknown, stream", [post(1, "/wait"), frame(kind::UNKNOWN, 0xFF, 1, b"anything")].concat()),
        ("5.5 unknown, empty", frame(kind::UNKNOWN, flag::NONE, 0, [])),
        ("6.7 PING ack", frame(kind::PING, flag::ACK, 0, [7; 8])),
        ("6.3 PRIORITY", frame(kind::PRIORITY, flag::NONE, 7, [0, 0, 0, 3, 200])),
        ("6.3 PRIORITY, exclusive", open_then(kind::PRIORITY, flag::NONE, 1, [0x80, 0, 0, 3, 0])),
        ("6.3 PRIORITY after the end", [get(1, "/"), frame(kind::PRIORITY, flag::NONE, 1, [0; 5])].concat()),
        ("4.1 undefined flags", frame(kind::HEADERS, flag::END_BOTH | 0xD2, 1, block(&request("GET", "/")))),
        ("4.1 the reserved bit", frame(kind::HEADERS, flag::END_BOTH, 1 | 1 << 31, block(&request("GET", "/")))),
        ("5.1 RST_STREAM after the end", [get(1, "/"), reset(1, CANCEL)].concat()),
        ("7 an unknown error", [get(1, "/wait"), reset(1, 0xDEAD_BEEF)].concat()),
        ("6.5.3 settings in between", [post(1, "/wait"), settings(&[]), data(1, flag::NONE, "x")].concat()),
    ] {
        check(name, bytes, &[Fine]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_ping_is_answered_with_its_bytes() {
    let mut client = connect(standard).await;
    let sent = [*b"12345678", [0; 8], [255; 8]];
    let heard = client.exchange(sent.map(ping).concat()).await;
    let answers: Vec<_> = heard.of(kind::PING, 0).map(|frame| (frame.flags, frame.payload.clone())).collect();
    assert_eq!(answers, sent.map(|bytes| (flag::ACK, bytes.to_vec())));
}

/// The forms that a request may have on the wire.
#[tokio::test(start_paused = true)]
async fn requests_may_be_padded_and_prioritised() {
    let mut client = connect(standard).await;
    let fields = block(&request("POST", "/echo"));
    let priority = [&[0, 0, 0, 0, 15], &fields[..]].concat();
    for (stream, flags, payload) in [
        (1, flag::PADDED, padded(&fields, 0)),
        (3, flag::PADDED, padded(&fields, 255)),
        (5, flag::PRIORITY, priority.clone()),
        (7, flag::PRIORITY | flag::PADDED, padded(&priority, 9)),
    ] {
        let bytes = [
            frame(kind::HEADERS, flag::END_HEADERS | flags, stream, payload),
            frame(kind::DATA, flag::PADDED, stream, padded("body", 3)),
            frame(kind::DATA, flag::PADDED, stream, padded("", 255)),
            wire::data(stream, flag::NONE, ""),
            frame(kind::DATA, flag::PADDED | flag::END_STREAM, stream, padded(" and soul", 0)),
        ];
        client.exchange(bytes.concat()).await.check_answered(stream, "body and soul");
    }
}
