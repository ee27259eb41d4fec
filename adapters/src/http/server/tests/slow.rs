//! What becomes of a stream over HTTP/1.1 whose client reads on too slowly, or hardly at all?
//!
//! HTTP/2: `http2/windows.rs`.

use std::sync::atomic::Ordering::Relaxed;

use super::http2::service::{LONG_BYTES, REPLACED_BYTES_MAX, Scene};
use super::*;
use crate::http::limits::UNREAD_SECONDS_MAX;

const LIMIT: Duration = Duration::from_secs(UNREAD_SECONDS_MAX as u64);

/// A client that has the head of a stream of which a long line comes next, over a pipe that holds little.
async fn begin(scene: &Scene) -> DuplexStream {
    let (mut client, server) = tokio::io::duplex(1024);
    scene.pipes.send(Ok(server)).expect("the service runs");
    client.write_all(&get("/system/autoupdate")).await.expect("written");
    read_until(&mut client, "{\"connected\":true}\n").await;
    client
}

/// Reads `bytes` at each step until the end, or for `time`; how much came.
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

#[tokio::test(start_paused = true)]
async fn a_byte_now_and_then_keeps_no_line_alive() {
    let scene = Scene::start().await;
    let mut client = begin(&scene).await;
    sip(&mut client, 1, Duration::from_secs(10), LIMIT - Duration::from_secs(20)).await;
    assert_eq!(scene.world.answering.load(Relaxed), 2, "it has so long");
    sip(&mut client, 1, Duration::from_secs(10), Duration::from_secs(30)).await;
    assert_eq!(scene.world.answering.load(Relaxed), 1);
    scene.check_others_are_served().await;
}

/// However long the line is that waits behind it, and whatever comes meanwhile.
#[tokio::test(start_paused = true)]
async fn a_short_line_that_is_not_read_ends_the_stream_too() {
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
async fn a_slow_client_that_reads_on_gets_everything() {
    let scene = Scene::start().await;
    let mut client = begin(&scene).await;
    // 5 kB a second: the long line takes most of the time that it may.
    let mut read = 0;
    let begin = Instant::now();
    while read < LONG_BYTES {
        let now = sip(&mut client, 1024, Duration::from_millis(200), Duration::from_millis(100)).await;
        assert!(now > 0, "it ended after {read} bytes and {:?}", begin.elapsed());
        read += now;
    }
    assert!(begin.elapsed() > LIMIT / 2, "{:?}", begin.elapsed());
    // And then it has all the time in the world.
    let _ = timeout(LIMIT * 3, read_until(&mut client, "never")).await;
    scene.check_others_are_served().await;
    assert_eq!(scene.world.answering.load(Relaxed), 2);
}

/// The version that a line is made of stays in memory, with all that was replaced since.
#[tokio::test(start_paused = true)]
async fn who_holds_too_much_of_what_was_replaced_is_ended_first() {
    let scene = Scene::start().await;
    let slowest = begin(&scene).await;
    sleep(Duration::from_secs(2)).await;
    scene.world.replaced_bytes.store(REPLACED_BYTES_MAX / 2, Relaxed);
    sleep(Duration::from_secs(2)).await;
    let slow = begin(&scene).await;
    scene.world.replaced_bytes.store(REPLACED_BYTES_MAX, Relaxed);
    sleep(Duration::from_secs(2)).await;
    assert_eq!(scene.world.answering.load(Relaxed), 3, "as much is allowed");
    scene.world.replaced_bytes.store(REPLACED_BYTES_MAX + 1, Relaxed);
    sleep(Duration::from_secs(2)).await;
    assert_eq!(scene.world.answering.load(Relaxed), 2, "only the slowest is ended");
    for (mut client, has_ended) in [(slowest, true), (slow, false)] {
        let rest = timeout(Duration::from_secs(1), client.read_to_end(&mut Vec::new())).await;
        assert_eq!(rest.is_ok(), has_ended);
    }
    // Who waits for news holds nothing.
    scene.check_others_are_served().await;
}
