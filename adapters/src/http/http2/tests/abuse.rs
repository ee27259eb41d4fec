//! Can a client make the server work, or keep things in memory, without end? (section 10.5)

use std::sync::Arc;

use tokio::time::sleep;

use super::Outcome;
use super::client::{RawClient, connect, start_with_pipe};
use super::heard::Outcome::{Connection, Ended};
use super::service::{endless_service, standard};
use super::start::PING_INTERVAL;
use super::wire::{WINDOW_BYTES_MAX, code::*, data, flag, frame, get, headers, kind, ping, post, request, reset};
use super::wire::{setting, settings, window_update};

/// More than any server can have a reason to listen to, of somebody who does not listen.
const FLOOD_BYTES: usize = 8 * 1024 * 1024;

/// What a server does about a flood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flood {
    /// It ended the connection, or stopped reading.
    Stopped,
    /// It took everything, and goes on to serve.
    Taken,
}

async fn flood(begin: Vec<u8>, next: impl FnMut(u32) -> Vec<u8>) -> (Flood, RawClient) {
    let mut client = start_with_pipe(32 * 1024, standard);
    client.hello(&[]).await;
    client.exchange(begin).await;
    let flood = if client.flood(next, FLOOD_BYTES).await < FLOOD_BYTES { Flood::Stopped } else { Flood::Taken };
    (flood, client)
}

/// Repeats a frame, many at a time.
async fn check_flood(name: &str, begin: Vec<u8>, repeated: Vec<u8>, acceptable: &[Flood]) {
    let many = repeated.repeat(500);
    let (flood, mut client) = flood(begin, |_| many.clone()).await;
    assert!(acceptable.contains(&flood), "{name}: {flood:?}");
    if flood == Flood::Taken {
        let heard = client.exchange(get(9_999, "/")).await;
        heard.check_answered(9_999, "ok");
    }
    client.leave().await;
}

/// Every one of these asks for an answer, which waits in memory as long as the client does not read.
#[tokio::test(start_paused = true)]
async fn answers_that_nobody_reads_are_not_piled_up() {
    let stopped = [Flood::Stopped];
    check_flood("PING", vec![], ping([7; 8]), &stopped).await;
    check_flood("SETTINGS", vec![], settings(&[]), &stopped).await;
    check_flood("SETTINGS that change", vec![], settings(&[(setting::INITIAL_WINDOW_SIZE, 10)]), &stopped).await;
    let id = |index| index * 2 + 1;
    for (name, begin) in [
        ("answered", (|stream| get(stream, "/")) as fn(u32) -> Vec<u8>),
        ("refused", |stream| get(stream, "/wait")),
        ("malformed", |stream| get(stream, "")),
        ("reset", |stream| [get(stream, "/"), reset(stream, CANCEL)].concat()),
    ] {
        let (flood, client) = flood(vec![], |index| begin(id(index))).await;
        assert_eq!(flood, Flood::Stopped, "{name}");
        check_living(name, client).await;
    }
}

/// However many were asked for, only so many were being answered at once; how many there were in all.
async fn check_living(name: &str, client: RawClient) -> usize {
    let max = client.told[&setting::MAX_CONCURRENT_STREAMS] as usize;
    let server = client.leave().await;
    assert!(server.living_max() <= max, "{name}: {} at once", server.living_max());
    server.calls()
}

/// These ask for nothing. A server may end such a connection, but whoever only ignores them keeps nothing of them.
#[tokio::test(start_paused = true)]
async fn what_asks_for_nothing_is_not_kept() {
    let acceptable = [Flood::Stopped, Flood::Taken];
    check_flood("PRIORITY", vec![], frame(kind::PRIORITY, flag::NONE, 1, [0, 0, 0, 3, 1]), &acceptable).await;
    check_flood("unknown", vec![], frame(kind::UNKNOWN, flag::NONE, 0, [0; 100]), &acceptable).await;
    check_flood("WINDOW_UPDATE", vec![], window_update(0, 1), &acceptable).await;
    check_flood("DATA of closed streams", get(1, "/"), data(1, flag::NONE, ""), &acceptable).await;
    check_flood("PING answers", vec![], frame(kind::PING, flag::ACK, 0, [7; 8]), &acceptable).await;
}

/// DATA without bytes is no progress and needs no window: it must have an end by itself (10.5).
#[tokio::test(start_paused = true)]
async fn data_without_bytes_has_an_end() {
    check_flood("unread", post(1, "/wait"), data(1, flag::NONE, ""), &[Flood::Stopped]).await;
    check_flood("read", post(1, "/echo"), data(1, flag::NONE, ""), &[Flood::Stopped]).await;
    check_flood("ignored", post(1, "/"), data(1, flag::NONE, ""), &[Flood::Stopped]).await;
}

/// Requests that are given up as soon as they are asked.
#[tokio::test(start_paused = true)]
async fn rapid_resets_are_stopped() {
    const TIMES: u32 = 10_000;
    for is_paced in [false, true] {
        let mut client = connect(standard).await;
        for stream in (0..TIMES).map(|index| index * 2 + 1) {
            client.send([get(stream, "/wait"), reset(stream, CANCEL)].concat()).await;
            if is_paced {
                tokio::task::yield_now().await;
            }
        }
        let heard = client.settle().await;
        if heard.has_ended {
            assert_eq!(heard.outcome(1), Connection(ENHANCE_YOUR_CALM), "paced: {is_paced}");
        }
        let calls = check_living("reset", client).await;
        assert!(calls < TIMES as usize, "{calls} calls; paced: {is_paced}");
    }
}

/// Streams without an end can only be cancelled: whoever has got something of them may, as often as it likes. A proxy has
/// them of hundreds of clients on one connection, and all may go away at once.
#[tokio::test(start_paused = true)]
async fn who_has_enough_of_a_stream_may_cancel_it() {
    let mut client = connect(endless_service(&Arc::default())).await;
    for stream in (0..3_000).map(|index| index * 2 + 1) {
        let heard = client.exchange(get(stream, "/endless")).await;
        assert_eq!((heard.status(stream), heard.has_ended), (Some(200), false), "stream {stream}");
        let room = u32::try_from(heard.length(stream)).expect("a window").max(1);
        client.send([reset(stream, CANCEL), window_update(0, room)].concat()).await;
    }
    client.exchange(get(9_999, "/")).await.check_answered(9_999, "ok");
}

/// The same by way of the server: the client makes it reset streams that are being answered.
#[tokio::test(start_paused = true)]
async fn resets_by_the_server_are_stopped() {
    for (name, provoke) in [
        ("malformed", (|stream| get(stream, "")) as fn(u32) -> Vec<u8>),
        ("upper case", |stream| headers(stream, flag::END_BOTH, &[&request("GET", "/")[..], &[("X", "y")]].concat())),
        ("window by 0", |stream| [get(stream, "/wait"), window_update(stream, 0)].concat()),
        ("window too large", |stream| [get(stream, "/wait"), window_update(stream, WINDOW_BYTES_MAX)].concat()),
        ("DATA after the end", |stream| [get(stream, "/wait"), data(stream, flag::NONE, "x")].concat()),
        ("HEADERS after the end", |stream| [get(stream, "/wait"), get(stream, "/wait")].concat()),
        ("content-length", |stream| {
            let fields = [&request("POST", "/wait")[..], &[("content-length", "1")]].concat();
            [headers(stream, flag::END_HEADERS, &fields), data(stream, flag::END_STREAM, "")].concat()
        }),
        ("trailers", |stream| {
            [post(stream, "/wait"), headers(stream, flag::END_BOTH, &[("connection", "close")])].concat()
        }),
    ] {
        let mut client = connect(standard).await;
        let mut outcome = Outcome::Fine;
        let mut times = 0;
        while !matches!(outcome, Connection(_) | Ended) {
            assert!(times < 10_000, "{name}: {outcome:?} still");
            let stream = times * 2 + 1;
            outcome = client.exchange(provoke(stream)).await.outcome(stream);
            times += 1;
        }
        // One may happen to anybody, and costs one stream where the standard says so; that is for other tests.
        if times > 1 {
            assert_eq!(outcome, Connection(ENHANCE_YOUR_CALM), "{name}: after {times}");
        }
        assert_eq!(client.leave().await.living(), 0);
    }
}

/// The same over so long a time that all of it is allowed: then nothing is read any more, and the client does not lose
/// its connection for that alone.
#[tokio::test(start_paused = true)]
async fn who_reads_nothing_is_not_listened_to_for_long() {
    const ROUNDS_MAX: u32 = 10;
    let mut client = start_with_pipe(1_700, endless_service(&Arc::default()));
    client.hello(&[(setting::INITIAL_WINDOW_SIZE, 1 << 30)]).await;
    client.send([window_update(0, 1 << 30), get(1, "/endless")].concat()).await;
    let pings = ping([7; 8]).repeat(900);
    let mut rounds = 0;
    while client.try_send(&pings).await {
        rounds += 1;
        assert!(rounds < ROUNDS_MAX, "everything is taken");
        // Before it is asked for a sign of life in vain.
        sleep(PING_INTERVAL).await;
    }
    assert!(rounds > 2, "{rounds}");
    assert!(!client.server.has_ended());
    // The answers are there once it reads, and the response goes on behind them.
    let heard = client.hear(10_000).await;
    assert_eq!((heard.frames.len(), heard.has_ended), (10_000, false));
    assert!(heard.of(kind::PING, 0).filter(|frame| frame.flags == flag::ACK).count() > 1_800);
    assert_eq!(heard.frames.last().map(|frame| (frame.kind, frame.stream)), Some((kind::DATA, 1)));
}
