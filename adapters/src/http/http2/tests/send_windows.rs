//! Does the server send only what the client has room for? (sections 4.2, 5.2 and 6.9)

use super::client::{RawClient, connect_with, start_with_pipe};
use super::heard::Heard;
use super::service::{large, standard};
use super::wire::{FRAME_BYTES_MAX, WINDOW_BYTES, get, kind, setting, settings, window_update};

const WIDE: u32 = 1 << 30;

/// A client whose streams begin with a window of `window`, and whose connection has one without end.
async fn connect_narrow(window: u32) -> RawClient {
    let mut client = connect_with(&[(setting::INITIAL_WINDOW_SIZE, window)], standard).await;
    client.send(window_update(0, WIDE)).await;
    client
}

#[tokio::test(start_paused = true)]
async fn a_response_stops_at_the_window_of_its_stream() {
    let mut client = connect_narrow(20_000).await;
    let mut heard = client.exchange(get(1, "/large")).await;
    assert_eq!((heard.status(1), heard.length(1)), (Some(200), 20_000));
    for (more, expected) in [(1, 20_001), (9_999, 30_000), (100_000, 130_000)] {
        heard.append(client.exchange(window_update(1, more)).await);
        assert_eq!(heard.length(1), expected);
    }
    // A client may say so before it asks for anything else to happen, and in many pieces.
    heard.append(client.exchange(window_update(1, 1).repeat(500)).await);
    assert_eq!(heard.length(1), 130_500);
    heard.append(client.exchange(window_update(1, WIDE)).await);
    heard.check_answered(1, large());
}

#[tokio::test(start_paused = true)]
async fn responses_stop_at_the_window_of_the_connection() {
    let mut client = connect_with(&[(setting::INITIAL_WINDOW_SIZE, WIDE)], standard).await;
    let mut heard = client.exchange([get(1, "/large"), get(3, "/large")].concat()).await;
    let both = |heard: &Heard| heard.length(1) + heard.length(3);
    assert_eq!(both(&heard), WINDOW_BYTES);
    // More room for a stream is none.
    heard.append(client.exchange(window_update(1, 1_000)).await);
    assert_eq!(both(&heard), WINDOW_BYTES);
    heard.append(client.exchange(window_update(0, 1)).await);
    assert_eq!(both(&heard), WINDOW_BYTES + 1);
    heard.append(client.exchange(window_update(0, 50_000)).await);
    assert_eq!(both(&heard), WINDOW_BYTES + 50_001);
    // Fields need no room, and neither do responses without a body.
    let more = client.exchange([get(5, "/empty"), get(7, "/")].concat()).await;
    more.check_answered(5, "");
    assert_eq!((more.status(7), more.length(7)), (Some(200), 0));
    heard.append(more);
    heard.append(client.exchange(window_update(0, WIDE)).await);
    for (stream, body) in [(1, large()), (3, large()), (7, b"ok".to_vec())] {
        heard.check_answered(stream, body);
    }
}

/// The window is a promise of the client; what the server has sent must add up after every change of it (6.9.2).
#[tokio::test(start_paused = true)]
async fn windows_can_become_negative() {
    let mut client = connect_narrow(20_000).await;
    let mut heard = client.exchange(get(1, "/large")).await;
    let initial = |value| settings(&[(setting::INITIAL_WINDOW_SIZE, value)]);
    for (name, bytes, expected) in [
        ("to -15,000", initial(5_000), 20_000),
        ("to -1", window_update(1, 14_999), 20_000),
        ("to 0", window_update(1, 1), 20_000),
        ("to 1", window_update(1, 1), 20_001),
        ("up by 1,000", initial(6_000), 21_001),
        ("down by 6,000, to -6,000", initial(0), 21_001),
        ("up by 6,001 at once", [initial(6_000), window_update(1, 1)].concat(), 21_002),
        ("down and up at once", [initial(0), initial(6_010)].concat(), 21_012),
    ] {
        heard.append(client.exchange(bytes).await);
        assert_eq!(heard.length(1), expected, "{name}");
    }
    // A stream that comes later begins with what holds then.
    assert_eq!(client.exchange(get(3, "/large")).await.length(3), 6_010);
    heard.append(client.exchange(initial(WIDE)).await);
    heard.check_answered(1, large());
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_waits_does_not_keep_others() {
    let mut client = connect_narrow(10).await;
    let heard = client.exchange([get(1, "/large"), get(3, "/"), get(5, "/large"), get(7, "/")].concat()).await;
    heard.check_answered(3, "ok");
    heard.check_answered(7, "ok");
    assert_eq!((heard.length(1), heard.length(5)), (10, 10));
    assert_eq!(client.exchange(window_update(5, 90)).await.length(5), 90);
}

#[tokio::test(start_paused = true)]
async fn responses_without_a_body_need_no_window() {
    let mut client = connect_with(&[(setting::INITIAL_WINDOW_SIZE, 0)], standard).await;
    client.exchange(get(1, "/empty")).await.check_answered(1, "");
}

#[tokio::test(start_paused = true)]
async fn frames_are_as_large_as_the_client_allows() {
    for (told, allowed) in [(None, FRAME_BYTES_MAX), (Some(16_384), 16_384), (Some(40_000), 40_000)] {
        let mut client = connect_narrow(WIDE).await;
        if let Some(told) = told {
            client.exchange(settings(&[(setting::MAX_FRAME_SIZE, told)])).await;
        }
        let heard = client.exchange(get(1, "/large")).await;
        heard.check_answered(1, large());
        let longest = heard.frames.iter().map(|frame| frame.payload.len()).max();
        assert!(longest <= Some(allowed), "{longest:?} where {allowed} are allowed");
        // Much in few frames: half of what every client takes, at least.
        let count = heard.of(kind::DATA, 1).count();
        assert!(count <= large().len() / (FRAME_BYTES_MAX / 2), "{count} frames");
    }
}

/// What is written may be taken in pieces of any size.
#[tokio::test(start_paused = true)]
async fn frames_are_whole_however_they_are_taken() {
    for pipe_bytes in [61, 100, 1_000, 16_393, 40_000] {
        let mut client = start_with_pipe(pipe_bytes, standard);
        client.hello(&[(setting::INITIAL_WINDOW_SIZE, WIDE)]).await;
        client.send(window_update(0, WIDE)).await;
        let heard = client.exchange([get(1, "/large"), get(3, "/large")].concat()).await;
        heard.check_answered(1, large());
        heard.check_answered(3, large());
    }
}

#[tokio::test(start_paused = true)]
async fn a_response_that_just_fits_ends() {
    let mut client = connect_with(&[(setting::INITIAL_WINDOW_SIZE, 2)], standard).await;
    let heard = client.exchange(get(1, "/")).await;
    heard.check_answered(1, "ok");
    assert_eq!(heard.of(kind::DATA, 1).count(), 1);
}
