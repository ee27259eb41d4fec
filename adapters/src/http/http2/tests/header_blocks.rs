//! Are compressed header blocks understood, and broken ones noticed? (section 4.3; RFC 7541)

use super::check;
use super::client::{connect, connect_with, start_without_table};
use super::heard::Outcome::{self, Connection, Stream};
use super::service::{Recorder, standard};
use super::wire::{
    PREFACE, block, code::*, data, flag, frame, get, headers, kind, literal, post, request, reset, setting, settings,
};

/// Turns digits into bytes.
fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> = digits.chars().filter_map(|digit| digit.to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks(2).map(|pair| pair[0] * 16 + pair[1]).collect()
}

/// The requests of RFC 7541, C.3 and C.4: each refers to what the ones before it told.
#[tokio::test(start_paused = true)]
async fn the_examples_of_the_specification_are_understood() {
    for blocks in [
        [
            "828684410f7777772e6578616d706c652e636f6d",
            "828684be58086e6f2d6361636865",
            "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565",
        ],
        [
            "828684418cf1e3c2e5f23a6ba0ab90f4ff",
            "828684be5886a8eb10649cbf",
            "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf",
        ],
    ] {
        let recorder = Recorder::default();
        let mut client = connect(recorder.service()).await;
        for (stream, digits) in [1, 3, 5].into_iter().zip(blocks) {
            client
                .exchange(frame(kind::HEADERS, flag::END_BOTH, stream, hex(digits)))
                .await
                .check_answered(stream, "ok");
        }
        let seen: Vec<_> = recorder.take().into_iter().map(|(parts, _)| parts).collect();
        for (parts, path) in seen.iter().zip(["/", "/", "/index.html"]) {
            assert_eq!((parts.uri.host(), parts.uri.path()), (Some("www.example.com"), path));
        }
        assert_eq!(
            (seen[0].headers.len(), &seen[1].headers["cache-control"]),
            (0, &"no-cache".parse().expect("a value"))
        );
        assert_eq!(seen[2].headers["custom-key"], "custom-value");
    }
}

#[test]
fn a_block_that_cannot_be_understood_ends_the_connection() {
    let base = block(&request("GET", "/"));
    for (name, garbage) in [
        ("6.1 place 0", "80"),
        ("2.3.3 a place beyond both tables", "be"),
        ("2.3.3 far beyond them", "ffffffff0f"),
        ("6.2 a name from beyond the tables", "7f2001 78"),
        ("5.1 a number without its end", "ff"),
        ("5.1 a number too large", "ffffffffffffffffffffffffff01"),
        ("5.1 a number of nothing but zeros", "ff8080808080808080808080808080808000"),
        ("5.2 a name longer than the block", "00057878"),
        ("5.2 a value longer than the block", "0001780578"),
        ("5.2 no value", "000178"),
        ("5.2 a length too large", "0001787fffffffffff7f78"),
        ("5.2 Huffman, the end within", "00017884ffffffff"),
        ("5.2 Huffman, wrong padding", "0001788100"),
        ("5.2 Huffman, too much padding", "00017882f1ff 00"),
        ("6.3 a table larger than was offered", "3fe2ffff7f"),
        ("4.2 a change of the table behind a field", "20"),
    ] {
        let block = [&base[..], &hex(garbage)].concat();
        let expected = [Connection(COMPRESSION_ERROR)];
        check(name, frame(kind::HEADERS, flag::END_BOTH, 1, block), &expected);
    }
    let trailers = frame(kind::HEADERS, flag::END_BOTH, 1, [0x80]);
    check("in trailers", [post(1, "/wait"), trailers].concat(), &[Connection(COMPRESSION_ERROR)]);
    let block = [&block(&request("GET", "/")), &hex("be")[..]].concat();
    let late = [get(1, "/wait"), reset(1, CANCEL), frame(kind::HEADERS, flag::END_BOTH, 1, block)].concat();
    check(
        "where the fields matter to nobody",
        late,
        &[Connection(COMPRESSION_ERROR), Connection(STREAM_CLOSED), Connection(PROTOCOL_ERROR), Stream(STREAM_CLOSED)],
    );
}

#[test]
fn a_table_may_be_made_smaller_at_the_beginning_of_a_block() {
    let base = block(&request("GET", "/"));
    for (name, prefix) in [
        ("empty", "20"),
        ("smaller and as large again", "20 3fe11f"),
        ("as large as it was", "3fe11f"),
        ("both, and once more", "21 22"),
    ] {
        let block = [hex(prefix), base.clone()].concat();
        check(name, frame(kind::HEADERS, flag::END_BOTH, 1, block), &[Outcome::Fine]);
    }
}

/// What was told before the table was emptied is gone, and what is too large for it empties it.
#[test]
fn what_is_not_in_the_table_any_more_cannot_be_named() {
    let base = block(&request("GET", "/"));
    let told = frame(kind::HEADERS, flag::END_BOTH, 1, [&base[..], &literal(0x40, b"x", b"y")].concat());
    let too_large = literal(0x40, b"x", &[b'y'; 5_000]);
    for (name, prefix, suffix) in [("emptied", &[0x20, 0x3F, 0xE1, 0x1F][..], &[][..]), ("driven out", &[], &too_large)]
    {
        let block = [prefix, &base, suffix, &[0xBE]].concat();
        let bytes = [told.clone(), frame(kind::HEADERS, flag::END_BOTH, 3, block)].concat();
        check(name, bytes, &[Connection(COMPRESSION_ERROR)]);
    }
    let block = [&base[..], &[0xBE, 0xBE]].concat();
    check("still there", [told, frame(kind::HEADERS, flag::END_BOTH, 3, block)].concat(), &[Outcome::Fine]);
}

/// 4.3: also what a refused stream tells the table counts for those after it.
#[tokio::test(start_paused = true)]
async fn refused_streams_tell_the_table_too() {
    let mut client = connect(standard).await;
    let max = client.told[&setting::MAX_CONCURRENT_STREAMS];
    for index in 0..max {
        client.send(get(index * 2 + 1, "/wait")).await;
    }
    client.settle().await;
    let id = max * 2 + 1;
    let told = [literal(0x40, b":path", b"/told"), block(&request("GET", "/")[..3])].concat();
    let heard = client.exchange(frame(kind::HEADERS, flag::END_BOTH, id, told)).await;
    assert_eq!(heard.outcome(id), Stream(REFUSED_STREAM));
    client.exchange(reset(1, CANCEL)).await;
    let block = [block(&request("GET", "/")[..3]), vec![0xBE]].concat();
    client.exchange(frame(kind::HEADERS, flag::END_BOTH, id + 2, block)).await.check_answered(id + 2, "ok");
    let heard = client.exchange([settings(&[]), headers(id + 4, flag::END_BOTH, &request("GET", "/"))].concat()).await;
    heard.check_answered(id + 4, "ok");
}

/// As it is served: with the table of the protocol until the client knows that there is none, and with none then.
#[tokio::test(start_paused = true)]
async fn there_is_no_table_once_the_client_knows() {
    let base = block(&request("GET", "/")[..3]);
    let with_table = |stream, rest: &[u8]| frame(kind::HEADERS, flag::END_BOTH, stream, [&base, rest].concat());
    let told = literal(0x40, b":path", b"/");
    for (name, rest) in [("told before", vec![0xBE]), ("told since", [&told[..], &[0xBE]].concat())] {
        let mut client = start_without_table(standard);
        let begin = [PREFACE, &settings(&[]), &with_table(1, &told), &with_table(3, &[0xBE])].concat();
        let heard = client.exchange(begin).await;
        heard.check_answered(1, "ok");
        heard.check_answered(3, "ok");
        assert_eq!(client.told[&setting::HEADER_TABLE_SIZE], 0);
        client.exchange(with_table(5, &told)).await.check_answered(5, "ok");
        assert_eq!(client.exchange(with_table(7, &rest)).await.outcome(7), Connection(COMPRESSION_ERROR), "{name}");
    }
    let mut client = start_without_table(standard);
    client.hello(&[]).await;
    let resized = |stream, size| frame(kind::HEADERS, flag::END_BOTH, stream, [&[size], &base[..], &told].concat());
    client.exchange(resized(1, 0x20)).await.check_answered(1, "ok");
    assert_eq!(client.exchange(resized(3, 0x21)).await.outcome(3), Connection(COMPRESSION_ERROR));
}

/// RFC 7541, 4.2: a client that wants a smaller table is told that it has got one, at the beginning of the first block, and
/// only there.
#[tokio::test(start_paused = true)]
async fn the_table_of_the_server_is_as_small_as_any_client_wants_it() {
    const TABLE_OF_NOTHING: u8 = 0x20;
    let mut client = connect_with(&[(setting::HEADER_TABLE_SIZE, 0)], standard).await;
    let expects = [&request("POST", "/echo")[..], &[("expect", "100-continue")]].concat();
    let asked = client.exchange(headers(1, flag::END_HEADERS, &expects)).await;
    let heard = client.exchange([data(1, flag::END_STREAM, "body"), get(3, "/")].concat()).await;
    let first_bytes: Vec<u8> = [asked, heard]
        .iter()
        .flat_map(|heard| &heard.frames)
        .filter(|frame| frame.kind == kind::HEADERS)
        .map(|frame| frame.payload[0])
        .collect();
    assert_eq!(first_bytes.len(), 3);
    assert_eq!(first_bytes[0], TABLE_OF_NOTHING);
    assert!(first_bytes[1..].iter().all(|byte| *byte & 0xE0 != TABLE_OF_NOTHING), "{first_bytes:?}");
}
