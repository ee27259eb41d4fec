//! What does a client get that asks for too much, waits to be asked, or takes nothing?

use std::time::Duration;

use tokio::time::sleep;

use super::client::{connect, connect_with};
use super::heard::Outcome;
use super::service::standard;
use super::start::PING_INTERVAL;
use super::wire::{code, flag, get, headers, kind, post, request, setting, status, window_update};

/// A stream that nobody reads would keep a version of the meeting in memory (docs/OPERATIONS.md, limits).
#[tokio::test(start_paused = true)]
async fn a_stream_of_which_nothing_is_taken_for_long_is_reset() {
    let mut client = connect_with(&[(setting::INITIAL_WINDOW_SIZE, 10)], standard).await;
    let heard = client.exchange([get(1, "/large"), get(3, "/wait")].concat()).await;
    assert_eq!((heard.length(1), heard.reset(1)), (10, None));
    // It is looked for once an interval; another one is not long enough in the same state by then.
    sleep(PING_INTERVAL - Duration::from_secs(250)).await;
    client.exchange(get(5, "/large")).await;
    sleep(Duration::from_secs(290)).await;
    let heard = client.settle().await;
    assert_eq!(heard.outcome(1), Outcome::Stream(code::CANCEL));
    assert_eq!((heard.outcome(3), heard.outcome(5)), (Outcome::Fine, Outcome::Fine));
    client.exchange(get(7, "/")).await.check_answered(7, "ok");
}

/// A request that never ends is not waited for without end, though its response is complete.
#[tokio::test(start_paused = true)]
async fn the_rest_of_a_request_is_not_waited_for_without_end() {
    let mut client = connect(standard).await;
    client.exchange(post(1, "/")).await.check_answered(1, "ok");
    sleep(PING_INTERVAL).await;
    assert_eq!(client.settle().await.outcome(1), Outcome::Stream(code::NO_ERROR));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_waits_to_be_asked_for_the_body_is_asked() {
    let mut client = connect(standard).await;
    let fields = [&request("POST", "/echo")[..], &[("expect", "100-continue")]].concat();
    let asked = client.exchange(headers(1, flag::END_HEADERS, &fields)).await;
    assert_eq!((asked.status(1), asked.is_finished(1)), (Some(100), false));
    client.upload(1, b"body").await.check_answered(1, "body");
    // Not where the body is there already.
    let heard = client.exchange(headers(3, flag::END_BOTH, &fields)).await;
    let statuses: Vec<_> = heard.of(kind::HEADERS, 3).map(|frame| status(&frame.payload)).collect();
    assert_eq!(statuses, [200]);
}

#[tokio::test(start_paused = true)]
async fn too_long_a_header_is_answered() {
    let mut client = connect(standard).await;
    // Every field counts for 32 bytes more than it has (6.5.2), so that a short block can be a long list.
    let many = client.told[&setting::MAX_HEADER_LIST_SIZE] as usize / 34;
    for (stream, flags, count, expected) in
        [(1, flag::END_BOTH, many - 10, 200), (3, flag::END_BOTH, many, 431), (5, flag::END_HEADERS, many, 431)]
    {
        let fields = [&request("GET", "/")[..], &vec![("x", "y"); count]].concat();
        let heard = client.exchange(headers(stream, flags, &fields)).await;
        assert_eq!((heard.status(stream), heard.is_finished(stream)), (Some(expected), true), "stream {stream}");
        assert_eq!(heard.of(kind::RST_STREAM, stream).count(), usize::from(stream == 5), "no body is waited for");
    }
}

/// That others take something is no sign that this one does: a browser's other tabs, a proxy's other clients.
#[tokio::test(start_paused = true)]
async fn a_stream_of_which_nothing_is_taken_is_reset_though_others_go_on() {
    let mut client = connect_with(&[(setting::INITIAL_WINDOW_SIZE, 10)], standard).await;
    // Not much longer than it may take, when it is looked for.
    sleep(PING_INTERVAL - Duration::from_secs(400)).await;
    let mut heard = client.exchange([get(1, "/large"), get(3, "/large")].concat()).await;
    assert_eq!((heard.length(1), heard.length(3)), (10, 10));
    for _ in 0..10 {
        sleep(Duration::from_secs(35)).await;
        heard.append(client.exchange([window_update(0, 10), window_update(3, 10)].concat()).await);
    }
    sleep(Duration::from_secs(100)).await;
    heard.append(client.settle().await);
    assert_eq!((heard.outcome(1), heard.outcome(3)), (Outcome::Stream(code::CANCEL), Outcome::Fine));
}

#[tokio::test(start_paused = true)]
async fn a_silent_client_is_asked_whether_it_is_there() {
    let mut client = connect(standard).await;
    client.exchange(get(1, "/wait")).await;
    for _ in 0..3 {
        sleep(PING_INTERVAL).await;
        let heard = client.settle().await;
        let asked: Vec<_> = heard.of(kind::PING, 0).map(|frame| frame.flags).collect();
        assert_eq!((asked, heard.has_ended), (vec![flag::NONE], false));
    }
    // Without an answer.
    sleep(PING_INTERVAL + Duration::from_secs(40)).await;
    assert_eq!((client.server.has_ended(), client.server.living()), (false, 1));
    sleep(Duration::from_secs(20)).await;
    assert_eq!((client.server.has_ended(), client.server.living()), (true, 0));
}
