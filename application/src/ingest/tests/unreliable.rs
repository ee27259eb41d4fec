//! Does the meeting converge to that of the store after arbitrary faults of the store and the bus?
//! (spec: redis.md#reconcile)
//!
//! The loop runs as it does in the service. The ports fail, stall, repeat and lie as a random script says, and behave
//! again in the end. One lie is left out because it cannot be detected: a message that carries the very next change id
//! but differs in content from the store.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use adapters::memory::{MemoryMessageBus, announcement};
use domain::ids::ElementKey;
use domain::ports::element_store::Loss;
use domain::ports::message_bus::Batch;
use domain::testing::strategies::cases;
use proptest::collection::vec;
use proptest::prelude::*;
use tokio::time::{Instant, sleep};

use super::*;

/// What a port does on one call.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Nothing,
    Fails,
    Refuses,
    /// Answers only after this many milliseconds, with the state at the time of the call.
    Stalls(u64),
    /// The store calls itself not ready.
    NotReady,
    /// The store reports that a part is missing.
    Incomplete,
    /// The store answers with its state this many changes ago, like a lagging replica; the bus repeats every message.
    Old(usize),
    /// The bus skips every other message, and reports that it is empty when asked for its last position.
    Skips,
    /// The messages cannot be parsed.
    Garbles,
    /// The messages announce changes that do not exist; the last position is after all messages to come.
    Ahead,
    /// The messages arrive in reverse order.
    Reverses,
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        4 => Just(Fault::Nothing),
        2 => Just(Fault::Fails),
        1 => Just(Fault::Refuses),
        1 => (1..20_000_u64).prop_map(Fault::Stalls),
        1 => Just(Fault::NotReady),
        1 => Just(Fault::Incomplete),
        3 => (0..4_usize).prop_map(Fault::Old),
        1 => Just(Fault::Skips),
        1 => Just(Fault::Garbles),
        1 => Just(Fault::Ahead),
        1 => Just(Fault::Reverses),
    ]
}

/// What a port does, call by call; afterwards it behaves.
struct Script(Mutex<VecDeque<Fault>>);

impl Script {
    fn new(faults: Vec<Fault>) -> Self {
        Self(Mutex::new(faults.into()))
    }

    fn next(&self) -> Fault {
        self.lock().pop_front().unwrap_or(Fault::Nothing)
    }

    fn end(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Fault>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The meeting in the store after one change.
#[derive(Clone, Debug)]
struct StoreState {
    bounds: Bounds,
    elements: BTreeMap<String, String>,
    changed: BTreeMap<String, ChangeId>,
}

impl StoreState {
    fn new(lowest: ChangeId) -> Self {
        let elements = MEETING.iter().map(|(key, json)| ((*key).to_owned(), (*json).to_owned())).collect();
        Self { bounds: Bounds { lowest, highest: lowest }, elements, changed: BTreeMap::new() }
    }

    fn raw(&self, key: &str) -> RawElement {
        RawElement { key: key.into(), json: self.elements.get(key).map(|json| json.as_bytes().to_vec()) }
    }
}

/// A store that follows a script.
struct Store {
    script: Script,
    /// Every state since the last fail-over; the last one is current.
    states: Mutex<Vec<StoreState>>,
    epoch: AtomicU64,
}

impl Store {
    fn states(&self) -> MutexGuard<'_, Vec<StoreState>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self, changes_ago: usize) -> StoreState {
        let states = self.states();
        states[states.len().saturating_sub(1 + changes_ago)].clone()
    }

    fn become_another(&self, state: StoreState) {
        *self.states() = vec![state];
        self.epoch.fetch_add(1, Ordering::Relaxed);
    }

    async fn answer(&self) -> Result<StoreState, StoreError> {
        let now = self.state(0);
        match self.script.next() {
            Fault::Fails => Err(silent().into()),
            Fault::Refuses => Err(refused().into()),
            Fault::NotReady => Err(StoreError::NotReady),
            Fault::Incomplete => Err(StoreError::Incomplete(self.loss(MeetingPart::Elements))),
            Fault::Old(changes_ago) => Ok(self.state(changes_ago)),
            Fault::Stalls(milliseconds) => {
                sleep(Duration::from_millis(milliseconds)).await;
                Ok(now)
            }
            Fault::Nothing | Fault::Skips | Fault::Garbles | Fault::Ahead | Fault::Reverses => Ok(now),
        }
    }
}

fn silent() -> Unavailable {
    Unavailable::Silent { system: "Redis", cause: "no answer".to_owned() }
}

fn refused() -> Unavailable {
    Unavailable::Refused { system: "Redis", what: "the command".to_owned(), cause: "no right".to_owned() }
}

#[async_trait]
impl ElementStore for Store {
    fn name(&self) -> &'static str {
        "the store"
    }

    fn loss(&self, part: MeetingPart) -> Loss {
        Loss { part, text: "a part is missing", advice: "look for it" }
    }

    async fn load(&self) -> Result<Snapshot, StoreError> {
        let state = self.answer().await?;
        Ok(Snapshot { bounds: state.bounds, elements: state.elements.keys().map(|key| state.raw(key)).collect() })
    }

    async fn changed_since(&self, since: ChangeId, _: Position) -> Result<ChangedSince, StoreError> {
        let state = self.answer().await?;
        let changed = state.changed.iter().filter(|(_, change_id)| **change_id > since);
        let elements = changed.map(|(key, _)| state.raw(key)).collect();
        // A fail-over shows by the epoch alone.
        Ok(ChangedSince { bounds: state.bounds, elements, count: state.elements.len() as u64, follows: true })
    }

    async fn bounds(&self) -> Result<Bounds, StoreError> {
        Ok(self.answer().await?.bounds)
    }

    fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Relaxed)
    }
}

/// A bus that follows a script.
struct Bus {
    script: Script,
    honest: MemoryMessageBus,
}

const BEHIND_ALL: Position = Position::from_numbers([u64::MAX, 0]);

#[async_trait]
impl MessageBus for Bus {
    async fn last_position(&self, channel: Channel) -> Result<Position, Unavailable> {
        let newest = self.honest.last_position(channel).await?;
        match self.script.next() {
            Fault::Fails => Err(silent()),
            Fault::Refuses => Err(refused()),
            Fault::Stalls(milliseconds) => {
                sleep(Duration::from_millis(milliseconds)).await;
                Ok(newest)
            }
            Fault::Skips | Fault::Old(_) => Ok(Position::START),
            Fault::Ahead => Ok(BEHIND_ALL),
            _ => Ok(newest),
        }
    }

    async fn read(&self, channel: Channel, after: Position) -> Result<Batch, Unavailable> {
        let fault = self.script.next();
        let after = match fault {
            Fault::Fails => return Err(silent()),
            Fault::Refuses => return Err(refused()),
            Fault::Old(_) => Position::START,
            _ => after,
        };
        let mut batch = self.honest.read(channel, after).await?;
        let messages = &mut batch.messages;
        match fault {
            Fault::Stalls(milliseconds) => sleep(Duration::from_millis(milliseconds)).await,
            Fault::Skips => *messages = std::mem::take(messages).into_iter().skip(1).step_by(2).collect(),
            Fault::Garbles => messages.iter_mut().for_each(|message| message.content = b"{\"elements\":".to_vec()),
            Fault::Ahead => {
                let content = announcement(ChangeId(1 << 50), &[("topics/topic:1", None)]);
                messages.iter_mut().for_each(|message| message.content = content.clone().into_bytes());
            }
            Fault::Reverses => messages.reverse(),
            _ => {}
        }
        Ok(batch)
    }

    async fn publish_notify(&self, _: &str) -> Result<(), Unavailable> {
        Err(refused())
    }
}

/// What happens while the loop runs.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// An element is written, or deleted if the value is even; sometimes the message is lost.
    Change { id: u64, value: u64, is_announced: bool },
    /// The server rebuilds its cache.
    Rebuild,
    /// Another store takes over, which lacks the last changes: this many.
    FailOver(usize),
    /// The channel is deleted.
    EmptyChannel,
    /// A request asks the loop to catch up.
    Ask,
    /// Milliseconds pass.
    Wait(u64),
}

fn event() -> impl Strategy<Value = Event> {
    let change = (1..5_u64, 0..6_u64, prop_oneof![3 => Just(true), 1 => Just(false)]);
    prop_oneof![
        6 => change.prop_map(|(id, value, is_announced)| Event::Change { id, value, is_announced }),
        1 => Just(Event::Rebuild),
        1 => (0..4_usize).prop_map(Event::FailOver),
        1 => Just(Event::EmptyChannel),
        1 => Just(Event::Ask),
        4 => (0..3_000_u64).prop_map(Event::Wait),
    ]
}

/// The store, and the server that writes to the bus.
struct World {
    store: Arc<Store>,
    server: MemoryServer,
}

impl World {
    fn change(&self, id: u64, value: u64, is_announced: bool) {
        let mut state = self.store.state(0);
        let key = format!("topics/topic:{id}");
        let json = (value % 2 == 1).then(|| format!("{{\"id\":{id},\"title\":\"{value}\"}}"));
        state.bounds.highest = state.bounds.highest.next();
        match &json {
            Some(json) => state.elements.insert(key.clone(), json.clone()),
            None => state.elements.remove(&key),
        };
        state.changed.insert(key.clone(), state.bounds.highest);
        let change_id = state.bounds.highest;
        self.store.states().push(state);
        if is_announced {
            self.server.announce(change_id, &[(&key, json.as_deref())]);
        }
    }

    async fn let_happen(&self, event: Event, ask: &IngestHandle) {
        match event {
            Event::Change { id, value, is_announced } => self.change(id, value, is_announced),
            Event::Rebuild => {
                let state = StoreState::new(ChangeId(self.store.state(0).bounds.highest.0 + 1_000));
                self.store.states().push(state);
            }
            Event::FailOver(changes) => {
                self.store.become_another(self.store.state(changes));
                // The messages are lost as well: their change ids will be reused.
                self.server.clear();
            }
            Event::EmptyChannel => self.server.clear(),
            Event::Ask => {
                let ask = ask.clone();
                tokio::spawn(async move { ask.catch_up().await });
            }
            Event::Wait(milliseconds) => sleep(Duration::from_millis(milliseconds)).await,
        }
    }
}

/// A clock that shows the paused time of the runtime, which advances when all tasks are idle.
struct RuntimeClock(Instant);

#[async_trait]
impl Clock for RuntimeClock {
    fn unix_time(&self) -> Duration {
        self.0.elapsed()
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        sleep(duration).await;
    }
}

/// Long enough for the longest stall, the longest backoff, and several comparisons with the store.
const CALM: Duration = Duration::from_secs(120);

async fn run(of_store: Vec<Fault>, of_bus: Vec<Fault>, events: Vec<Event>) -> Result<(), TestCaseError> {
    let server = MemoryServer::new();
    let states = Mutex::new(vec![StoreState::new(ChangeId(10))]);
    let store = Arc::new(Store { script: Script::new(of_store), states, epoch: AtomicU64::new(0) });
    let bus = Arc::new(Bus { script: Script::new(of_bus), honest: MemoryMessageBus::new(&server) });
    let (ask, requests) = IngestHandle::new("the store");
    let publisher = Arc::new(MeetingPublisher::new(HistoryLimits::default(), RenderCacheLimit::Automatic));
    let ingest = Ingest {
        store: Arc::clone(&store) as _,
        bus: Arc::clone(&bus) as _,
        publisher: Arc::clone(&publisher),
        clock: Arc::new(RuntimeClock(Instant::now())),
        reconcile_interval: Duration::from_secs(1),
        observer: Arc::new(Nobody),
        counters: Arc::default(),
        requests,
    };
    let following = tokio::spawn(ingest.run());
    let world = World { store, server };
    for event in events {
        world.let_happen(event, &ask).await;
    }
    world.store.script.end();
    bus.script.end();
    sleep(CALM).await;
    prop_assert!(!following.is_finished(), "the loop ended: {:?}", following.await);
    let state = world.store.state(0);
    let meeting = Arc::clone(publisher.published().expect("a meeting").current());
    prop_assert_eq!(meeting.bounds(), state.bounds);
    prop_assert_eq!(meeting.len(), state.elements.len());
    for (key, json) in &state.elements {
        let key: ElementKey = key.parse().expect("a key");
        prop_assert_eq!(meeting.get(key).map(|element| element.json().to_owned()), Some(json.clone()), "{}", key);
    }
    // A request to catch up returns the same bounds.
    prop_assert_eq!(ask.catch_up().await, Ok(state.bounds));
    following.abort();
    Ok(())
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn in_the_end_the_meeting_is_that_of_the_store(
        of_store in vec(fault(), 0..30), of_bus in vec(fault(), 0..30), events in vec(event(), 0..30),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(run(of_store, of_bus, events))?;
    }
}
