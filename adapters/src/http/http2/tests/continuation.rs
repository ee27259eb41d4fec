//! How may header blocks be cut, and how large may they be? (sections 4.3, 6.10 and 10.5.1)

use super::check;
use super::client::{RawClient, connect};
use super::heard::Outcome::{self, Connection, Status, Stream};
use super::service::{Producers, Recorder, standard};
use super::wire::{block, code::*, continuation, data, flag, frame, get, headers, kind, literal, padded, ping, post};
use super::wire::{request, reset, setting, settings, window_update};

/// A header block, in fragments of so many bytes.
fn split(stream: u32, flags: u8, block: &[u8], bytes: usize) -> Vec<u8> {
    let mut frames = Vec::new();
    let mut fragments = block.chunks(bytes).peekable();
    while let Some(fragment) = fragments.next() {
        let (kind, flags) = if frames.is_empty() { (kind::HEADERS, flags) } else { (kind::CONTINUATION, flag::NONE) };
        let end = if fragments.peek().is_none() { flag::END_HEADERS } else { flag::NONE };
        frames.extend(frame(kind, flags | end, stream, fragment));
    }
    frames
}

#[tokio::test(start_paused = true)]
async fn a_header_block_may_be_cut_anywhere() {
    let recorder = Recorder::default();
    let mut client = connect(recorder.service()).await;
    let whole = block(&[&request("GET", "/cut")[..], &[("x-long", &"y".repeat(130))]].concat());
    for cut in 0..=whole.len() {
        let stream = u32::try_from(cut).expect("short") * 2 + 1;
        let (first, rest) = whole.split_at(cut);
        let frames =
            [frame(kind::HEADERS, flag::END_STREAM, stream, first), continuation(stream, flag::END_HEADERS, rest)];
        client.exchange(frames.concat()).await.check_answered(stream, "ok");
        let seen = recorder.take();
        assert_eq!((seen.len(), seen[0].0.uri.path(), seen[0].0.headers["x-long"].len()), (1, "/cut", 130));
    }
    client.exchange(split(1_001, flag::END_STREAM, &whole, whole.len() / 5 + 1)).await.check_answered(1_001, "ok");
}

#[tokio::test(start_paused = true)]
async fn padding_and_priority_are_of_the_first_fragment_only() {
    let mut client = connect(standard).await;
    let block = block(&request("POST", "/echo"));
    let first = padded([&[0, 0, 0, 0, 1], &block[..3]].concat(), 20);
    let frames = [
        frame(kind::HEADERS, flag::PADDED | flag::PRIORITY, 1, first),
        continuation(1, flag::NONE, []),
        // These flags mean nothing here.
        continuation(1, flag::END_HEADERS | flag::PADDED | flag::PRIORITY | flag::END_STREAM, &block[3..]),
        data(1, flag::END_STREAM, "body"),
    ];
    client.exchange(frames.concat()).await.check_answered(1, "body");
}

#[test]
fn nothing_comes_between_the_fragments() {
    let block = block(&request("GET", "/"));
    for (name, between) in [
        ("DATA", data(1, flag::NONE, "x")),
        ("DATA of another stream", data(3, flag::NONE, "x")),
        ("HEADERS", headers(1, flag::END_BOTH, &request("GET", "/"))),
        ("HEADERS of another stream", get(7, "/")),
        ("PRIORITY", frame(kind::PRIORITY, flag::NONE, 1, [0; 5])),
        ("RST_STREAM", reset(1, CANCEL)),
        ("SETTINGS", settings(&[(setting::UNKNOWN, 1)])),
        ("PING", ping([0; 8])),
        ("GOAWAY", frame(kind::GOAWAY, flag::NONE, 0, [0; 8])),
        ("WINDOW_UPDATE", window_update(0, 1)),
        ("unknown", frame(kind::UNKNOWN, flag::NONE, 1, [])),
        ("CONTINUATION of another stream", continuation(3, flag::END_HEADERS, &block[5..])),
    ] {
        let first = [post(3, "/wait"), frame(kind::HEADERS, flag::END_STREAM, 5, &block[..5])].concat();
        let rest = continuation(5, flag::END_HEADERS, &block[5..]);
        check(name, [first, between, rest].concat(), &[Connection(PROTOCOL_ERROR)]);
    }
}

#[test]
fn fragments_belong_to_a_block() {
    let rest = || continuation(1, flag::END_HEADERS, block(&[("x", "y")]));
    check("6.10 no stream", rest(), &[Connection(PROTOCOL_ERROR)]);
    check("6.10 after a block", [post(1, "/wait"), rest()].concat(), &[Connection(PROTOCOL_ERROR)]);
    let after_data = [post(1, "/wait"), data(1, flag::NONE, "x"), rest()].concat();
    check("6.10 after DATA", after_data, &[Connection(PROTOCOL_ERROR)]);
}

/// A client that goes on with a block for ever must not fill the memory (10.5.1).
#[tokio::test(start_paused = true)]
async fn a_block_without_end_ends_the_connection() {
    const BYTES_MAX: usize = 2 * 1024 * 1024;
    let field = block(&[("x", "y")]);
    let remembered = literal(0x40, b"x", b"y");
    for (name, fragment) in [
        ("large fragments", field.repeat(2_000)),
        ("small ones", field.clone()),
        ("single bytes of one field", b"x".to_vec()),
        ("empty ones", Vec::new()),
        ("remembered fields", remembered.repeat(2_000)),
        ("the same again and again", vec![0x82; 16_384]),
    ] {
        let mut client = connect(standard).await;
        // The single bytes are the value of a field that claims to be long.
        let begin =
            [&block(&request("GET", "/"))[..], if name.starts_with("single") { b"\0\x01x\x7F\xFF\x7F" } else { b"" }];
        client.send(frame(kind::HEADERS, flag::END_STREAM, 1, begin.concat())).await;
        let mut sent = 0;
        // Let the server read as it is sent to, so that it can say what it thinks.
        while sent < BYTES_MAX && client.try_send(continuation(1, flag::NONE, &fragment)).await {
            sent += 9 + fragment.len();
            tokio::task::yield_now().await;
        }
        let heard = client.settle().await;
        assert!(heard.has_ended, "{name}: after {sent} bytes {heard:?}");
        let ended = matches!(
            heard.outcome(1),
            Outcome::Ended | Connection(ENHANCE_YOUR_CALM | PROTOCOL_ERROR | COMPRESSION_ERROR | INTERNAL_ERROR)
        );
        assert!(ended, "{name}: {heard:?}");
        assert_eq!(client.leave().await.calls(), 0, "{name}");
    }
}

/// How many bytes of fields the server takes.
fn list_bytes_max(client: &RawClient) -> usize {
    client.told[&setting::MAX_HEADER_LIST_SIZE] as usize
}

fn is_refused(outcome: Outcome) -> bool {
    matches!(outcome, Status(_) | Stream(PROTOCOL_ERROR | REFUSED_STREAM | ENHANCE_YOUR_CALM | CANCEL | INTERNAL_ERROR))
}

/// A request whose fields are larger than the settings allow is refused by a response or by the end of its stream, and
/// others go on; what it told the table of fields holds for them too.
#[tokio::test(start_paused = true)]
async fn too_large_a_header_is_refused_without_harm_to_others() {
    let producers = Producers::default();
    let mut client = connect(producers.service()).await;
    client.exchange(get(1, "/stream/other")).await;
    let other = producers.take("/stream/other");
    let base = block(&request("GET", "/"));
    let large = literal(0, b"x", &vec![b'y'; list_bytes_max(&client)]);
    // Every field counts for 32 bytes more than it has (6.5.2).
    let many = block(&[("x", "y")]).repeat(list_bytes_max(&client) / 34 + 1);
    let remembered = [literal(0x40, b":path", b"/remembered"), block(&request("GET", "/")[..3])].concat();
    for (stream, name, block) in [
        (3, "one field", [&base[..], &large].concat()),
        (5, "many fields", [&base[..], &many].concat()),
        (7, "the first is remembered", [&remembered[..], &large].concat()),
    ] {
        let heard = client.exchange(split(stream, flag::END_STREAM, &block, 16_384)).await;
        assert!(is_refused(heard.outcome(stream)), "{name}: {heard:?}");
        other.send(Ok("part".into())).expect("it goes on");
        assert_eq!(client.settle().await.body(1), b"part", "{name}");
    }
    assert_eq!(client.server.calls(), 1, "only the first was answered");
    // By its place in the table, which the refused block has told.
    let fields = [block(&request("GET", "/")[..3]), vec![0xBE]].concat();
    client.exchange(frame(kind::HEADERS, flag::END_BOTH, 9, fields)).await.check_answered(9, "ok");
}

/// Few bytes can stand for many: 4 KB that both sides remember are named again by one byte.
#[tokio::test(start_paused = true)]
async fn what_a_block_stands_for_counts() {
    let mut client = connect(standard).await;
    let large = literal(0x40, b"x-large", &[b'y'; 4_000]);
    let block = [block(&request("GET", "/")), large, vec![0xBE; 12_000]].concat();
    let heard = client.exchange(split(1, flag::END_STREAM, &block, 16_384)).await;
    let outcome = heard.outcome(1);
    assert!(is_refused(outcome) || outcome == Connection(ENHANCE_YOUR_CALM), "{heard:?}");
    assert_eq!(client.leave().await.calls(), 0);
}

/// The same for what comes after a body, which nobody keeps but which has to be looked through.
#[tokio::test(start_paused = true)]
async fn trailers_have_the_limit_of_a_header() {
    let mut client = connect(standard).await;
    let bytes_max = list_bytes_max(&client);
    let name = [b'x'; 4_000];
    for (stream, name, trailers, is_fine) in [
        (1, "as long as they may be", block(&[("x", "y")]).repeat(bytes_max / 34), true),
        (3, "longer", block(&[("x", "y")]).repeat(bytes_max / 34 + 1), false),
        (5, "a name again and again", [literal(0x40, &name, b""), vec![0xBE; 12_000]].concat(), false),
    ] {
        client.exchange([post(stream, "/echo"), data(stream, flag::NONE, "body")].concat()).await;
        let heard = client.exchange(split(stream, flag::END_STREAM, &trailers, 16_384)).await;
        assert_eq!(heard.outcome(stream) == Outcome::Fine, is_fine, "{name}: {heard:?}");
        assert!(is_fine || is_refused(heard.outcome(stream)), "{name}: {heard:?}");
    }
}

/// A list that is somewhat too long costs its stream alone, and the connection only beyond twice as much.
#[tokio::test(start_paused = true)]
async fn a_block_has_twice_the_room_of_a_list() {
    let bytes_max = {
        let client = connect(standard).await;
        list_bytes_max(&client)
    };
    for (more, outcome) in [(0, Status(431)), (1, Connection(ENHANCE_YOUR_CALM))] {
        let mut client = connect(standard).await;
        let base = block(&request("GET", "/"));
        let fields = [&base[..], &vec![0x84; 2 * bytes_max + more - base.len()]].concat();
        // The list is too long before it is malformed.
        let large = literal(0, b"x", &vec![b'y'; bytes_max]);
        let whole = [&base[..], &large, &fields[base.len() + large.len()..]].concat();
        assert_eq!(client.exchange(split(1, flag::END_STREAM, &whole, 16_384)).await.outcome(1), outcome, "{more}");
    }
}
