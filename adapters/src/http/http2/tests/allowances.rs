//! How often may a client ask for what leads nowhere? (section 10.5; docs/OPERATIONS.md, limits)

use tokio::time::sleep;

use super::client::{RawClient, connect};
use super::heard::Outcome::Connection;
use super::service::standard;
use super::start::PING_INTERVAL;
use super::wire::{
    block, code::*, data, flag, frame, get, headers, kind, padded, ping, post, request, reset, settings,
};

/// As often within an interval.
const TIMES: u32 = 1_000;

/// Does `begin`, and then what `again` says for each number: as often as it may be done, after an interval as often once
/// more, and then too often.
async fn check(name: &str, begin: Vec<u8>, drains: bool, again: impl Fn(u32) -> Vec<u8>) {
    let mut client = connect(standard).await;
    client.exchange(begin).await;
    if drains {
        client.server.drain();
    }
    for round in 0..2 {
        next_interval(&mut client).await;
        let frames: Vec<u8> = (0..TIMES).flat_map(|index| again(round * TIMES + index)).collect();
        let heard = client.exchange(frames).await;
        assert!(!heard.has_ended, "{name}, round {round}: {:?}", heard.outcome(0));
    }
    let heard = client.exchange(again(2 * TIMES)).await;
    assert_eq!(heard.outcome(0), Connection(ENHANCE_YOUR_CALM), "{name}");
    client.leave().await;
}

async fn next_interval(client: &mut RawClient) {
    sleep(PING_INTERVAL).await;
    client.settle().await;
}

#[tokio::test(start_paused = true)]
async fn what_leads_nowhere_may_be_done_so_often() {
    let id = |index: u32| index * 2 + 101;
    let malformed = |stream, flags| headers(stream, flags, &[&request("POST", "/")[..], &[("te", "gzip")]].concat());
    let long = [&request("GET", "/")[..], &vec![("x", "y"); 500]].concat();
    let padding = frame(kind::DATA, flag::PADDED, 1, padded("", 1));
    let trailers = headers(1, flag::END_BOTH, &[("x-late", "1")]);
    let priority = frame(kind::PRIORITY, flag::NONE, 7, [0, 0, 0, 3, 200]);
    check("PING", vec![], false, |_| ping([7; 8])).await;
    check("SETTINGS", vec![], false, |_| settings(&[])).await;
    check("PRIORITY", vec![], false, |_| priority.clone()).await;
    check("unknown", vec![], false, |_| frame(kind::UNKNOWN, flag::NONE, 0, [])).await;
    check("DATA without bytes", post(1, "/wait"), false, |_| data(1, flag::NONE, "")).await;
    check("DATA of padding", post(1, "/wait"), false, |_| padding.clone()).await;
    check("DATA after the end", get(1, "/"), false, |_| data(1, flag::NONE, "x")).await;
    check("RST_STREAM", vec![], false, |index| [get(id(index), "/wait"), reset(id(index), CANCEL)].concat()).await;
    check("RST_STREAM after the end", get(1, "/"), false, |_| reset(1, CANCEL)).await;
    check("trailers after a reset", malformed(1, flag::END_HEADERS), false, |_| trailers.clone()).await;
    check("malformed", vec![], false, |index| malformed(id(index), flag::END_BOTH)).await;
    check("too long", vec![], false, |index| headers(id(index), flag::END_BOTH, &long)).await;
    check("ignored", get(1, "/wait"), true, |index| get(id(index), "/")).await;
}

/// All of it together counts.
#[tokio::test(start_paused = true)]
async fn one_allowance_is_for_everything() {
    let mut client = connect(standard).await;
    next_interval(&mut client).await;
    let some = [ping([7; 8]), settings(&[]), reset(1, CANCEL), frame(kind::PRIORITY, flag::NONE, 7, [0; 5])].concat();
    let frames = [get(1, "/"), some.repeat(250)].concat();
    assert!(!client.exchange(frames).await.has_ended);
    let heard = client.exchange(frame(kind::HEADERS, flag::END_BOTH, 3, block(&[]))).await;
    assert_eq!(heard.outcome(3), Connection(ENHANCE_YOUR_CALM));
}
