//! How does a connection end when the service stops, or the client wants it? (section 6.8)

use super::client::{connect, start, start_with_pipe};
use super::heard::{Frame, Heard, Outcome};
use super::service::{Producers, endless_service, standard};
use super::wire::{
    PREFACE, code::NO_ERROR, code::PROTOCOL_ERROR, data, flag, frame, get, kind, post, reset, setting, settings,
    window_update,
};

/// The last GOAWAY: the highest stream that is going to be answered.
fn last_stream(heard: &Heard) -> Option<u32> {
    last_streams(heard).last().copied()
}

/// The same of every GOAWAY.
fn last_streams(heard: &Heard) -> Vec<u32> {
    let first = |payload: &[u8]| payload.first_chunk().map(|bytes| u32::from_be_bytes(*bytes));
    heard.of(kind::GOAWAY, 0).filter_map(|frame| first(&frame.payload)).collect()
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_ends_at_once() {
    for requests in 0..3 {
        let mut client = connect(standard).await;
        for index in 0..requests {
            client.exchange(get(index * 2 + 1, "/")).await.check_answered(index * 2 + 1, "ok");
        }
        client.server.drain();
        let heard = client.settle().await;
        assert_eq!(heard.outcome(1), Outcome::Connection(NO_ERROR), "after {requests} requests: {heard:?}");
        assert!(client.server.has_ended());
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_under_way_goes_on_to_its_end() {
    let producers = Producers::default();
    let mut client = connect(producers.service()).await;
    client.exchange([get(1, "/stream/1"), post(3, "/echo"), data(3, flag::NONE, "be")].concat()).await;
    let sender = producers.take("/stream/1");
    client.server.drain();
    let mut heard = client.settle().await;
    assert_eq!((heard.goaway(), heard.has_ended), (Some(NO_ERROR), false), "{heard:?}");
    assert!(last_stream(&heard) >= Some(3), "{heard:?}");
    for part in ["one", "two"] {
        sender.send(Ok(part.into())).expect("it goes on");
        assert_eq!(client.settle().await.body(1), part.as_bytes());
    }
    heard.append(client.exchange(data(3, flag::END_STREAM, "gun")).await);
    heard.check_answered(3, "begun");
    assert!(!heard.has_ended && !client.server.has_ended());
    sender.send(Ok("last".into())).expect("it goes on");
    drop(sender);
    let heard = client.settle().await;
    assert_eq!((heard.body(1), heard.is_finished(1), heard.reset(1)), (b"last".to_vec(), true, None));
    assert_eq!((heard.has_ended, heard.goaway().unwrap_or(NO_ERROR)), (true, NO_ERROR), "{heard:?}");
    // What the client says while it reads the last of it must be read, or the system throws away what it has not got yet.
    assert!(!client.server.has_ended());
    client.send(window_update(0, 1)).await;
    client.leave().await;
}

#[tokio::test(start_paused = true)]
async fn what_comes_after_is_not_answered() {
    let producers = Producers::default();
    let mut client = connect(producers.service()).await;
    client.exchange(get(1, "/stream/1")).await;
    let sender = producers.take("/stream/1");
    client.server.drain();
    let heard = client.settle().await;
    assert_eq!(last_stream(&heard), Some(1));
    let mut heard = client.exchange([get(3, "/"), post(5, "/echo"), data(5, flag::END_STREAM, "x")].concat()).await;
    assert_eq!((heard.status(3), heard.status(5), client.server.calls()), (None, None, 1));
    assert!(!heard.has_ended, "{heard:?}");
    sender.send(Ok("part".into())).expect("it goes on");
    drop(sender);
    heard.append(client.settle().await);
    assert_eq!((heard.body(1), heard.is_finished(1), heard.has_ended), (b"part".to_vec(), true, true));
}

/// What is not answered still spends the window of the connection, and gives it back (6.8).
#[tokio::test(start_paused = true)]
async fn what_is_not_answered_leaves_room_for_what_is() {
    let mut client = connect(standard).await;
    client.exchange(post(1, "/echo")).await;
    client.server.drain();
    client.settle().await;
    for stream in [3, 5, 7, 9, 11, 13] {
        client.send(post(stream, "/echo")).await;
        assert!(client.window(0) >= 16_000, "nothing left for stream {stream}");
        client.send_data(stream, flag::NONE, &[b'x'; 16_000]).await;
        client.settle().await;
    }
    let body = vec![b'y'; 60_000];
    let heard = client.upload(1, &body).await;
    heard.check_answered(1, &body);
    assert!(heard.has_ended, "{:?}", heard.goaway());
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_begins_too_late_ends() {
    let mut client = start(standard);
    client.server.drain();
    let heard = client.exchange([PREFACE, &settings(&[])].concat()).await;
    assert!(heard.has_ended, "{heard:?}");
    assert_eq!(heard.goaway().unwrap_or(NO_ERROR), NO_ERROR);
    assert!(client.server.has_ended());
}

/// A client that says GOAWAY still wants what it has asked for.
#[tokio::test(start_paused = true)]
async fn a_client_that_says_goodbye_is_answered() {
    let producers = Producers::default();
    let mut client = connect(producers.service()).await;
    client.exchange([get(1, "/stream/1"), get(3, "/wait")].concat()).await;
    let sender = producers.take("/stream/1");
    // With a text for those who look for mistakes.
    let goaway = [&[0; 8], &b"bye"[..]].concat();
    let heard = client.exchange(frame(kind::GOAWAY, flag::NONE, 0, goaway)).await;
    assert!(!heard.has_ended, "{heard:?}");
    sender.send(Ok("part".into())).expect("it goes on");
    assert_eq!(client.settle().await.body(1), b"part");
    client.exchange(reset(3, NO_ERROR)).await;
    drop(sender);
    assert!(client.settle().await.is_finished(1));
    client.leave().await;
}

/// A request may be on its way just when the draining begins: its client has to hear of that as well.
#[tokio::test(start_paused = true)]
async fn who_asks_in_that_moment_hears_of_it() {
    let producers = Producers::default();
    let mut client = connect(producers.service()).await;
    client.send(get(1, "/stream/1")).await;
    client.server.drain();
    let heard = client.settle().await;
    assert_eq!((heard.status(1), heard.goaway(), heard.has_ended), (Some(200), Some(NO_ERROR), false), "{heard:?}");
    let heard = client.exchange(get(3, "/")).await;
    assert_eq!((heard.status(3), client.server.calls()), (None, 1));
    drop(producers.take("/stream/1"));
    let heard = client.settle().await;
    assert!(heard.is_finished(1) && heard.has_ended, "{heard:?}");
}

/// 6.8: what a client asks before it can know of the draining is answered.
#[tokio::test(start_paused = true)]
async fn what_is_on_its_way_is_answered() {
    let mut client = connect(standard).await;
    client.exchange(get(1, "/wait")).await;
    client.server.drain();
    tokio::task::yield_now().await;
    // Also if it answers a PING that was not the one which asks whether it knows.
    client.send([frame(kind::PING, flag::ACK, 0, [7; 8]), get(3, "/")].concat()).await;
    tokio::task::yield_now().await;
    let heard = client.settle().await;
    heard.check_answered(3, "ok");
    assert_eq!(last_streams(&heard), [(1 << 31) - 1, 3]);
    assert_eq!(client.exchange(get(5, "/")).await.status(5), None);
}

/// A client has a moment to hear why the connection ends, and not more. What it had asked for is over at once.
#[tokio::test(start_paused = true)]
async fn who_breaks_the_protocol_is_told_and_left() {
    for pipe_bytes in [64 * 1024, 1_000] {
        let mut client = start_with_pipe(pipe_bytes, standard);
        client.hello(&[(setting::INITIAL_WINDOW_SIZE, 1 << 20)]).await;
        client.send([get(1, "/wait"), get(3, "/large")].concat()).await;
        tokio::task::yield_now().await;
        assert_eq!(client.server.living(), 1);
        client.send(get(2, "/")).await;
        tokio::time::sleep(std::time::Duration::from_millis(900)).await;
        assert_eq!((client.server.living(), client.server.has_ended()), (0, false), "pipe of {pipe_bytes}");
        if pipe_bytes > 1_000 {
            assert_eq!(client.settle().await.outcome(2), Outcome::Connection(PROTOCOL_ERROR));
            assert!(!client.server.has_ended(), "what it still says is read");
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        assert!(client.server.has_ended(), "pipe of {pipe_bytes}");
    }
}

/// Who goes away without reading is not waited for.
#[tokio::test(start_paused = true)]
async fn who_sends_no_more_is_left_at_once() {
    let mut client = start_with_pipe(1_000, endless_service(&std::sync::Arc::default()));
    client.hello(&[(setting::INITIAL_WINDOW_SIZE, 1 << 30)]).await;
    client.send([window_update(0, 1 << 30), get(1, "/endless")].concat()).await;
    tokio::task::yield_now().await;
    client.close_half().await;
    tokio::task::yield_now().await;
    assert!(client.server.has_ended());
}

/// A request whose response is complete does not keep the connection, whether the response was before the draining or after.
#[tokio::test(start_paused = true)]
async fn the_rest_of_a_request_is_not_waited_for() {
    let mut client = connect(standard).await;
    client.exchange([post(1, "/"), get(3, "/wait")].concat()).await.check_answered(1, "ok");
    client.server.drain();
    tokio::task::yield_now().await;
    let mut heard = client.exchange(post(5, "/")).await;
    heard.check_answered(5, "ok");
    let resets = [1, 5].map(|stream| heard.of(kind::RST_STREAM, stream).map(Frame::number).collect::<Vec<_>>());
    assert_eq!(resets, [[NO_ERROR], [NO_ERROR]], "{heard:?}");
    assert!(!heard.has_ended);
    heard.append(client.exchange(reset(3, NO_ERROR)).await);
    assert!(heard.has_ended, "{heard:?}");
}
