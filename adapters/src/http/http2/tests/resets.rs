//! Is what nobody waits for given up at once? (sections 5.4.2 and 6.4)

use super::client::{connect, connect_with};
use super::heard::Outcome::Fine;
use super::service::Producers;
use super::wire::{WINDOW_BYTES, code, data, flag, get, post, reset, setting, settings, window_update};

#[tokio::test(start_paused = true)]
async fn a_reset_drops_the_response() {
    let producers = Producers::default();
    let mut client = connect(producers.service()).await;
    let paths = ["/stream/quiet", "/stream/sending", "/stream/goes-on"];
    client.exchange([get(1, paths[0]), get(3, paths[1]), get(5, paths[2])].concat()).await;
    let [quiet, sending, goes_on] = paths.map(|path| producers.take(path));
    // More than the window takes, so that some of it waits.
    sending.send(Ok(vec![b'x'; 200_000].into())).expect("somebody listens");
    client.settle().await;
    assert!(!quiet.is_closed() && !sending.is_closed());
    let heard = client.exchange([reset(1, code::CANCEL), reset(3, code::CANCEL)].concat()).await;
    assert!(heard.frames.iter().all(|frame| frame.stream == 0), "nobody wants to hear of them: {heard:?}");
    assert!(quiet.is_closed() && sending.is_closed() && !goes_on.is_closed());
    client.send(window_update(0, 1_000)).await;
    goes_on.send(Ok("part".into())).expect("somebody listens");
    assert_eq!(client.settle().await.body(5), b"part");
}

#[tokio::test(start_paused = true)]
async fn a_reset_drops_what_has_no_response_yet() {
    let producers = Producers::default();
    let mut client = connect(producers.service()).await;
    let unread = [post(3, "/wait"), data(3, flag::NONE, "unread")].concat();
    let reading = [post(5, "/echo"), data(5, flag::NONE, "half")].concat();
    client.exchange([get(1, "/wait"), unread, reading, get(7, "/wait")].concat()).await;
    assert_eq!(client.server.living(), 4);
    for (stream, living) in [(1, 3), (3, 2)] {
        client.exchange(reset(stream, code::CANCEL)).await;
        assert_eq!(client.server.living(), living, "after stream {stream}");
    }
    // Here the service may see that the body breaks off, and answer nobody.
    let heard = client.exchange(reset(5, 0xABCD)).await;
    assert_eq!((client.server.living(), heard.outcome(5), heard.status(5)), (1, Fine, None));
    assert_eq!(client.exchange(get(9, "/")).await.outcome(9), Fine);
    assert_eq!(client.leave().await.living(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_drops_everything() {
    for is_half in [false, true] {
        let producers = Producers::default();
        let mut client = connect(producers.service()).await;
        client.exchange([get(1, "/stream/1"), get(3, "/stream/3"), get(5, "/wait"), post(7, "/echo")].concat()).await;
        let [quiet, sending] = ["/stream/1", "/stream/3"].map(|path| producers.take(path));
        sending.send(Ok(vec![b'x'; 200_000].into())).expect("somebody listens");
        client.settle().await;
        assert_eq!(client.server.living(), 2);
        if is_half {
            // A client of HTTP/2 that sends no more could not even make room.
            client.close_half().await;
            assert!(client.settle().await.has_ended);
        }
        let server = client.leave().await;
        assert!(quiet.is_closed() && sending.is_closed() && server.living() == 0, "half: {is_half}");
    }
}

/// What was to be sent on a stream that was reset leaves its part of the connection's window to others.
#[tokio::test(start_paused = true)]
async fn a_reset_gives_back_what_was_not_sent() {
    let producers = Producers::default();
    let mut client = connect_with(&[(setting::INITIAL_WINDOW_SIZE, 10)], producers.service()).await;
    let heard = client.exchange([get(1, "/large"), get(3, "/large")].concat()).await;
    assert_eq!((heard.length(1), heard.length(3)), (10, 10));
    client.exchange([reset(1, code::CANCEL), reset(3, code::CANCEL)].concat()).await;
    client.exchange(settings(&[(setting::INITIAL_WINDOW_SIZE, 1 << 20)])).await;
    assert_eq!(client.exchange(get(5, "/large")).await.length(5), WINDOW_BYTES - 20);
}
