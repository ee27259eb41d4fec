//! When is a stream told of news, of its end, and of the time?

use super::*;

const RHYTHM: Rhythm = Rhythm { keep_alive_seconds: 2, quiet_line_seconds: 0 };

fn session(key: Option<&str>) -> Session {
    Session { key: key.map(|key| SessionKey(key.to_owned())), ..Session::anonymous() }
}

fn signals(connection: &Connection) -> Signals {
    connection.listen(Waker::noop())
}

#[test]
fn a_silent_stream_is_told_to_send_a_keep_alive() {
    let connections = Connections::new(RHYTHM);
    let connection = connections.enter(&session(None), Interest::Messages);
    connections.tick();
    assert_eq!(signals(&connection), Signals::default());
    connections.tick();
    assert!(signals(&connection).has(Signals::KEEP_ALIVE) && connection.is_silent());
    connection.sent(18, true);
    connections.tick();
    assert_eq!(signals(&connection), Signals::default());
}

#[test]
fn a_stream_that_was_told_to_end_stays_told() {
    let connections = Connections::new(RHYTHM);
    let connection = connections.enter(&session(None), Interest::Messages);
    connections.drain(0, 1);
    assert!(signals(&connection).has(Signals::DRAIN));
    assert!(signals(&connection).has(Signals::DRAIN));
}

#[test]
fn draining_in_parts_reaches_every_stream_once() {
    let connections = Connections::new(RHYTHM);
    let streams: Vec<_> = (0..10).map(|_| connections.enter(&session(None), Interest::Messages)).collect();
    let told = || streams.iter().filter(|stream| signals(stream).has(Signals::DRAIN)).count();
    connections.drain(0, 3);
    assert_eq!(told(), 4);
    connections.drain(1, 3);
    connections.drain(2, 3);
    assert_eq!(told(), 10);
}

#[test]
fn nobody_who_enters_late_is_forgotten() {
    let connections = Connections::new(RHYTHM);
    let enter = || connections.enter(&session(None), Interest::Messages);
    let is_told = |stream: &Connection| signals(stream).has(Signals::DRAIN);
    connections.drain(0, 1);
    let late = enter();
    assert!(!is_told(&late));
    connections.drain_rest();
    assert!(is_told(&late));
    assert!(is_told(&enter()));
}

#[test]
fn only_streams_of_a_session_that_is_gone_are_revoked() {
    let connections = Connections::new(RHYTHM);
    let (gone, stays, anonymous) = (
        connections.enter(&session(Some("a")), Interest::Messages),
        connections.enter(&session(Some("b")), Interest::Messages),
        connections.enter(&session(None), Interest::Messages),
    );
    assert_eq!(connections.sessions().len(), 2);
    connections.revoke(&[SessionKey("a".to_owned())]);
    assert!(signals(&gone).has(Signals::REVOKED));
    assert!(!signals(&stays).has(Signals::REVOKED) && !signals(&anonymous).has(Signals::REVOKED));
}

#[test]
fn a_stream_that_is_dropped_leaves() {
    let connections = Connections::new(RHYTHM);
    drop(connections.enter(&session(None), Interest::Messages));
    assert_eq!(connections.count(), 0);
}

#[test]
fn kinds_of_streams_are_counted_apart() {
    let connections = Connections::new(RHYTHM);
    let ids = domain::projector::ProjectorIds::parse(Some("1")).expect("a list of ids");
    let shown = connections.enter(&session(None), Interest::Projectors(ProjectorCursor::new(None, ids)));
    let messages = connections.enter(&session(None), Interest::Messages);
    drop(connections.enter(&session(None), Interest::Messages));
    shown.sent(7, false);
    shown.sent(5, true);
    messages.sent(3, true);
    let totals = StreamKind::ALL.map(|kind| connections.totals(kind));
    let expected = [(0, 0, 0), (1, 1, 12), (1, 1, 3)];
    assert_eq!(totals, expected.map(|(open, lines, bytes)| StreamTotals { open, lines, bytes }));
}

/// Whether the stream is given up after so many seconds since it sent the first part of a line, while the client took
/// what there was or not, and the line was complete with it or not.
#[track_caller]
fn check_given_up(seconds: usize, is_taken: bool, is_complete: bool, expected: bool) {
    let connections = Connections::new(RHYTHM);
    let stream = connections.enter(&session(None), Interest::Messages);
    stream.begins_line();
    stream.sent(1, is_complete);
    if is_taken {
        stream.pace().caught_up();
    }
    let patience = Patience { line_seconds: 10, replaced_bytes_max: u64::MAX };
    let mut ended = 0;
    for _ in 0..seconds {
        connections.tick();
        ended += connections.give_up(patience, 0);
    }
    let is_given_up = stream.pace().poll_given_up(&Context::from_waker(Waker::noop())).is_ready();
    let told = (is_given_up, ended);
    assert_eq!(told, (expected, usize::from(expected)), "{seconds} s, taken: {is_taken}, complete: {is_complete}");
}

#[test]
fn a_stream_whose_client_does_not_read_on_is_given_up_once() {
    for is_complete in [false, true] {
        check_given_up(9, false, is_complete, false);
        check_given_up(15, false, is_complete, true);
    }
    check_given_up(15, true, true, false);
    // It only let others have their turn.
    check_given_up(15, true, false, true);
}

#[test]
fn each_line_has_its_own_time() {
    let connections = Connections::new(RHYTHM);
    let stream = connections.enter(&session(None), Interest::Messages);
    let patience = Patience { line_seconds: 10, replaced_bytes_max: u64::MAX };
    for _ in 0..5 {
        stream.begins_line();
        stream.sent(1, true);
        let ended: usize = (0..8).map(|_| connections.tick()).map(|()| connections.give_up(patience, 0)).sum();
        assert_eq!(ended, 0);
    }
}

#[test]
fn quiet_lines_are_spread_around_their_time() {
    let waits: Vec<u32> = (0..100).map(|id| jittered(240, id)).collect();
    assert!(waits.iter().all(|wait| (180..=300).contains(wait)), "{waits:?}");
    assert!(waits.iter().collect::<std::collections::BTreeSet<_>>().len() > 20);
}
