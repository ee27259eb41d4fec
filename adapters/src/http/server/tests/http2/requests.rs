//! How is the body of a request handled?

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use super::client::Client;
use super::frames::*;
use super::service::Scene;
use crate::http::body::{BODY_BYTES_MAX, BODY_SECONDS_MAX};

/// Sends a body in frames, as far as flow control allows. Returns how many bytes were sent.
async fn upload(client: &mut Client, stream: u32, bytes: usize) -> usize {
    const FRAME_BYTES: usize = 10_000;
    let mut sent = 0;
    // The initial windows of the protocol.
    let mut room = 65_535;
    while sent < bytes && !client.is_finished(stream) {
        let next = FRAME_BYTES.min(bytes - sent).min(room);
        if next == 0 {
            break;
        }
        client.say(frame(DATA, 0, stream, vec![b' '; next])).await;
        sent += next;
        room = (65_535 + client.window(stream).min(client.window(0))).saturating_sub(sent);
    }
    sent
}

#[tokio::test(start_paused = true)]
async fn a_body_may_be_longer_than_the_window() {
    let scene = Scene::start().await;
    let mut client = scene.client().await;
    client.say(post(1, "/system/notify/send")).await;
    assert_eq!(upload(&mut client, 1, BODY_BYTES_MAX).await, BODY_BYTES_MAX);
    client.say(frame(DATA, END_STREAM, 1, [])).await;
    assert_eq!((client.status(1), client.body(1)), (Some(200), BODY_BYTES_MAX.to_string()));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_too_long_or_never_arrives_is_answered() {
    let scene = Scene::start().await;
    let mut client = scene.client().await;
    client.say(post(1, "/system/notify/send")).await;
    upload(&mut client, 1, 2 * BODY_BYTES_MAX).await;
    assert_eq!((client.status(1), client.is_finished(1)), (Some(413), true));
    client.say([post(3, "/system/notify/send"), frame(DATA, 0, 3, b"{")].concat()).await;
    client.hear_for(Duration::from_secs(BODY_SECONDS_MAX + 1)).await;
    assert_eq!((client.status(3), client.is_finished(3), client.has_ended), (Some(400), true, false));
}

/// The body of a request for a stream is ignored up to a limit, and takes no window from other requests.
#[tokio::test(start_paused = true)]
async fn a_body_beside_a_stream_is_bounded_and_does_not_block_others() {
    let scene = Scene::start().await;
    let mut client = scene.client().await;
    client.say([post(1, "/system/notify"), post(3, "/system/notify")].concat()).await;
    let ignored = upload(&mut client, 1, 10_000_000).await;
    assert!(ignored < BODY_BYTES_MAX + 100_000, "{ignored} bytes were accepted");
    upload(&mut client, 3, 10_000_000).await;
    client.say([post(5, "/system/notify/send"), frame(DATA, END_STREAM, 5, "whole")].concat()).await;
    assert_eq!((client.status(5), client.body(5).as_str()), (Some(200), "5"));
    assert_eq!((client.reset_code(1), client.is_finished(1)), (None, false), "the stream goes on");
    scene.check_others_are_served().await;
}

/// Some clients lose a response that is immediately followed by a reset, so the rest of the request is accepted for a
/// while.
#[tokio::test(start_paused = true)]
async fn a_body_after_the_answer_is_ignored_for_a_while() {
    let scene = Scene::start().await;
    let mut client = scene.client().await;
    let limit = Duration::from_secs(BODY_SECONDS_MAX);
    client.say([post(1, "/nowhere"), post(3, "/nowhere"), post(5, "/nowhere")].concat()).await;
    for stream in [1, 3, 5] {
        assert_eq!((client.status(stream), client.is_finished(stream)), (Some(404), true));
    }
    client.hear_for(limit - Duration::from_secs(2)).await;
    client.say(frame(DATA, 0, 3, b" ")).await;
    client.say(frame(DATA, END_STREAM, 5, b"{}")).await;
    assert_eq!([1, 3, 5].map(|stream| client.reset_code(stream)), [None; 3]);
    client.hear_for(Duration::from_secs(4)).await;
    assert_eq!([1, 3, 5].map(|stream| client.reset_code(stream)), [Some(NO_ERROR), Some(NO_ERROR), None]);
    // Even a fast sender is stopped.
    client.say(post(7, "/nowhere")).await;
    let mut sent = 0;
    while client.reset_code(7).is_none() {
        assert!(sent < 2 * BODY_BYTES_MAX, "{sent} bytes were accepted");
        client.say(frame(DATA, 0, 7, vec![b' '; 10_000])).await;
        sent += 10_000;
    }
    assert_eq!((client.reset_code(7), client.has_ended), (Some(NO_ERROR), false));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_expects_100_continue_gets_it() {
    let scene = Scene::start().await;
    let mut client = scene.client().await;
    let block = [request("POST", "/system/notify/send"), field("expect", "100-continue")].concat();
    client.say(frame(HEADERS, END_HEADERS, 1, &block)).await;
    assert_eq!((client.status(1), client.is_finished(1)), (Some(100), false));
    client.say(frame(DATA, END_STREAM, 1, "body")).await;
    assert_eq!(client.body(1), "4");
    // Not if the request has no body.
    client.say(frame(HEADERS, END_STREAM | END_HEADERS, 3, &block)).await;
    assert_eq!(client.status(3), Some(200));
}

/// A body in the answer to HEAD would be a protocol error.
#[tokio::test(start_paused = true)]
async fn a_head_has_no_body() {
    let scene = Scene::start().await;
    let mut client = scene.client().await;
    client.say(frame(HEADERS, END_STREAM | END_HEADERS, 1, request("HEAD", "/nowhere"))).await;
    assert_eq!((client.status(1), client.is_finished(1), client.body(1).as_str()), (Some(404), true, ""));
}

#[tokio::test(start_paused = true)]
async fn requests_of_a_client_that_disconnects_are_dropped() {
    let scene = Scene::start().await;
    let mut client = scene.client().await;
    client.say([get(1, "/system/applause"), post(3, "/system/notify/send"), get(5, "/system/notify")].concat()).await;
    assert_eq!(scene.world.answering.load(Relaxed), 4);
    client.say([reset(1), reset(3), reset(5)].concat()).await;
    assert_eq!(scene.world.answering.load(Relaxed), 1);
    client.say([get(7, "/system/applause"), get(9, "/system/notify")].concat()).await;
    drop(client);
    scene.check_others_are_served().await;
    assert_eq!(scene.world.answering.load(Relaxed), 1);
}
