//! Is it known when a change was written, and since when the meeting is not known to be that of the store?

use super::*;

/// Returns the message of a change that the bus says was appended at this Unix time.
fn message(change_id: u64, appended_at: Option<Duration>) -> BusMessage {
    let content =
        format!("{{\"elements\":{{\"topics/topic:1\":{{\"id\":1,\"n\":{change_id}}}}},\"change_id\":{change_id}}}");
    BusMessage { position: Position::from_numbers([change_id, 0]), content: content.into_bytes(), appended_at }
}

#[tokio::test]
async fn the_time_since_a_change_was_written_is_kept_with_the_version() {
    let (_server, ingest) = loaded().await;
    let clock = ManualClock::new(1_000);
    clock.advance(Duration::from_secs(60));
    let now = clock.unix_time();
    let ingest = Ingest { clock: Arc::new(clock), ..ingest };
    let from = ingest.current().version();
    let written = || {
        let published = ingest.publisher.published().expect("a meeting");
        let current = published.current().version();
        published.history().written_after(domain::meeting::Version(current.0 - 1))
    };
    let seconds = Duration::from_secs;
    assert!(ingest.apply_messages(vec![message(11, Some(now - seconds(7)))]).await);
    assert_eq!(written(), Some(seconds(53)), "by the monotonic clock");
    assert!(ingest.apply_messages(vec![message(12, Some(now + seconds(7)))]).await);
    assert_eq!(written(), Some(seconds(60)), "the clock of the bus is ahead");
    assert!(ingest.apply_messages(vec![message(13, None)]).await);
    assert_eq!(written(), None, "the bus does not say");

    // A client that lacks all of them has waited since the first.
    let published = ingest.publisher.published().expect("a meeting");
    assert_eq!(published.version_diff(from).expect("it is kept").written_at(), Some(seconds(53)));
}

#[tokio::test]
async fn the_meeting_is_confirmed_by_every_comparison_that_succeeds() {
    let (server, ingest) = loaded().await;
    let clock = ManualClock::new(0);
    clock.advance(Duration::from_secs(100));
    let ingest = Ingest { clock: Arc::new(clock.clone()), ..ingest };
    let unconfirmed = || ingest.counters.unconfirmed_for(clock.monotonic()).as_secs();
    let mut state = ReconcileState::default();
    assert_eq!(unconfirmed(), 100, "since it was loaded");
    ingest.reconcile(Position::START, &mut state).await;
    assert_eq!(unconfirmed(), 0);

    clock.advance(Duration::from_secs(5));
    server.set_failing(Some("away"));
    ingest.reconcile(Position::START, &mut state).await;
    assert_eq!(unconfirmed(), 5);
    server.set_failing(None);
    ingest.catch_up(CatchUpCause::Client, Some(Position::START)).await.expect("the store answers");
    assert_eq!(unconfirmed(), 0, "also by a client that asks");

    // An older state confirms nothing, until it is believed.
    server.write(&[("topics/topic:1", None)]);
    ingest.catch_up(CatchUpCause::Gap, Some(Position::START)).await.expect("the store answers");
    clock.advance(Duration::from_secs(3));
    server.rebuild(ChangeId(10), MEETING);
    ingest.catch_up(CatchUpCause::Client, Some(Position::START)).await.expect("the store answers");
    ingest.reconcile(Position::START, &mut state).await;
    assert_eq!(unconfirmed(), 3);
    ingest.reconcile(Position::START, &mut state).await;
    assert_eq!(unconfirmed(), 0);
    let catch_ups = CatchUpCause::ALL.map(|cause| ingest.counters.catch_ups(cause));
    assert_eq!(catch_ups, [1, 0, 0], "only those that brought something count");
}
