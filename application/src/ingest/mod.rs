//! How does the meeting in memory follow the one in the store? (spec: redis.md#follow, redis.md#catch-up)
//!
//! One loop makes all changes to the meeting: it reads the stream of changes, which is only a hint, and compares the
//! meeting with the store, which is the truth.

mod announcer;
mod compute;
mod counters;
mod no_meeting;
mod stream_reader;
#[cfg(test)]
mod tests;
mod versions;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::meeting::{Change, Meeting};
use domain::ports::Unavailable;
use domain::ports::clock::Clock;
use domain::ports::element_store::{Bounds, ChangedSince, ElementStore, MeetingPart, RawElement, Snapshot, StoreError};
use domain::ports::message_bus::{BusMessage, Channel, MessageBus, Position};
use tokio::sync::{mpsc, oneshot};
use tracing::{info, warn};

use crate::backoff::Backoff;
use crate::once_a_minute::OnceAMinute;
use crate::publishing::publisher::MeetingPublisher;
use crate::sessions::admission;
use compute::compute;
use no_meeting::Failure;
use stream_reader::StreamReader;
use versions::{Arrived, Written, logged, versions_after};

pub use announcer::Announcer;
pub use counters::{CatchUpCause, IngestCounters};

/// The loop that keeps the meeting in step with the store, with everything it needs.
pub struct Ingest {
    /// The store that holds the meeting.
    pub store: Arc<dyn ElementStore>,
    /// The bus on which its changes are announced.
    pub bus: Arc<dyn MessageBus>,
    /// Receives every new version.
    pub publisher: Arc<MeetingPublisher>,
    /// The source of time.
    pub clock: Arc<dyn Clock>,
    /// How often the meeting is compared with the store.
    pub reconcile_interval: Duration,
    /// Notified after each publication.
    pub observer: Arc<dyn Observer>,
    /// Counts what the loop does.
    pub counters: Arc<IngestCounters>,
    /// Requests to catch up now.
    pub requests: CatchUpRequests,
}

/// Is notified of what the loop does.
pub trait Observer: Send + Sync {
    /// Called when new versions of the meeting have been published.
    fn published(&self);
    /// Called when there is no meeting yet. The reason is public.
    fn waiting(&self, reason: &str);
}

/// Asks the loop to catch up with the store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct IngestHandle {
    queue: mpsc::Sender<CatchUpReply>,
    /// What operators call the store.
    store: &'static str,
}

/// The receiving end of [`IngestHandle`].
#[derive(Debug)]
pub struct CatchUpRequests(mpsc::Receiver<CatchUpReply>);

type CatchUpReply = oneshot::Sender<Result<Bounds, StoreError>>;

/// How many requests may wait for the loop at once; further callers wait to be queued.
const CATCH_UP_REQUESTS_MAX: usize = 1024;

/// How long a caller waits for the loop to catch up before the store counts as silent.
const CATCH_UP_WAIT: Duration = Duration::from_secs(10);

const STOPPING: &str = "the service is stopping";

impl IngestHandle {
    /// Creates a handle, and the end that the loop holds. `store` is what operators call the store, for errors.
    #[must_use]
    pub fn new(store: &'static str) -> (Self, CatchUpRequests) {
        let (sender, receiver) = mpsc::channel(CATCH_UP_REQUESTS_MAX);
        (Self { queue: sender, store }, CatchUpRequests(receiver))
    }

    /// Returns once the meeting holds everything that was in the store at the time of the call, together with the ids
    /// of the store.
    ///
    /// # Errors
    /// Returns an error if the store does not answer in time or holds no meeting.
    pub async fn catch_up(&self) -> Result<Bounds, StoreError> {
        let ask = async {
            let (reply, answer) = oneshot::channel();
            self.queue.send(reply).await.map_err(|_| self.silent(STOPPING))?;
            answer.await.map_err(|_| self.silent(STOPPING))?
        };
        tokio::time::timeout(CATCH_UP_WAIT, ask)
            .await
            .unwrap_or_else(|_| Err(self.silent("the store did not answer in time")))
    }

    fn silent(&self, cause: &str) -> StoreError {
        Unavailable::Silent { system: self.store, cause: cause.to_owned() }.into()
    }
}

#[async_trait]
impl admission::CatchUp for IngestHandle {
    async fn catch_up(&self) -> Result<Bounds, StoreError> {
        IngestHandle::catch_up(self).await
    }
}

impl Ingest {
    /// Follows the store until the future is dropped. Survives every error of the store and the bus.
    pub async fn run(mut self) {
        let position = self.load_first().await;
        self.follow(position).await;
    }

    /// Loads the meeting, however long it takes for one to exist (spec: redis.md#start).
    async fn load_first(&mut self) -> Position {
        let mut backoff = Backoff::default();
        let mut last = None;
        loop {
            match self.load().await {
                Ok(position) => return position,
                Err(error) => {
                    self.observer.waiting(&error.public());
                    Failure::before_the_first_meeting(&mut last, &error, backoff.attempts());
                    self.clock.sleep(backoff.wait()).await;
                }
            }
        }
    }

    async fn follow(&mut self, position: Position) {
        let mut reader = StreamReader::start(&self.bus, &self.clock, position);
        let mut state = ReconcileState::default();
        let unhealed = OnceAMinute::new(Arc::clone(&self.clock));
        let clock = Arc::clone(&self.clock);
        let mut reconcile = clock.sleep(self.reconcile_interval);
        loop {
            tokio::select! {
                // What is rare goes first: messages that never stop keep nobody waiting.
                biased;
                () = &mut reconcile => {
                    self.publisher.forget(self.clock.monotonic());
                    if let Some(position) = self.reconcile(reader.position, &mut state).await {
                        reader = StreamReader::start(&self.bus, &self.clock, position);
                    }
                    reconcile = clock.sleep(self.reconcile_interval);
                }
                Some(first) = self.requests.0.recv() => self.answer(first, reader.position, &state).await,
                batch = reader.next() => {
                    // Nothing is applied to a meeting that may not be that of the store any more.
                    state.is_another_stream |= !batch.follows;
                    if state.is_another_stream {
                        if let Some(position) = self.reconcile(reader.position, &mut state).await {
                            reader = StreamReader::start(&self.bus, &self.clock, position);
                        }
                    } else if !self.apply_messages(batch.messages).await {
                        self.heal(reader.position, &unhealed).await;
                    }
                }
            }
        }
    }

    /// Applies the messages. Returns false if something was missed, so that the store must be asked.
    async fn apply_messages(&self, messages: Vec<BusMessage>) -> bool {
        let current = self.current();
        let bytes = messages.iter().map(|message| message.content.len()).sum();
        let store = self.store.name();
        let arrived = Arrived { unix_time: self.clock.unix_time(), monotonic: self.clock.monotonic() };
        let versions_after = move || versions_after(&current, &messages, arrived, store);
        let (versions, is_complete) = compute(bytes, versions_after).await;
        self.counters.applied(versions.len());
        self.publish(versions);
        is_complete
    }

    /// Asks the store for what was missed. If that fails, the next comparison makes up for it.
    async fn heal(&self, read: Position, unhealed: &OnceAMinute) {
        if let Err(error) = self.catch_up(CatchUpCause::Gap, Some(read)).await
            && let Some(times) = unhealed.happened()
        {
            warn!(%error, times, "changes were missed and cannot be read from {}; retrying soon", self.store.name());
        }
    }

    /// Answers all waiting callers with one query to the store.
    async fn answer(&mut self, first: CatchUpReply, read: Position, state: &ReconcileState) {
        let mut waiting = vec![first];
        while let Ok(reply) = self.requests.0.try_recv() {
            waiting.push(reply);
        }
        let read = (!state.is_another_stream).then_some(read);
        let answer = self.catch_up(CatchUpCause::Client, read).await;
        for reply in waiting {
            // A caller who no longer waits does not need the answer.
            let _ = reply.send(answer.clone());
        }
    }

    /// Brings the meeting to the newest change of the store in one step. `read` is the position of the message that was
    /// read last; `None` if the stream is known to be another one since.
    async fn catch_up(&self, cause: CatchUpCause, read: Option<Position>) -> Result<Bounds, StoreError> {
        let current = self.current();
        let known = current.change_id();
        let changed = self.store.changed_since(known, read.unwrap_or(Position::START)).await?;
        let ChangedSince { bounds, elements, count, follows } = changed;
        if bounds.lowest != current.bounds().lowest {
            return self.load().await.map(|_| self.current().bounds());
        }
        if bounds.highest >= known && (read.is_none() || !follows) {
            // The ids of lost changes may have been given to others. The next read of the stream sees that, too; until
            // then nobody must be shown a mixture.
            return self.load_what_is_different().await.map(|_| self.current().bounds());
        }
        if bounds.highest > known {
            let change = Change { change_id: bounds.highest, elements };
            let bytes = bytes_of(&change.elements);
            let meeting = compute(bytes, move || logged(current.apply(change))).await;
            if count < meeting.len() as u64 {
                // The store lost elements that nobody deleted, so any that are missing from the answer may be lost as
                // well. Only reading everything tells whether there still is a meeting.
                return self.load().await.map(|_| self.current().bounds());
            }
            self.counters.caught_up(cause);
            self.publish([(meeting, None)]);
        }
        if bounds.highest >= known {
            self.counters.confirmed(self.clock.monotonic());
        }
        Ok(bounds)
    }

    /// Compares the meeting with the store (spec: redis.md#reconcile, redis.md#reload). Returns the position to read
    /// the stream from if it has changed.
    async fn reconcile(&self, position: Position, state: &mut ReconcileState) -> Option<Position> {
        match self.try_reconcile(position, state).await {
            Ok(position) => {
                if state.failed.take().is_some() {
                    info!("the meeting is compared with {} again", self.store.name());
                }
                position
            }
            Err(error) => {
                // While the server builds its cache, or the cache is incomplete, the old meeting is served.
                state.went_back &= matches!(error, StoreError::Unavailable(_));
                Failure::while_serving(&mut state.failed, &error, self.store.name());
                None
            }
        }
    }

    async fn try_reconcile(
        &self,
        position: Position,
        state: &mut ReconcileState,
    ) -> Result<Option<Position>, StoreError> {
        let comparison = self.publisher.comparisons().begin();
        let epoch = self.store.epoch();
        if epoch != state.epoch {
            info!("{} failed over to another server; reloading the meeting", self.store.name());
            let position = self.load_what_is_different().await?;
            *state = ReconcileState { epoch, failed: state.failed.take(), ..ReconcileState::default() };
            return Ok(Some(position));
        }
        // The stream is only a hint: if it cannot be read, the meeting still follows the store.
        let last = self.bus.last_position(Channel::Autoupdate).await;
        let bounds = self.store.bounds().await?;
        let known = self.current().bounds();
        if bounds.lowest != known.lowest {
            info!(lowest_change_id = %bounds.lowest, "the OpenSlides server has rebuilt its cache; reloading the meeting");
            let position = self.load().await?;
            state.is_another_stream = false;
            return Ok(Some(position));
        }
        // A stream that was emptied has no position, which means nothing.
        let stream_went_back = last.as_ref().is_ok_and(|last| *last < position && *last != Position::START);
        if bounds.highest < known.highest || stream_went_back {
            // Seen once, it may be a replica that lags behind the one asked before; replicas only move forward.
            if std::mem::replace(&mut state.went_back, true) {
                warn!(
                    store_change_id = %bounds.highest, known_change_id = %known.highest,
                    "{} went back to an older state; reloading the meeting", self.store.name()
                );
                let position = self.load().await?;
                (state.went_back, state.is_another_stream) = (false, false);
                return Ok(Some(position));
            }
            return Ok(None);
        }
        state.went_back = false;
        if state.is_another_stream {
            info!("the entry of the stream that was read last is gone, and others follow; reloading the meeting");
            let position = self.load_what_is_different().await?;
            state.is_another_stream = false;
            return Ok(Some(position));
        }
        if bounds.highest > known.highest {
            self.catch_up(CatchUpCause::Comparison, Some(position)).await?;
        }
        self.counters.confirmed(self.clock.monotonic());
        // Unless another replica was asked for the changes, which lags behind the one asked for the ids.
        if self.current().change_id() >= bounds.highest {
            self.publisher.comparisons().end(comparison, self.current().version());
        }
        let last = last?;
        Ok((last < position).then_some(last))
    }

    /// Loads the whole meeting, because the store may have lost changes and given their ids to others. If it has not,
    /// clients get no more than what changed since. Returns the position from which the stream continues.
    async fn load_what_is_different(&self) -> Result<Position, StoreError> {
        let known = self.current().change_id();
        let position = self.bus.last_position(Channel::Autoupdate).await?;
        let snapshot = self.snapshot().await?;
        // Asked afterwards, so that no change is left out that came before the snapshot. Those that came after it only
        // name elements that it has as they were.
        let changed = self.store.keys_changed_since(known).await?;
        let change = (snapshot.bounds.highest > known).then(|| change_in(&snapshot, changed.keys));
        self.take(snapshot, change).await;
        Ok(position)
    }

    /// Loads the whole meeting. Returns the position from which the stream continues.
    async fn load(&self) -> Result<Position, StoreError> {
        let position = self.bus.last_position(Channel::Autoupdate).await?;
        let snapshot = self.snapshot().await?;
        self.take(snapshot, None).await;
        Ok(position)
    }

    async fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let snapshot = self.store.load().await?;
        // The server writes the configuration first. Where it is missing, only what was written after a loss is left.
        if !snapshot.elements.iter().any(|element| element.key.starts_with(CONFIGURATION_KEYS)) {
            return Err(StoreError::Incomplete(self.store.loss(MeetingPart::Configuration)));
        }
        Ok(snapshot)
    }

    /// Publishes the meeting of a snapshot. If it is the present one after `change`, this is a step like any other.
    async fn take(&self, snapshot: Snapshot, change: Option<Change>) {
        let before = self.publisher.published().map(|published| Arc::clone(published.current()));
        let bytes = bytes_of(&snapshot.elements);
        let (meeting, is_known) = compute(bytes, move || {
            let loaded = logged(Meeting::load(snapshot, before.as_deref()));
            let caught_up = before.as_deref().zip(change).map(|(before, change)| before.apply(change).meeting);
            match (before, caught_up) {
                (_, Some(caught_up)) if caught_up.is_same_as(&loaded) => (caught_up, false),
                (Some(before), _) => {
                    let is_known = before.is_same_as(&loaded);
                    (loaded, is_known)
                }
                (None, _) => (loaded, false),
            }
        })
        .await;
        let (change_id, elements) = (meeting.change_id(), meeting.len());
        self.counters.loaded();
        self.counters.confirmed(self.clock.monotonic());
        // After a fail-over that lost nothing, clients need not be sent everything again.
        if !is_known {
            self.publish([(meeting, None)]);
        }
        // Logged only when the meeting is served, so that scripts can wait for this line.
        info!(%change_id, elements, "meeting loaded");
    }

    /// Publishes versions, each with the time at which its change was written to the store, if that is known.
    fn publish(&self, versions: impl IntoIterator<Item = Written, IntoIter: ExactSizeIterator>) {
        let versions = versions.into_iter();
        if versions.len() > 0 {
            self.publisher.publish_written(versions, self.clock.monotonic());
            self.observer.published();
        }
    }

    fn current(&self) -> Arc<Meeting> {
        let published = self.publisher.published().expect("the loop follows the store once a meeting is loaded");
        Arc::clone(published.current())
    }
}

/// Returns the change that leads to a snapshot, given the keys of all elements that it wrote.
fn change_in(snapshot: &Snapshot, keys: Vec<Vec<u8>>) -> Change {
    let keys: BTreeSet<Vec<u8>> = keys.into_iter().collect();
    let present = snapshot.elements.iter().filter(|element| keys.contains(&element.key)).cloned();
    let mut elements: BTreeMap<Vec<u8>, RawElement> = present.map(|element| (element.key.clone(), element)).collect();
    for key in keys {
        elements.entry(key.clone()).or_insert(RawElement { key, json: None });
    }
    Change { change_id: snapshot.bounds.highest, elements: elements.into_values().collect() }
}

fn bytes_of(elements: &[RawElement]) -> usize {
    elements.iter().filter_map(|element| element.json.as_ref()).map(Vec::len).sum()
}

/// What earlier comparisons with the store found.
#[derive(Default)]
struct ReconcileState {
    /// The epoch of the store at the last comparison; see [`ElementStore::epoch`].
    epoch: u64,
    /// The last comparison found that the store seems to have gone back.
    went_back: bool,
    /// The entry of the stream that was read last is gone, and others follow. The stream was trimmed, or it is that of
    /// another history, in which the ids of lost changes were given to others.
    is_another_stream: bool,
    /// Why the last comparison failed, if it did; this has been logged already.
    failed: Option<Failure>,
}

/// The beginning of the keys of configuration values.
const CONFIGURATION_KEYS: &[u8] = b"core/config:";
