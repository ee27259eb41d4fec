//! How does a connection end, when it is idle and when the service stops?

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use super::client::Client;
use super::frames::*;
use super::service::{NEWS, Scene};
use crate::http::limits::Limits;

/// As with HTTP/1.1: later than proxies close theirs, but eventually, even if the client answers every PING.
/// (spec: http.md#connection-limits)
#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_ended_after_a_while() {
    let unused = Limits::default().unused;
    let scene = Scene::start().await;
    let mut client = scene.client().await;
    client.say(get(1, "/system/health")).await;
    client.hear_for(unused - Duration::from_secs(5)).await;
    assert_eq!((client.has_ended, client.goaway_code()), (false, None));
    client.hear_for(Duration::from_secs(10)).await;
    assert_eq!((client.has_ended, client.goaway_code()), (true, Some(0)));
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_kept_as_long_as_a_stream_is_open() {
    let unused = Limits::default().unused;
    let scene = Scene::start().await;
    let mut client = scene.client().await;
    client.say(get(1, "/system/notify")).await;
    client.hear_for(unused * 3).await;
    assert_eq!((client.has_ended, client.goaway_code(), client.reset_code(1)), (false, None, None));
    // The time counts from the end of the last stream.
    client.say(reset(1)).await;
    client.hear_for(unused - Duration::from_secs(5)).await;
    assert!(!client.has_ended);
    client.hear_for(Duration::from_secs(10)).await;
    assert!(client.has_ended);
}

/// A client that does not answer PINGs counts as gone, even with open streams.
#[tokio::test(start_paused = true)]
async fn a_client_that_vanished_is_noticed() {
    let limits = Limits::default();
    let scene = Scene::start().await;
    let mut client = scene.client().await;
    client.say(get(1, "/system/notify")).await;
    tokio::time::sleep(limits.ping_interval + limits.ping_timeout + Duration::from_secs(1)).await;
    client.hear().await;
    assert!(client.has_ended);
    drop(client);
    scene.check_others_are_served().await;
    assert_eq!(scene.world.answering.load(Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn when_the_service_stops_clients_get_a_goaway_and_streams_end_in_order() {
    let scene = Scene::start().await;
    let mut client = scene.client().await;
    let mut unused = scene.client().await;
    client.say([get(1, "/system/notify"), post(3, "/system/notify/send")].concat()).await;
    scene.running.trigger.begin();
    client.hear().await;
    unused.hear().await;
    assert_eq!((client.has_ended, client.goaway_code()), (false, Some(0)), "running requests may finish");
    assert_eq!((unused.has_ended, unused.goaway_code()), (true, Some(0)));
    scene.tell_news();
    client.say(frame(DATA, END_STREAM, 3, "late")).await;
    assert_eq!((client.body(3).as_str(), client.has_ended), ("4", false));
    scene.streams.drain_rest();
    client.hear().await;
    assert!(client.body(1).ends_with(NEWS) && client.is_finished(1), "{}", client.body(1));
    assert!(client.has_ended);
}

/// A request that was in transit when the service began to stop is still answered.
#[tokio::test(start_paused = true)]
async fn a_request_in_transit_at_the_stop_is_answered() {
    let scene = Scene::start().await;
    let mut client = Client::connect(&scene.pipes, 1024, &[]).await;
    scene.running.trigger.begin();
    client.say(get(1, "/system/health")).await;
    assert_eq!((client.status(1), client.is_finished(1)), (Some(200), true));
    assert!(client.has_ended);
}
