//! How much of a response is held for a client with a small window?

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use super::client::Client;
use super::frames::*;
use super::service::{LONG_BYTES, NEWS, Scene};
use crate::http::limits::UNREAD_SECONDS_MAX;

/// How many bytes of a stream may have been produced beyond the client's window: a frame, and the part after it.
const AHEAD_BYTES_MAX: usize = 32 * 1024;

/// Opens a long stream with these windows. Checks that `comes` bytes arrive at once, and that not much more is
/// produced.
async fn check(stream_window: u32, connection_window: u32, comes: usize) {
    let scene = Scene::start().await;
    let mut client = Client::connect(&scene.pipes, 4 << 20, &[(INITIAL_WINDOW_SIZE, stream_window)]).await;
    if connection_window > 65_535 {
        client.say(window_update(0, connection_window - 65_535)).await;
    }
    client.say(get(1, "/system/autoupdate")).await;
    assert_eq!(client.body(1).len(), comes, "windows of {stream_window} and {connection_window}");
    let ahead = scene.world.taken.load(Relaxed).saturating_sub(comes);
    assert!(ahead <= AHEAD_BYTES_MAX, "{ahead} bytes ahead of a window of {stream_window}");
    scene.check_others_are_served().await;
    // It continues where it was, even byte by byte.
    for _ in 0..10 {
        client.say([window_update(0, 1), window_update(1, 1)].concat()).await;
    }
    let is_whole = comes > LONG_BYTES;
    assert_eq!(client.body(1).len(), if is_whole { comes + NEWS.len() } else { comes + 10 });
}

/// (spec: stream.md#large-lines)
#[tokio::test(start_paused = true)]
async fn no_more_of_a_stream_is_produced_than_the_window_allows() {
    check(0, 65_535, 0).await;
    check(1, 65_535, 1).await;
    check(10, 65_535, 10).await;
    check(1 << 20, 65_535, 65_535).await;
    check(100_000, 1 << 20, 100_000).await;
    check(4 << 20, 4 << 20, LONG_BYTES + "{\"connected\":true}\n".len()).await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_waits_for_its_window_does_not_block_others() {
    let scene = Scene::start().await;
    let mut client = Client::connect(&scene.pipes, 4 << 20, &[(INITIAL_WINDOW_SIZE, 1_000)]).await;
    client.say([get(1, "/system/autoupdate"), get(3, "/system/notify"), get(5, "/system/autoupdate")].concat()).await;
    assert_eq!((client.body(1).len(), client.body(5).len()), (1_000, 1_000));
    scene.tell_news();
    client.hear().await;
    assert!(client.body(3).ends_with(NEWS), "{}", client.body(3));
}

/// The client may be asleep or hostile: the stream ends, its connection and other streams go on.
#[tokio::test(start_paused = true)]
async fn a_stream_that_is_not_read_on_is_reset() {
    let scene = Scene::start().await;
    let mut client = Client::connect(&scene.pipes, 4 << 20, &[(INITIAL_WINDOW_SIZE, 1_000)]).await;
    client.say([get(1, "/system/autoupdate"), get(3, "/system/notify")].concat()).await;
    let limit = Duration::from_secs(UNREAD_SECONDS_MAX.into());
    client.hear_for(limit - Duration::from_secs(10)).await;
    assert_eq!(client.reset_code(1), None);
    // A byte now and then does not count as reading.
    client.say(window_update(1, 1)).await;
    client.hear_for(Duration::from_secs(20)).await;
    assert_eq!((client.reset_code(1), client.reset_code(3), client.has_ended), (Some(CANCEL), None, false));
    assert_eq!(scene.world.answering.load(Relaxed), 2, "the other streams are left");
    scene.check_others_are_served().await;
    client.hear().await;
    assert!(client.body(3).ends_with(NEWS));
}
