//! How much may a client send? (sections 5.2, 6.9 and 10.5)

use super::check;
use super::client::{RawClient, connect};
use super::heard::Outcome::{Connection, Status, Stream};
use super::service::{Producers, Recorder, standard};
use super::wire::window_update;
use super::wire::{
    FRAME_BYTES_MAX, WINDOW_BYTES, code::*, data, flag, frame, get, headers, kind, padded, post, request, reset,
    setting,
};
use super::{Outcome, judge};

#[tokio::test(start_paused = true)]
async fn what_is_read_makes_room_for_more() {
    let mut client = connect(standard).await;
    let body: Vec<u8> = (0..500_000_u32).map(|number| (number % 253) as u8).collect();
    client.send(window_update(0, 1 << 24)).await;
    client.send([post(1, "/echo"), window_update(1, 1 << 24)].concat()).await;
    let heard = client.upload(1, &body).await;
    heard.check_answered(1, &body);
    // And the connection has its room back for the next.
    client.send([post(3, "/echo"), window_update(3, 1 << 24)].concat()).await;
    client.upload(3, &body).await.check_answered(3, &body);
}

#[tokio::test(start_paused = true)]
async fn padding_needs_room_and_gives_it_back() {
    let mut client = connect(standard).await;
    client.send(post(1, "/echo")).await;
    for _ in 0..40 {
        // A byte in each of fifty frames: 12,850 bytes that are room.
        let frames = frame(kind::DATA, flag::PADDED, 1, padded("x", 255)).repeat(50);
        client.send_frames(1, 50 * 257, frames).await;
        client.settle().await;
        for window in [client.window(1), client.window(0)] {
            assert!((FRAME_BYTES_MAX..=WINDOW_BYTES).contains(&window), "{window}");
        }
    }
    client.exchange(data(1, flag::END_STREAM, "")).await.check_answered(1, "x".repeat(2_000));
}

/// Fills the window of a stream that nobody reads, and then sends one byte more.
#[tokio::test(start_paused = true)]
async fn more_than_the_window_is_an_error() {
    let mut client = connect(standard).await;
    client.exchange(post(1, "/wait")).await;
    fill(&mut client, 1).await;
    let heard = client.settle().await;
    assert_eq!((heard.outcome(1), client.window(1)), (Outcome::Fine, 0), "the window itself is no error: {heard:?}");
    let heard = client.exchange(data(1, flag::NONE, "x")).await;
    let expected = [Connection(FLOW_CONTROL_ERROR), Stream(FLOW_CONTROL_ERROR)];
    assert!(expected.contains(&heard.outcome(1)), "{heard:?}");
    judge(client, heard.outcome(1)).await;
}

/// The same with padding, which is no part of a body. A server may give its room back at once, or lose patience.
#[tokio::test(start_paused = true)]
async fn more_padding_than_the_window_is_an_error() {
    let mut client = connect(standard).await;
    client.exchange(post(1, "/wait")).await;
    for _ in 0..300 {
        let is_too_much = client.window(1) < 256;
        client.send_frames(1, 256, frame(kind::DATA, flag::PADDED, 1, padded("xxxxx", 250))).await;
        let heard = client.settle().await;
        match heard.outcome(1) {
            Outcome::Fine => assert!(!is_too_much),
            Connection(ENHANCE_YOUR_CALM) => break,
            outcome => {
                let expected = [Connection(FLOW_CONTROL_ERROR), Stream(FLOW_CONTROL_ERROR)];
                assert!(is_too_much && expected.contains(&outcome), "{outcome:?} with {}", client.window(1));
                break;
            }
        }
    }
    client.leave().await;
}

#[tokio::test(start_paused = true)]
async fn more_than_the_window_of_the_connection_is_an_error() {
    let mut client = connect(standard).await;
    let mut stream = 1;
    while client.window(0) > 0 {
        client.exchange(post(stream, "/wait")).await;
        fill_up_to(&mut client, stream, 20_000).await;
        stream += 2;
        assert!(stream < 500, "a window of the connection that has no end");
    }
    client.exchange(post(stream, "/wait")).await;
    let heard = client.exchange(data(stream, flag::NONE, "x")).await;
    assert_eq!(heard.outcome(stream), Connection(FLOW_CONTROL_ERROR), "{heard:?}");
    client.leave().await;
}

async fn fill(client: &mut RawClient, stream: u32) {
    fill_up_to(client, stream, usize::MAX).await;
}

/// Sends DATA as long as there is room, but not more than `bytes_max`.
async fn fill_up_to(client: &mut RawClient, stream: u32, bytes_max: usize) {
    let mut left = bytes_max;
    while client.window(stream).min(left) > 0 {
        let length = client.window(stream).min(left).min(FRAME_BYTES_MAX);
        client.send_data(stream, flag::NONE, &vec![b'x'; length]).await;
        left -= length;
    }
}

/// What the connection's window was spent on comes back when nobody can read it any more. In every round a stream is
/// begun, gets 16,000 bytes, and ends in the way of its name; without the room of the earlier ones a later stalls.
#[tokio::test(start_paused = true)]
async fn a_body_that_nobody_reads_costs_its_stream_alone() {
    for name in
        ["answered", "answered before its end", "reset", "malformed", "too long", "refused", "bad trailers", "ended"]
    {
        let mut client = connect(standard).await;
        if name == "refused" {
            let max = client.told[&setting::MAX_CONCURRENT_STREAMS];
            client.exchange((0..max).flat_map(|index| get(index * 2 + 1, "/wait")).collect::<Vec<u8>>()).await;
        }
        for stream in (0..40).map(|index| index * 2 + 1_001) {
            let mut fields = request("POST", if name.starts_with("answered") { "/" } else { "/wait" }).to_vec();
            match name {
                "malformed" => fields.push(("connection", "close")),
                "too long" => fields.push(("content-length", "10")),
                _ => {}
            }
            client.send(headers(stream, flag::END_HEADERS, &fields)).await;
            assert!(client.window(0) >= 32_000, "{name}: nothing left in the round of {stream}");
            let end = if ["answered", "ended"].contains(&name) { flag::END_STREAM } else { flag::NONE };
            client.send_data(stream, end, &[b'x'; 16_000]).await;
            match name {
                "ended" => client.send_data(stream, flag::NONE, &[b'x'; 16_000]).await,
                "reset" => client.send(reset(stream, CANCEL)).await,
                "bad trailers" => client.send(headers(stream, flag::END_BOTH, &[("connection", "close")])).await,
                _ => {}
            }
            let heard = client.settle().await;
            assert!(!heard.has_ended, "{name}, round of {stream}: {heard:?}");
        }
        assert!((16_000..=WINDOW_BYTES).contains(&client.window(0)), "{name}: {}", client.window(0));
        client.leave().await;
    }
}

/// DATA that was under way when the server has given up its stream is no error, and its room comes back (5.4.2).
#[tokio::test(start_paused = true)]
async fn what_was_under_way_costs_nothing() {
    let mut client = connect(standard).await;
    let malformed = [&request("POST", "/wait")[..], &[("connection", "close")]].concat();
    let heard = client.exchange(headers(1, flag::END_HEADERS, &malformed)).await;
    assert!([Stream(PROTOCOL_ERROR), Status(400)].contains(&heard.outcome(1)), "{heard:?}");
    for _ in 0..10 {
        client.send_data(1, flag::NONE, &[b'x'; 16_000]).await;
        let heard = client.settle().await;
        assert!(!heard.has_ended, "{heard:?}");
        assert!(client.window(0) >= 16_000);
    }
    let heard = client.exchange(headers(1, flag::END_BOTH, &[("x-late", "1")])).await;
    assert!(!heard.has_ended, "{heard:?}");
    assert_eq!(judge(client, Outcome::Fine).await, Outcome::Fine);
}

#[test]
fn an_empty_end_needs_no_room() {
    check("6.9.1", [post(1, "/echo"), data(1, flag::END_STREAM, "")].concat(), &[Outcome::Fine]);
}

/// The same while the response goes on: a stream of lines may be quiet for long, and others need the room.
#[tokio::test(start_paused = true)]
async fn a_body_that_nobody_reads_costs_nobody_while_the_response_goes_on() {
    let producers = Producers::default();
    let mut client = connect(producers.service()).await;
    client.exchange(post(1, "/stream/quiet")).await;
    for _ in 0..3 {
        client.send_data(1, flag::NONE, &[b'x'; 16_000]).await;
        client.settle().await;
    }
    assert!(client.window(0) >= 32_000, "{}", client.window(0));
    client.send(post(3, "/echo")).await;
    client.upload(3, &[b'y'; 60_000]).await.check_answered(3, [b'y'; 60_000]);
}

/// Nobody is told of more room than there was.
#[tokio::test(start_paused = true)]
async fn room_is_given_back_once() {
    let mut client = connect(Recorder::default().service()).await;
    for stream in (0..10).map(|index| index * 2 + 1) {
        client.send(post(stream, "/")).await;
        // What was read, and what came with the end.
        client.send_data(stream, flag::NONE, &[b'x'; 16_000]).await;
        client.settle().await;
        let heard = client.upload(stream, &[b'x'; 24_000]).await;
        heard.check_answered(stream, "ok");
        assert!(client.window(0) <= WINDOW_BYTES, "{}", client.window(0));
        assert_eq!(heard.of(kind::WINDOW_UPDATE, stream).count(), 0, "nothing more comes on this stream");
    }
}

/// DATA beyond the window of its stream is not kept, so the connection has its room back.
#[tokio::test(start_paused = true)]
async fn what_a_stream_does_not_take_costs_the_stream_alone() {
    let mut client = connect(standard).await;
    for stream in (0..4).map(|index| index * 4 + 1) {
        // Just not enough for the window of a stream to grow; of the connection it is.
        client.send([post(stream, "/echo"), post(stream + 2, "/echo")].concat()).await;
        for (stream, flags, length) in
            [(stream, flag::NONE, 16_384), (stream, flag::NONE, 16_382), (stream + 2, flag::END_STREAM, 1)]
        {
            client.send_data(stream, flags, &vec![b'x'; length]).await;
            client.settle().await;
        }
        assert!(client.window(0) >= 65_000 && client.window(stream) == 32_769, "{}", client.window(stream));
        for _ in 0..3 {
            client.send_data(stream, flag::NONE, &[b'x'; 16_384]).await;
        }
        assert_eq!(client.settle().await.outcome(stream), Stream(FLOW_CONTROL_ERROR));
    }
}
