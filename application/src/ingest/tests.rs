//! Does the meeting follow the store, whatever the stream says?

mod measuring;
mod unreliable;

use std::sync::atomic::{AtomicU64, Ordering};

use crate::publishing::publisher::RenderCacheLimit;
use adapters::memory::{MemoryElementStore, MemoryMessageBus, MemoryServer};
use domain::ids::ChangeId;
use domain::meeting::history::HistoryLimits;
use domain::ports::element_store::{KeysChanged, Loss, MockElementStore};
use domain::ports::message_bus::MockMessageBus;
use domain::testing::ManualClock;

use super::*;
use crate::testing::loops::JumpingClock;

const MEETING: [(&str, &str); 2] =
    [("topics/topic:1", "{\"id\":1}"), ("core/config:1", "{\"id\":1,\"key\":\"k\",\"value\":1}")];

struct Nobody;

impl Observer for Nobody {
    fn published(&self) {}
    fn waiting(&self, _: &str) {}
}

fn ingest(server: &MemoryServer, bus: MockMessageBus) -> Ingest {
    Ingest {
        store: Arc::new(MemoryElementStore::new(server)),
        bus: Arc::new(bus),
        publisher: Arc::new(MeetingPublisher::new(HistoryLimits::default(), RenderCacheLimit::Automatic)),
        clock: JumpingClock::new(0),
        reconcile_interval: Duration::from_secs(1),
        observer: Arc::new(Nobody),
        requests: IngestHandle::new("the store").1,
        counters: Arc::default(),
    }
}

/// Returns a server with a meeting, and an ingest loop that has loaded it.
async fn loaded() -> (MemoryServer, Ingest) {
    let server = MemoryServer::new();
    server.rebuild(ChangeId(10), MEETING);
    let mut bus = MockMessageBus::new();
    bus.expect_last_position().returning(|_| Ok(Position::START));
    let ingest = ingest(&server, bus);
    ingest.load().await.expect("a meeting");
    (server, ingest)
}

/// (spec: stream.md#history)
#[tokio::test]
async fn past_versions_are_forgotten_though_nothing_changes() {
    let server = MemoryServer::new();
    server.rebuild(ChangeId(10), MEETING);
    let clock = ManualClock::new(0);
    let ingest = Ingest {
        bus: Arc::new(MemoryMessageBus::new(&server)),
        clock: Arc::new(clock.clone()),
        ..ingest(&server, MockMessageBus::new())
    };
    ingest.load().await.expect("a meeting");
    server.change(&[("topics/topic:1", Some("{\"id\":1,\"title\":\"x\"}"))]);
    ingest.catch_up(CatchUpCause::Gap, Some(Position::START)).await.expect("the store answers");
    let publisher = Arc::clone(&ingest.publisher);
    let versions = || publisher.published().expect("a meeting").history().size().0;
    assert_eq!(versions(), 2);
    let following = tokio::spawn(ingest.run());
    while versions() > 1 {
        tokio::task::yield_now().await;
        clock.advance(HistoryLimits::default().age_max);
    }
    following.abort();
}

/// A store that fails over when the test increases the number, its epoch.
struct FailingOver(MemoryElementStore, Arc<AtomicU64>);

#[async_trait]
impl ElementStore for FailingOver {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn loss(&self, part: MeetingPart) -> Loss {
        self.0.loss(part)
    }

    async fn load(&self) -> Result<Snapshot, StoreError> {
        self.0.load().await
    }

    async fn changed_since(&self, since: ChangeId, read: Position) -> Result<ChangedSince, StoreError> {
        self.0.changed_since(since, read).await
    }

    async fn bounds(&self) -> Result<Bounds, StoreError> {
        self.0.bounds().await
    }

    fn epoch(&self) -> u64 {
        self.1.load(Ordering::Relaxed)
    }
}

#[tokio::test]
async fn a_change_that_has_the_id_of_a_lost_one_is_found_after_a_fail_over() {
    let server = MemoryServer::new();
    server.rebuild(ChangeId(10), MEETING);
    server.write(&[("topics/topic:1", Some("{\"id\":1,\"title\":\"lost\"}"))]);
    let mut bus = MockMessageBus::new();
    bus.expect_last_position().returning(|_| Ok(Position::START));
    let epoch = Arc::new(AtomicU64::new(0));
    let store = Arc::new(FailingOver(MemoryElementStore::new(&server), Arc::clone(&epoch)));
    let ingest = Ingest { store, ..ingest(&server, bus) };
    ingest.load().await.expect("a meeting");
    let mut state = ReconcileState::default();

    server.rebuild(ChangeId(10), MEETING);
    assert_eq!(server.write(&[("topics/topic:2", Some("{\"id\":2}"))]), ChangeId(11));
    epoch.store(1, Ordering::Relaxed);
    assert_eq!(ingest.reconcile(Position::START, &mut state).await, Some(Position::START));
    let after = ingest.current();
    let json = |key: &str| after.get(key.parse().expect("a key")).map(|element| element.json().to_owned());
    assert_eq!(json("topics/topic:1").as_deref(), Some("{\"id\":1}"));
    assert_eq!(json("topics/topic:2").as_deref(), Some("{\"id\":2}"));
    assert!(after.step().is_reset, "clients get everything");

    // A fail-over back, with nothing lost.
    epoch.store(2, Ordering::Relaxed);
    assert_eq!(ingest.reconcile(Position::START, &mut state).await, Some(Position::START));
    assert_eq!(ingest.current().version(), after.version(), "clients get nothing");
    assert_eq!(ingest.reconcile(Position::START, &mut state).await, None);
}

#[tokio::test]
async fn a_stream_that_cannot_be_read_does_not_keep_the_meeting_from_following_the_store() {
    let server = MemoryServer::new();
    server.rebuild(ChangeId(10), MEETING);
    let mut bus = MockMessageBus::new();
    bus.expect_last_position().once().returning(|_| Ok(Position::START));
    bus.expect_last_position()
        .returning(|_| Err(Unavailable::Silent { system: "Redis", cause: "not a stream".to_owned() }));
    let ingest = ingest(&server, bus);
    ingest.load().await.expect("a meeting");
    server.write(&[("topics/topic:1", None)]);
    let position = ingest.reconcile(Position::START, &mut ReconcileState::default()).await;
    assert_eq!((position, ingest.current().change_id()), (None, ChangeId(11)));
    assert_eq!(ingest.current().len(), 1, "the configuration");
}

#[tokio::test]
async fn a_caller_after_a_rebuild_is_answered_once_the_new_meeting_is_loaded() {
    let (server, ingest) = loaded().await;
    server.rebuild(ChangeId(20), MEETING);
    let bounds = Bounds { lowest: ChangeId(20), highest: ChangeId(20) };
    assert_eq!(ingest.catch_up(CatchUpCause::Gap, Some(Position::START)).await, Ok(bounds));
    assert_eq!(ingest.current().bounds(), bounds);
}

/// Returns a running loop that has applied one change, and its server and publisher. No comparison ever comes due.
async fn followed() -> (MemoryServer, Arc<MeetingPublisher>, tokio::task::JoinHandle<()>) {
    let server = MemoryServer::new();
    server.rebuild(ChangeId(10), MEETING);
    let bus = Arc::new(MemoryMessageBus::new(&server));
    let ingest = Ingest { bus, clock: Arc::new(ManualClock::new(0)), ..ingest(&server, MockMessageBus::new()) };
    let publisher = Arc::clone(&ingest.publisher);
    let following = tokio::spawn(ingest.run());
    until(&publisher, |meeting| meeting.change_id() == ChangeId(10)).await;
    server.change(&[("topics/topic:1", Some("{\"id\":1,\"title\":\"lost\"}"))]);
    until(&publisher, |meeting| meeting.change_id() == ChangeId(11)).await;
    (server, publisher, following)
}

/// Returns the first published meeting that is so.
async fn until(publisher: &MeetingPublisher, is_so: impl Fn(&Meeting) -> bool) -> Arc<Meeting> {
    // Nothing that the loop awaits takes time.
    for _ in 0..10_000 {
        if let Some(published) = publisher.published()
            && is_so(published.current())
        {
            return Arc::clone(published.current());
        }
        tokio::task::yield_now().await;
    }
    panic!("no meeting like that is published");
}

/// (spec: redis.md#another-stream)
#[tokio::test]
async fn a_change_that_has_the_id_of_a_lost_one_is_found_by_the_stream() {
    let (server, publisher, following) = followed().await;
    server.clear();
    server.rebuild(ChangeId(10), MEETING);
    assert_eq!(server.change(&[("topics/topic:2", Some("{\"id\":2}"))]), ChangeId(11));
    let meeting = until(&publisher, |meeting| meeting.get("topics/topic:2".parse().expect("a key")).is_some()).await;
    let lost = meeting.get("topics/topic:1".parse().expect("a key")).map(|element| element.json().to_owned());
    assert_eq!(lost.as_deref(), Some("{\"id\":1}"));
    assert!(meeting.step().is_reset, "clients get everything");
    following.abort();
}

/// Returns a server with a meeting and one change, and an ingest loop that has read both, and up to which position.
async fn read_up_to() -> (MemoryServer, Ingest, Position) {
    let server = MemoryServer::new();
    server.rebuild(ChangeId(10), MEETING);
    server.change(&[("topics/topic:1", Some("{\"id\":1,\"title\":\"lost\"}"))]);
    let bus = Arc::new(MemoryMessageBus::new(&server));
    let ingest = Ingest { bus, ..ingest(&server, MockMessageBus::new()) };
    let position = ingest.load().await.expect("a meeting");
    (server, ingest, position)
}

/// (spec: redis.md#another-stream, redis.md#catch-up)
#[tokio::test]
async fn who_catches_up_before_the_stream_is_read_gets_no_mixture_of_two_histories() {
    // Found by the read position, or known because the stream was read.
    for is_known in [false, true] {
        let (server, ingest, position) = read_up_to().await;
        server.clear();
        server.rebuild(ChangeId(10), MEETING);
        server.change(&[("topics/topic:2", Some("{\"id\":2}"))]);
        server.change(&[("topics/topic:3", Some("{\"id\":3}"))]);
        let read = if is_known { None } else { Some(position) };
        let bounds = Bounds { lowest: ChangeId(10), highest: ChangeId(12) };
        assert_eq!(ingest.catch_up(CatchUpCause::Client, read).await, Ok(bounds));
        let meeting = ingest.current();
        let lost = meeting.get("topics/topic:1".parse().expect("a key")).map(|element| element.json().to_owned());
        assert_eq!(lost.as_deref(), Some("{\"id\":1}"));
        assert!(meeting.get("topics/topic:2".parse().expect("a key")).is_some());
        assert!(meeting.step().is_reset, "clients get everything");
    }
}

/// (spec: redis.md#another-stream, redis.md#catch-up)
#[tokio::test]
async fn catching_up_over_a_trimmed_stream_resets_nobody() {
    let (server, ingest, position) = read_up_to().await;
    server.change(&[("topics/topic:2", Some("{\"id\":2}"))]);
    server.trim(Channel::Autoupdate, 0);
    ingest.catch_up(CatchUpCause::Client, Some(position)).await.expect("the store answers");
    assert_eq!(ingest.current().change_id(), ChangeId(12));
    assert!(!ingest.current().step().is_reset, "clients get what changed");
}

/// A store to which a new element is written just before each of its answers.
struct NeverResting(MemoryElementStore, MemoryServer);

impl NeverResting {
    fn write(&self) {
        let id = self.1.write(&[("core/tag:1", Some("{\"id\":1}"))]);
        self.1.change(&[(&format!("topics/topic:{id}"), Some(&format!("{{\"id\":{id}}}")))]);
    }
}

#[async_trait]
impl ElementStore for NeverResting {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn loss(&self, part: MeetingPart) -> Loss {
        self.0.loss(part)
    }

    async fn load(&self) -> Result<Snapshot, StoreError> {
        self.write();
        self.0.load().await
    }

    async fn changed_since(&self, since: ChangeId, read: Position) -> Result<ChangedSince, StoreError> {
        self.write();
        self.0.changed_since(since, read).await
    }

    async fn keys_changed_since(&self, since: ChangeId) -> Result<KeysChanged, StoreError> {
        self.write();
        self.0.keys_changed_since(since).await
    }

    async fn bounds(&self) -> Result<Bounds, StoreError> {
        self.0.bounds().await
    }
}

/// (spec: redis.md#another-stream)
#[tokio::test]
async fn changes_during_a_comparison_reset_nobody() {
    let (server, ingest, position) = read_up_to().await;
    server.trim(Channel::Autoupdate, 0);
    let store = Arc::new(NeverResting(MemoryElementStore::new(&server), server.clone()));
    let ingest = Ingest { store, ..ingest };
    let known = ingest.current().change_id();
    ingest.catch_up(CatchUpCause::Client, Some(position)).await.expect("the store answers");
    assert!(ingest.current().change_id() > known);
    assert!(!ingest.current().step().is_reset, "clients get what changed");
}

/// (spec: redis.md#another-stream)
#[tokio::test]
async fn a_stream_that_was_trimmed_resets_nobody() {
    let (server, publisher, following) = followed().await;
    server.trim(Channel::Autoupdate, 0);
    server.change(&[("topics/topic:2", Some("{\"id\":2}"))]);
    let meeting = until(&publisher, |meeting| meeting.change_id() == ChangeId(12)).await;
    assert!(!meeting.step().is_reset, "clients get what changed");
    following.abort();
}

#[tokio::test]
async fn a_loss_that_no_change_id_shows_is_noticed_by_a_stream_that_went_back() {
    const BEFORE: Position = Position::from_numbers([5, 0]);
    const AFTER: Position = Position::from_numbers([3, 0]);
    let server = MemoryServer::new();
    server.rebuild(ChangeId(10), MEETING);
    server.write(&[("topics/topic:2", Some("{\"id\":2}"))]);
    let mut bus = MockMessageBus::new();
    bus.expect_last_position().once().returning(|_| Ok(BEFORE));
    bus.expect_last_position().returning(|_| Ok(AFTER));
    let ingest = ingest(&server, bus);
    ingest.load().await.expect("a meeting");
    server.rebuild(ChangeId(10), MEETING);
    server.write(&[("topics/topic:3", Some("{\"id\":3}"))]);
    let mut state = ReconcileState::default();
    assert_eq!(ingest.reconcile(BEFORE, &mut state).await, None, "seen once it may be a replica that lags behind");
    assert_eq!(ingest.reconcile(BEFORE, &mut state).await, Some(AFTER));
    let has = |key: &str| ingest.current().get(key.parse().expect("a key")).is_some();
    assert_eq!((has("topics/topic:2"), has("topics/topic:3")), (false, true));
}

/// (spec: redis.md#reload)
#[tokio::test]
async fn a_change_id_that_went_back_tells_of_a_loss_that_no_stream_tells() {
    let (server, ingest) = loaded().await;
    server.write(&[("topics/topic:2", Some("{\"id\":2}"))]);
    ingest.catch_up(CatchUpCause::Gap, Some(Position::START)).await.expect("the store answers");
    server.rebuild(ChangeId(10), MEETING);
    let mut state = ReconcileState::default();
    assert_eq!(ingest.reconcile(Position::START, &mut state).await, None);
    assert_eq!(ingest.current().change_id(), ChangeId(11), "seen once it may be a replica that lags behind");
    ingest.reconcile(Position::START, &mut state).await;
    assert_eq!(ingest.current().change_id(), ChangeId(10));
    assert!(ingest.current().get("topics/topic:2".parse().expect("a key")).is_none());
}

/// A store that evicts keys may drop all elements at once. The next one that the server writes is then the only one.
/// (spec: redis.md#no-meeting)
#[tokio::test]
async fn elements_that_the_store_lost_are_not_taken_for_deleted() {
    let (server, ingest) = loaded().await;
    server.write(&[("topics/topic:1", Some("{\"id\":1,\"title\":\"new\"}"))]);
    server.lose_elements();
    server.write(&[("core/tag:1", Some("{\"id\":1}"))]);
    let answer = ingest.catch_up(CatchUpCause::Gap, Some(Position::START)).await;
    assert!(matches!(answer, Err(StoreError::Incomplete(_))), "{answer:?}");
    assert_eq!(ingest.current().len(), MEETING.len());
}

/// (spec: stream.md#wider)
#[tokio::test]
async fn a_comparison_counts_if_the_meeting_has_what_it_found() {
    let (server, ingest) = loaded().await;
    let later = ingest.publisher.published().expect("a meeting").comparisons().later();
    let counts = || later.is_covered_by(ingest.current().version());
    let mut state = ReconcileState::default();
    server.write(&[("topics/topic:2", Some("{\"id\":2}"))]);
    ingest.catch_up(CatchUpCause::Gap, Some(Position::START)).await.expect("the store answers");
    server.lose_elements();
    server.write(&[("topics/topic:2", Some("{\"id\":2}"))]);
    ingest.reconcile(Position::START, &mut state).await;
    assert!(!counts(), "there is no meeting");
    server.rebuild(ChangeId(10), MEETING);
    ingest.reconcile(Position::START, &mut state).await;
    assert!(!counts(), "it may be a replica that lags behind");
    ingest.reconcile(Position::START, &mut state).await;
    assert_eq!(ingest.current().change_id(), ChangeId(10), "everybody gets everything");
    server.write(&[("topics/topic:2", Some("{\"id\":2}"))]);
    ingest.reconcile(Position::START, &mut state).await;
    assert_eq!(ingest.current().change_id(), ChangeId(11));
    assert!(counts());
}

/// (spec: stream.md#wider)
#[tokio::test]
async fn a_comparison_does_not_count_if_another_replica_lags_behind() {
    let (_, ingest) = loaded().await;
    let bounds = |highest| Bounds { lowest: ChangeId(10), highest: ChangeId(highest) };
    let changed_since = move |highest, elements: Vec<RawElement>| {
        let count = (MEETING.len() + elements.len()) as u64;
        Ok(ChangedSince { bounds: bounds(highest), elements, count, follows: true })
    };
    let mut store = MockElementStore::new();
    store.expect_name().return_const("the store");
    store.expect_epoch().return_const(0_u64);
    store.expect_bounds().returning(move || Ok(bounds(11)));
    store.expect_changed_since().once().returning(move |_, _| changed_since(10, Vec::new()));
    let topic = RawElement { key: b"topics/topic:2".to_vec(), json: Some(b"{\"id\":2}".to_vec()) };
    store.expect_changed_since().returning(move |_, _| changed_since(11, vec![topic.clone()]));
    let ingest = Ingest { store: Arc::new(store), ..ingest };
    let later = ingest.publisher.published().expect("a meeting").comparisons().later();
    let mut state = ReconcileState::default();
    ingest.reconcile(Position::START, &mut state).await;
    assert!(!later.is_covered_by(ingest.current().version()), "it lacks what the other replica has");
    ingest.reconcile(Position::START, &mut state).await;
    assert!(later.is_covered_by(ingest.current().version()));
}
