//! Does every stream get its share, and does the server listen while it sends? (section 5.2.2)

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::Poll;

use bytes::Bytes;
use futures_util::{FutureExt, stream};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;

use super::client::{connect_with, start_with_pipe};
use super::heard::Heard;
use super::service::{ENDLESS_PART_BYTES, endless_service};
use super::start::{HttpResponse, RequestBody};
use super::wire::{WINDOW_BYTES, code, flag, get, kind, ping, reset, setting, window_update};

const WIDE: (u16, u32) = (setting::INITIAL_WINDOW_SIZE, 1 << 30);

#[tokio::test(start_paused = true)]
async fn responses_without_end_share_the_connection() {
    let streams = [1, 3, 5, 7];
    let mut client = connect_with(&[WIDE], endless_service(&Arc::default())).await;
    let mut heard = Heard::default();
    for stream in streams {
        heard.append(client.exchange(get(stream, "/endless")).await);
    }
    for _ in 0..20 {
        heard.append(client.exchange(window_update(0, 100_000)).await);
    }
    let lengths = streams.map(|stream| heard.length(stream));
    let total = WINDOW_BYTES + 20 * 100_000;
    assert_eq!(lengths.iter().sum::<usize>(), total);
    assert!(lengths.iter().all(|length| *length >= total / 16), "{lengths:?}");
    // What is short is not behind what has no end.
    let mut heard = client.exchange(get(9, "/")).await;
    for _ in 0..10 {
        heard.append(client.exchange(window_update(0, 100_000)).await);
    }
    heard.check_answered(9, "ok");
    client.leave().await;
}

/// With windows that nothing fills, the server could be busy with sending for ever.
#[tokio::test(start_paused = true)]
async fn the_server_listens_while_it_sends() {
    let mut client = start_with_pipe(64 * 1024, endless_service(&Arc::default()));
    client.hello(&[WIDE]).await;
    client.send([window_update(0, 1 << 30), get(1, "/endless"), get(3, "/endless")].concat()).await;
    let heard = client.hear(50).await;
    assert_eq!(heard.frames.len(), 50);
    client.send([ping([7; 8]), get(5, "/"), reset(1, code::CANCEL)].concat()).await;
    let heard = client.hear(500).await;
    assert_eq!(heard.of(kind::PING, 0).filter(|frame| frame.flags == flag::ACK).count(), 1);
    heard.check_answered(5, "ok");
    let last: Vec<_> = heard.frames.iter().rev().take(100).map(|frame| frame.stream).collect();
    assert_eq!(last, [3; 100], "the first was given up");
    client.leave().await;
}

/// What is taken from a body stays in memory until the client takes it: it must be little.
#[tokio::test(start_paused = true)]
async fn bodies_are_not_taken_ahead_of_the_client() {
    const AHEAD_BYTES_MAX: usize = 128 * 1024 + ENDLESS_PART_BYTES;
    // The client gives no room.
    let produced = Arc::<AtomicUsize>::default();
    let mut client = connect_with(&[(setting::INITIAL_WINDOW_SIZE, 0)], endless_service(&produced)).await;
    client.exchange(get(1, "/endless")).await;
    let ahead = produced.load(SeqCst);
    assert!(ahead <= AHEAD_BYTES_MAX, "{ahead} bytes");
    client.exchange(window_update(1, 50_000)).await;
    let ahead = produced.load(SeqCst) - 50_000;
    assert!(ahead <= AHEAD_BYTES_MAX, "{ahead} bytes");

    // The client gives room, and then does not read.
    const PIPE_BYTES: usize = 10_000;
    let produced = Arc::<AtomicUsize>::default();
    let mut client = start_with_pipe(PIPE_BYTES, endless_service(&produced));
    client.hello(&[WIDE]).await;
    client.send([window_update(0, 1 << 30), get(1, "/endless")].concat()).await;
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let ahead = produced.load(SeqCst);
    assert!((PIPE_BYTES..=2 * AHEAD_BYTES_MAX).contains(&ahead), "{ahead} bytes");
    client.leave().await;
}

/// The same where the client makes room for less than a frame at a time.
#[tokio::test(start_paused = true)]
async fn little_room_is_shared_too() {
    let streams = [1, 3, 5, 7];
    let mut client = connect_with(&[WIDE], endless_service(&Arc::default())).await;
    let mut heard = client.exchange(streams.map(|stream| get(stream, "/endless")).concat()).await;
    for _ in 0..80 {
        heard.append(client.exchange(window_update(0, 10_000)).await);
    }
    let lengths = streams.map(|stream| heard.length(stream));
    let total = WINDOW_BYTES + 80 * 10_000;
    assert_eq!(lengths.iter().sum::<usize>(), total);
    assert!(lengths.iter().all(|length| *length >= total / 16), "{lengths:?}");
    client.leave().await;
}

/// Bodies wake their stream also while it has its turn again and again, and that is no reason for further turns.
#[tokio::test(start_paused = true)]
async fn a_body_that_wakes_often_gets_no_more_than_others() {
    let part = Bytes::from(vec![b'e'; ENDLESS_PART_BYTES]);
    let service = move |request: poem::http::Request<RequestBody>| {
        let (is_restless, part) = (request.uri().path() == "/restless", part.clone());
        let parts = stream::poll_fn(move |context| {
            if is_restless {
                context.waker().wake_by_ref();
            }
            Poll::Ready(Some(Ok(Frame::data(part.clone()))))
        });
        async { HttpResponse::new(StreamBody::new(parts).boxed()) }.boxed()
    };
    let mut client = start_with_pipe(64 * 1024, service);
    client.hello(&[WIDE]).await;
    client.send([window_update(0, 1 << 30), get(1, "/restless"), get(3, "/calm")].concat()).await;
    let heard = client.hear(1_000).await;
    let (restless, calm) = (heard.length(1), heard.length(3));
    assert!(calm >= restless / 2, "{restless} and {calm}");
    client.leave().await;
}
