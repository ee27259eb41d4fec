//! How does the demo, or a test, write like the OpenSlides server? (spec: redis.md#change-script, redis.md#rebuild)

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use domain::ids::{ChangeId, UserId};
use domain::ports::Unavailable;
use domain::ports::element_store::{Bounds, MeetingPart, StoreError};
use domain::ports::message_bus::{BusMessage, Channel, NOTIFY_MESSAGES_MAX, Position};
use tokio::sync::watch;
use tokio::time::Instant;

use super::failure::{loss, silent};

/// About how many messages are kept on a channel; older ones are dropped, as the server and Redis do.
const MESSAGES_MAX: usize = NOTIFY_MESSAGES_MAX;

/// A meeting in memory, and its writer. Clones share the meeting.
#[derive(Clone, Debug, Default)]
pub struct MemoryServer {
    state: Arc<Mutex<MemoryState>>,
    /// Notified whenever something was appended or the failure on demand has changed; wakes waiting readers.
    written: watch::Sender<()>,
}

#[derive(Debug, Default)]
pub(super) struct MemoryState {
    /// `None` while the cache is being built.
    pub(super) bounds: Option<Bounds>,
    pub(super) elements: BTreeMap<Vec<u8>, Vec<u8>>,
    /// The change id of the last change of every element that changed since the cache was built.
    pub(super) changed: BTreeMap<Vec<u8>, ChangeId>,
    /// When every user last applauded, by the clock.
    pub(super) applause: HashMap<UserId, u64>,
    pub(super) clock: ServerClock,
    autoupdate: VecDeque<BusMessage>,
    notify: VecDeque<BusMessage>,
    appended: u64,
    failing: Option<String>,
}

/// The clock of a [`MemoryServer`].
#[derive(Clone, Copy, Debug)]
pub(super) struct ServerClock {
    started: Instant,
    seconds_at_start: u64,
}

/// What the clock of a server shows at its start, in seconds, so that there is time before it.
const SECONDS_AT_START: u64 = 1_000_000;

impl Default for ServerClock {
    fn default() -> Self {
        Self { started: Instant::now(), seconds_at_start: SECONDS_AT_START }
    }
}

impl ServerClock {
    /// The time, in whole seconds.
    pub(super) fn seconds(&self) -> u64 {
        self.seconds_at_start + self.started.elapsed().as_secs()
    }
}

impl MemoryServer {
    /// Creates a server that has not built its cache yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Builds the cache again, with `lowest` as its change id and only these elements. Nothing is added to the stream.
    pub fn rebuild<K: AsRef<[u8]>, J: AsRef<[u8]>>(
        &self,
        lowest: ChangeId,
        elements: impl IntoIterator<Item = (K, J)>,
    ) {
        let mut state = self.lock();
        state.elements =
            elements.into_iter().map(|(key, json)| (key.as_ref().to_vec(), json.as_ref().to_vec())).collect();
        state.changed.clear();
        state.bounds = Some(Bounds { lowest, highest: lowest });
    }

    /// Begins to build the cache again: until [`MemoryServer::rebuild`] there is none.
    pub fn begin_rebuild(&self) {
        let mut state = self.lock();
        state.elements.clear();
        state.changed.clear();
        state.bounds = None;
    }

    /// Writes elements (`None` deletes) as one change, and announces it on the stream. Returns the change id.
    pub fn change(&self, elements: &[(&str, Option<&str>)]) -> ChangeId {
        let change_id = self.write(elements);
        self.announce(change_id, elements);
        change_id
    }

    /// Writes elements as one change without announcing it, as if the entry of the stream were late or lost. Without a
    /// cache it counts from 0.
    pub fn write(&self, elements: &[(&str, Option<&str>)]) -> ChangeId {
        let mut state = self.lock();
        let before = state.bounds.unwrap_or(Bounds { lowest: ChangeId(0), highest: ChangeId(0) });
        let change_id = before.highest.next();
        for (key, json) in elements {
            let key = key.as_bytes().to_vec();
            match json {
                Some(json) => state.elements.insert(key.clone(), json.as_bytes().to_vec()),
                None => state.elements.remove(&key),
            };
            state.changed.insert(key, change_id);
        }
        state.bounds = Some(Bounds { highest: change_id, ..before });
        change_id
    }

    /// Loses every element while the cache still claims to be ready, as Redis does with an eviction policy.
    pub fn lose_elements(&self) {
        self.lock().elements.clear();
    }

    /// Announces on the stream that elements changed.
    pub fn announce(&self, change_id: ChangeId, elements: &[(&str, Option<&str>)]) {
        self.append(Channel::Autoupdate, announcement(change_id, elements).as_bytes());
    }

    /// Appends a message to a channel, whatever its content.
    pub fn append(&self, channel: Channel, content: &[u8]) {
        let mut state = self.lock();
        state.appended += 1;
        let position = Position::from_numbers([state.appended, 0]);
        let stream = state.stream_mut(channel);
        stream.push_back(message(position, content));
        if stream.len() > MESSAGES_MAX {
            stream.pop_front();
        }
        drop(state);
        self.written.send_replace(());
    }

    /// Drops the oldest messages of a channel, so that `keep` remain.
    pub fn trim(&self, channel: Channel, keep: usize) {
        let mut state = self.lock();
        let stream = state.stream_mut(channel);
        stream.drain(..stream.len().saturating_sub(keep));
    }

    /// Deletes everything, including the messages, like a restarted Redis without persistence.
    pub fn clear(&self) {
        let mut state = self.lock();
        let (appended, clock) = (state.appended, state.clock);
        *state = MemoryState { appended, clock, failing: state.failing.take(), ..MemoryState::default() };
    }

    /// Advances the clock by which applause is timed.
    pub fn let_seconds_pass(&self, seconds: u64) {
        self.lock().clock.seconds_at_start += seconds;
    }

    /// Makes every port over this server unavailable with this reason; `None`: no longer.
    pub fn set_failing(&self, reason: Option<&str>) {
        self.lock().failing = reason.map(ToOwned::to_owned);
        self.written.send_replace(());
    }

    /// Appends a message at a certain position, like a stream that was started again with another clock. Later ones
    /// follow it.
    pub fn append_at(&self, channel: Channel, position: Position, content: &[u8]) {
        let mut state = self.lock();
        [state.appended, _] = position.to_numbers();
        state.stream_mut(channel).push_back(message(position, content));
        drop(state);
        self.written.send_replace(());
    }

    /// Returns the state, unless it fails on demand.
    pub(super) fn state(&self) -> Result<MutexGuard<'_, MemoryState>, Unavailable> {
        let state = self.lock();
        match &state.failing {
            Some(reason) => Err(silent(reason)),
            None => Ok(state),
        }
    }

    /// Returns a receiver that is notified of writes from now on.
    pub(super) fn written(&self) -> watch::Receiver<()> {
        self.written.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, MemoryState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MemoryState {
    /// Returns the bounds, once the cache is built and holds a meeting.
    pub(super) fn ready(&self) -> Result<Bounds, StoreError> {
        let bounds = self.bounds.ok_or(StoreError::NotReady)?;
        if self.elements.is_empty() { Err(StoreError::Incomplete(loss(MeetingPart::Elements))) } else { Ok(bounds) }
    }

    /// Returns the messages of a channel, oldest first.
    pub(super) fn stream(&self, channel: Channel) -> &VecDeque<BusMessage> {
        match channel {
            Channel::Autoupdate => &self.autoupdate,
            Channel::Notify => &self.notify,
        }
    }

    fn stream_mut(&mut self, channel: Channel) -> &mut VecDeque<BusMessage> {
        match channel {
            Channel::Autoupdate => &mut self.autoupdate,
            Channel::Notify => &mut self.notify,
        }
    }
}

/// Returns the content of the stream entry that announces a change, as the server writes it: element texts are
/// unchanged, `None` is a deleted element.
#[must_use]
pub fn announcement(change_id: ChangeId, elements: &[(&str, Option<&str>)]) -> String {
    let members: Vec<_> = elements
        .iter()
        .map(|(key, json)| format!("{}:{}", domain::json::string_literal(key), json.unwrap_or("null")))
        .collect();
    format!("{{\"elements\":{{{}}},\"change_id\":{change_id}}}", members.join(","))
}

fn message(position: Position, content: &[u8]) -> BusMessage {
    let appended_at = SystemTime::now().duration_since(UNIX_EPOCH).ok();
    BusMessage { position, content: content.to_vec(), appended_at }
}
