//! What happens to an HTTP/1.1 stream whose client reads slowly or hardly at all?
//!
//! HTTP/2: `http2/windows.rs`.

use std::sync::atomic::Ordering::Relaxed;

use super::http2::service::{LONG_BYTES, REPLACED_BYTES_MAX, Scene};
use super::*;
use crate::http::limits::UNREAD_SECONDS_MAX;

const LIMIT: Duration = Duration::from_secs(UNREAD_SECONDS_MAX as u64);

/// Opens a stream whose next line is long, over a small pipe, and reads its head.
async fn begin(scene: &Scene) -> DuplexStream {
    let (mut client, server) = tokio::io::duplex(1024);
    scene.pipes.send(Ok(server)).expect("the service runs");
    client.write_all(&get("/system/autoupdate")).await.expect("written");
    read_until(&mut client, "{\"connected\":true}\n").await;
    client
}

/// Reads `bytes` every `step`, for `time` or until the end. Returns how many bytes were read.
async fn sip(client: &mut DuplexStream, bytes: usize, step: Duration, time: Duration) -> usize {
    let begin = Instant::now();
    let mut buffer = vec![0; bytes];
    let mut read = 0;
    while begin.elapsed() < time {
        match client.read(&mut buffer).await {
            Ok(0) | Err(_) => break,
            Ok(count) => read += count,
        }
        sleep(step).await;
    }
    read
}

/// (spec: http.md#slow-readers)
#[tokio::test(start_paused = true)]
async fn a_byte_now_and_then_does_not_keep_a_stream_open() {
    let scene = Scene::start().await;
    let mut client = begin(&scene).await;
    sip(&mut client, 1, Duration::from_secs(10), LIMIT - Duration::from_secs(20)).await;
    assert_eq!(scene.world.answering.load(Relaxed), 2, "the limit is not reached yet");
    sip(&mut client, 1, Duration::from_secs(10), Duration::from_secs(30)).await;
    assert_eq!(scene.world.answering.load(Relaxed), 1);
    scene.check_others_are_served().await;
}

/// The limit applies to short lines as well, and news that arrives meanwhile does not extend it.
#[tokio::test(start_paused = true)]
async fn an_unread_short_line_ends_the_stream_too() {
    let scene = Scene::start().await;
    let (mut client, server) = tokio::io::duplex(8);
    scene.pipes.send(Ok(server)).expect("the service runs");
    client.write_all(&get("/system/notify")).await.expect("written");
    for _ in 0..32 {
        sip(&mut client, 1, Duration::from_secs(10), Duration::from_secs(1)).await;
        scene.check_others_are_served().await;
    }
    assert_eq!(scene.world.answering.load(Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn a_slow_client_that_keeps_reading_gets_everything() {
    let scene = Scene::start().await;
    let mut client = begin(&scene).await;
    // At 5 kB a second, the long line takes most of the allowed time.
    let mut read = 0;
    let begin = Instant::now();
    while read < LONG_BYTES {
        let now = sip(&mut client, 1024, Duration::from_millis(200), Duration::from_millis(100)).await;
        assert!(now > 0, "it ended after {read} bytes and {:?}", begin.elapsed());
        read += now;
    }
    assert!(begin.elapsed() > LIMIT / 2, "{:?}", begin.elapsed());
    // After that there is no time limit.
    let _ = timeout(LIMIT * 3, read_until(&mut client, "never")).await;
    scene.check_others_are_served().await;
    assert_eq!(scene.world.answering.load(Relaxed), 2);
}

/// The version that a line is rendered from stays in memory, with everything that was replaced since.
#[tokio::test(start_paused = true)]
async fn the_client_that_holds_too_much_replaced_data_is_ended_first() {
    let scene = Scene::start().await;
    let slowest = begin(&scene).await;
    sleep(Duration::from_secs(2)).await;
    scene.world.replaced_bytes.store(REPLACED_BYTES_MAX / 2, Relaxed);
    sleep(Duration::from_secs(2)).await;
    let slow = begin(&scene).await;
    scene.world.replaced_bytes.store(REPLACED_BYTES_MAX, Relaxed);
    sleep(Duration::from_secs(2)).await;
    assert_eq!(scene.world.answering.load(Relaxed), 3, "this much is allowed");
    scene.world.replaced_bytes.store(REPLACED_BYTES_MAX + 1, Relaxed);
    sleep(Duration::from_secs(2)).await;
    assert_eq!(scene.world.answering.load(Relaxed), 2, "only the slowest is ended");
    for (mut client, has_ended) in [(slowest, true), (slow, false)] {
        let rest = timeout(Duration::from_secs(1), client.read_to_end(&mut Vec::new())).await;
        assert_eq!(rest.is_ok(), has_ended);
    }
    // A client that waits for news holds nothing.
    scene.check_others_are_served().await;
}
