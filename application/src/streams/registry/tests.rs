//! When is a stream woken for news, for a keep-alive, and for its end?

use domain::projector::{Changes, ProjectorCursor};
use domain::testing::ManualClock;

use super::*;

const KEEP_ALIVE: KeepAliveSettings = KeepAliveSettings { keep_alive_seconds: 2, quiet_line_seconds: 0 };

fn session(key: Option<&str>) -> Session {
    Session { key: key.map(|key| SessionKey(key.to_owned())), ..Session::anonymous() }
}

fn signals(handle: &StreamHandle) -> StreamSignals {
    handle.listen(Waker::noop())
}

#[test]
fn a_silent_stream_is_signalled_to_send_a_keep_alive() {
    let registry = StreamRegistry::new(KEEP_ALIVE, Arc::new(ManualClock::new(0)));
    let handle = registry.enter(&session(None), StreamSubscription::Messages);
    registry.tick();
    assert_eq!(signals(&handle), StreamSignals::default());
    registry.tick();
    assert!(signals(&handle).has(StreamSignals::KEEP_ALIVE) && handle.is_silent());
    handle.sent(18, 18, true);
    registry.tick();
    assert_eq!(signals(&handle), StreamSignals::default());
}

#[test]
fn a_stream_that_was_told_to_end_stays_told() {
    let registry = StreamRegistry::new(KEEP_ALIVE, Arc::new(ManualClock::new(0)));
    let handle = registry.enter(&session(None), StreamSubscription::Messages);
    registry.drain(0, 1);
    assert!(signals(&handle).has(StreamSignals::DRAIN));
    assert!(signals(&handle).has(StreamSignals::DRAIN));
}

#[test]
fn draining_in_parts_reaches_every_stream_once() {
    let registry = StreamRegistry::new(KEEP_ALIVE, Arc::new(ManualClock::new(0)));
    let streams: Vec<_> = (0..10).map(|_| registry.enter(&session(None), StreamSubscription::Messages)).collect();
    let draining = || streams.iter().filter(|stream| signals(stream).has(StreamSignals::DRAIN)).count();
    registry.drain(0, 3);
    assert_eq!(draining(), 4);
    registry.drain(1, 3);
    registry.drain(2, 3);
    assert_eq!(draining(), 10);
}

#[test]
fn streams_that_enter_late_are_ended_too() {
    let registry = StreamRegistry::new(KEEP_ALIVE, Arc::new(ManualClock::new(0)));
    let enter = || registry.enter(&session(None), StreamSubscription::Messages);
    let is_told = |stream: &StreamHandle| signals(stream).has(StreamSignals::DRAIN);
    registry.drain(0, 1);
    let late = enter();
    assert!(!is_told(&late));
    registry.drain_rest();
    assert!(is_told(&late));
    assert!(is_told(&enter()));
}

#[test]
fn only_streams_of_a_session_that_is_gone_are_revoked() {
    let registry = StreamRegistry::new(KEEP_ALIVE, Arc::new(ManualClock::new(0)));
    let (gone, stays, anonymous) = (
        registry.enter(&session(Some("a")), StreamSubscription::Messages),
        registry.enter(&session(Some("b")), StreamSubscription::Messages),
        registry.enter(&session(None), StreamSubscription::Messages),
    );
    assert_eq!(registry.sessions().len(), 2);
    registry.revoke(&[SessionKey("a".to_owned())]);
    assert!(signals(&gone).has(StreamSignals::REVOKED));
    assert!(!signals(&stays).has(StreamSignals::REVOKED) && !signals(&anonymous).has(StreamSignals::REVOKED));
}

#[test]
fn a_stream_that_is_dropped_leaves() {
    let registry = StreamRegistry::new(KEEP_ALIVE, Arc::new(ManualClock::new(0)));
    drop(registry.enter(&session(None), StreamSubscription::Messages));
    assert_eq!(registry.count(), 0);
}

#[test]
fn kinds_of_streams_are_counted_apart() {
    let registry = StreamRegistry::new(KEEP_ALIVE, Arc::new(ManualClock::new(0)));
    let ids = domain::projector::ProjectorIds::parse(Some("1")).expect("a list of ids");
    let shown = registry.enter(&session(None), StreamSubscription::Projectors(ProjectorCursor::new(None, ids)));
    let messages = registry.enter(&session(None), StreamSubscription::Messages);
    drop(registry.enter(&session(None), StreamSubscription::Messages));
    shown.sent(7, 70, false);
    shown.sent(5, 50, true);
    messages.sent(3, 3, true);
    let totals = StreamKind::ALL.map(|kind| registry.totals(kind));
    let totals = totals.map(|totals| (totals.open, totals.lines, totals.bytes, totals.text_bytes));
    assert_eq!(totals, [(0, 0, 0, 0), (1, 1, 12, 120), (1, 1, 3, 3)]);
}

/// The numbers of values up to each bound, in milliseconds, and above all; only those of which there are any.
fn counted(counts: &HistogramCounts) -> Vec<(u64, u64)> {
    let by_bound = counts.by_bound.iter().copied().chain([(u64::MAX, counts.above)]);
    by_bound.filter(|(_, count)| *count > 0).map(|(bound, count)| (bound / 1_000, count)).collect()
}

#[test]
fn clients_wait_for_their_first_line_since_the_request_and_for_changes_since_they_were_written() {
    let clock = ManualClock::new(0);
    clock.advance(Duration::from_secs(100));
    let registry = StreamRegistry::new(KEEP_ALIVE, Arc::new(clock.clone()));
    let waited = Duration::from_millis(30);
    let stream = registry.enter_requested(&session(None), StreamSubscription::Messages, waited);
    let transport = stream.progress();
    let waits = || registry.waits_microseconds(StreamKind::Notify).map(|counts| counted(&counts));
    let written = |milliseconds_ago: u64| clock.monotonic() - Duration::from_millis(milliseconds_ago);

    stream.begins_line();
    stream.sent(1, 1, false);
    transport.caught_up();
    assert_eq!(waits(), [vec![], vec![]], "the line is not complete");
    clock.advance(Duration::from_millis(60));
    stream.sent(1, 1, true);
    transport.caught_up();
    assert_eq!(waits(), [vec![(100, 1)], vec![]], "90 ms since the request");

    stream.begins_line();
    stream.tells_of(written(250));
    stream.sent(1, 1, true);
    // A second line before the first is taken: the older change counts.
    stream.begins_line();
    stream.tells_of(written(1));
    stream.sent(1, 1, true);
    clock.advance(Duration::from_millis(300));
    transport.caught_up();
    transport.caught_up();
    assert_eq!(waits(), [vec![(100, 1)], vec![(1_000, 1)]], "550 ms since it was written");

    // A sign of life tells of nothing.
    stream.begins_line();
    stream.sent(1, 1, true);
    transport.caught_up();
    // The clock of Redis is ahead.
    stream.begins_line();
    stream.tells_of(clock.monotonic() + Duration::from_secs(5));
    stream.sent(1, 1, true);
    transport.caught_up();
    assert_eq!(waits(), [vec![(100, 1)], vec![(1, 1), (1_000, 1)]]);
}

#[track_caller]
fn check_end(end: impl FnOnce(&Arc<StreamRegistry>, &mut StreamHandle), expected: EndReason) {
    let registry = StreamRegistry::new(KEEP_ALIVE, Arc::new(ManualClock::new(0)));
    let mut stream = registry.enter(&session(None), StreamSubscription::Messages);
    end(&registry, &mut stream);
    drop(stream);
    let ended = EndReason::ALL.into_iter().zip(registry.totals(StreamKind::Notify).ended);
    let ended: Vec<_> = ended.filter(|(_, count)| *count > 0).collect();
    assert_eq!(ended, [(expected, 1)]);
}

#[test]
fn streams_are_counted_by_why_they_ended() {
    check_end(|_, _| {}, EndReason::ByClient);
    check_end(|_, stream| stream.ends(EndReason::Length), EndReason::Length);
    // Told, but the client was faster.
    check_end(|registry, _| registry.drain_rest(), EndReason::ByClient);
    let limits = SlowClientLimits { line_seconds: 0, replaced_bytes_max: 0 };
    check_end(|registry, _| assert_eq!(registry.end_slow_streams(limits, 0), 1), EndReason::TooSlow);
}

#[test]
fn streams_that_a_change_does_not_affect_are_counted() {
    use crate::autoupdate::start::start_with_everything;
    use crate::testing::meeting::{publisher, write};
    use domain::ids::ChangeId;
    use domain::restriction::viewer::Viewer;

    let publisher = publisher();
    let published = publisher.published().expect("a meeting");
    let viewer = Viewer::resolve(published.current(), None);
    let started = start_with_everything(&published, Session::anonymous(), viewer, ChangeId(0));
    let registry = StreamRegistry::new(KEEP_ALIVE, Arc::new(ManualClock::new(0)));
    let seen = StreamSubscription::Meeting(Arc::clone(started.cursor.seen_version()));
    let _stream = registry.enter(&session(None), seen);
    let _other = registry.enter(&session(None), StreamSubscription::Messages);
    write(&publisher, ("topics/topic:77", r#"{"id":77,"title":"hidden from anonymous"}"#));
    let news = publisher.published().expect("a meeting");
    let version_diff = news.version_diff(published.current().version()).expect("the version before");
    registry.announce(News { version_diff: Some(&version_diff), projectors: &Changes::default() });
    assert_eq!(registry.suppressed(), 1);
}

/// Checks whether a stream is given up this many seconds after it sent the first part of a line, depending on whether
/// the client has taken that part, and whether it completed the line.
#[track_caller]
fn check_given_up(seconds: usize, is_taken: bool, is_complete: bool, expected: bool) {
    let registry = StreamRegistry::new(KEEP_ALIVE, Arc::new(ManualClock::new(0)));
    let stream = registry.enter(&session(None), StreamSubscription::Messages);
    stream.begins_line();
    stream.sent(1, 1, is_complete);
    if is_taken {
        stream.progress().caught_up();
    }
    let slow_client_limits = SlowClientLimits { line_seconds: 10, replaced_bytes_max: u64::MAX };
    let mut ended = 0;
    for _ in 0..seconds {
        registry.tick();
        ended += registry.end_slow_streams(slow_client_limits, 0);
    }
    let is_given_up = stream.progress().poll_given_up(&Context::from_waker(Waker::noop())).is_ready();
    let found = (is_given_up, ended);
    assert_eq!(found, (expected, usize::from(expected)), "{seconds} s, taken: {is_taken}, complete: {is_complete}");
}

#[test]
fn a_stream_whose_client_stops_reading_is_given_up_once() {
    for is_complete in [false, true] {
        check_given_up(9, false, is_complete, false);
        check_given_up(15, false, is_complete, true);
    }
    check_given_up(15, true, true, false);
    // The stream only yielded.
    check_given_up(15, true, false, true);
}

#[test]
fn each_line_has_its_own_time() {
    let registry = StreamRegistry::new(KEEP_ALIVE, Arc::new(ManualClock::new(0)));
    let stream = registry.enter(&session(None), StreamSubscription::Messages);
    let slow_client_limits = SlowClientLimits { line_seconds: 10, replaced_bytes_max: u64::MAX };
    for _ in 0..5 {
        stream.begins_line();
        stream.sent(1, 1, true);
        let ended: usize =
            (0..8).map(|_| registry.tick()).map(|()| registry.end_slow_streams(slow_client_limits, 0)).sum();
        assert_eq!(ended, 0);
    }
}

#[test]
fn quiet_lines_are_spread_around_their_time() {
    let waits: Vec<u32> = (0..100).map(|id| jittered(240, id)).collect();
    assert!(waits.iter().all(|wait| (180..=300).contains(wait)), "{waits:?}");
    assert!(waits.iter().collect::<std::collections::BTreeSet<_>>().len() > 20);
}
