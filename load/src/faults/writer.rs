//! What does the OpenSlides server do meanwhile? It changes the meeting at a steady rate, and carries on after failures.

use std::sync::Arc;
use std::time::Duration;

use domain::collection::Collection;
use domain::ids::ElementKey;
use domain::testing::generator::Generated;
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use super::canary::{Canary, wire};
use crate::error::LoadError;
use crate::publisher::{Access, Change, Published, Publisher};

/// How long a change may take before the server gives it up. It may be written nevertheless.
const CHANGE_SECONDS_MAX: u64 = 2;

/// How long the last change may be refused.
const LAST_SECONDS_MAX: u64 = 60;

/// The pause between two attempts to write the last change.
const PAUSE: Duration = Duration::from_millis(100);

/// How many lists of speakers change in turn.
const LISTS: u64 = 20;

/// Which element everybody sees: a tag.
const TAG: u64 = 999_999;

/// The server: writes until it is dropped.
#[derive(Debug)]
pub(super) struct Writer {
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
    access: Access,
}

/// What the server did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Written {
    /// Changes that were written.
    pub(super) changes: u64,
    /// Changes that Redis refused, or did not answer in time.
    pub(super) refused: u64,
}

struct State {
    url: String,
    publisher: Option<Publisher>,
    lists: Vec<(ElementKey, Value)>,
    canary: Canary,
    number: u64,
    rate: u64,
    /// After how many changes the canary comes or goes.
    canary_every: u64,
    written: Written,
}

impl std::fmt::Debug for State {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("State").field("url", &self.url).field("written", &self.written).finish_non_exhaustive()
    }
}

impl Writer {
    /// Begins to change the meeting in the Redis at `url` so many times a second. The canary comes or goes every so many
    /// seconds.
    ///
    /// # Errors
    /// The meeting lacks what is changed.
    pub(super) fn start(
        url: &str,
        meeting: &Generated,
        access: &Access,
        rate: u64,
        canary_seconds: u64,
    ) -> Result<Self, LoadError> {
        let list =
            |id| Some((ElementKey::new(Collection::ListOfSpeakers, id), meeting.get(Collection::ListOfSpeakers, id)?));
        let state = State {
            url: url.to_owned(),
            publisher: None,
            lists: (1..=LISTS).filter_map(list).collect(),
            canary: Canary::new(meeting)?,
            number: 0,
            rate: rate.max(1),
            canary_every: (rate * canary_seconds).max(2),
            written: Written::default(),
        };
        if state.lists.is_empty() {
            return Err(LoadError::Usage("the meeting has no list of speakers".to_owned()));
        }
        let state = Arc::new(Mutex::new(state));
        let task = tokio::spawn(write(Arc::clone(&state)));
        Ok(Self { state, task, access: access.clone() })
    }

    /// Returns what was written so far.
    pub(super) async fn written(&self) -> Written {
        self.state.lock().await.written
    }

    /// Writes to another Redis from now on.
    pub(super) async fn move_to(&self, url: &str) {
        let mut state = self.state.lock().await;
        url.clone_into(&mut state.url);
        state.publisher = None;
    }

    /// Stops writing until the returned guard is dropped.
    pub(super) async fn pause(&self) -> Paused<'_> {
        Paused { state: self.state.lock().await, access: &self.access }
    }

    /// Writes a change that everybody sees, after which nothing is written any more. Returns its change id.
    ///
    /// # Errors
    /// Redis refuses it for too long.
    pub(super) async fn finish(&self) -> Result<u64, LoadError> {
        let mut state = self.state.lock().await;
        self.task.abort();
        let end = Instant::now() + Duration::from_secs(LAST_SECONDS_MAX);
        loop {
            let change = state.tag();
            match state.publish(&change).await {
                Ok(published) => return Ok(published.change_id),
                Err(error) if Instant::now() > end => return Err(error),
                Err(_) => sleep(PAUSE).await,
            }
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A server that writes nothing of its own accord.
pub(super) struct Paused<'a> {
    state: MutexGuard<'a, State>,
    access: &'a Access,
}

impl Paused<'_> {
    /// Builds the cache anew, as after a restart of the server, with the meeting as it was in the beginning.
    ///
    /// # Errors
    /// Redis does not answer.
    pub(super) async fn rebuild(&mut self, meeting: &Generated, lowest: u64) -> Result<(), LoadError> {
        let mut publisher = Publisher::connect(&self.state.url).await?;
        publisher.rebuild(meeting, self.access, lowest).await?;
        self.state.publisher = Some(publisher);
        Ok(())
    }
}

async fn write(state: Arc<Mutex<State>>) {
    let mut ticks = interval(Duration::from_micros(1_000_000 / state.lock().await.rate));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let mut state = state.lock().await;
        let change = state.next();
        // The caller of a real server would be told of the failure.
        let _ = state.publish(&change).await;
    }
}

impl State {
    fn next(&mut self) -> Change {
        self.number += 1;
        // Once a second somebody does something that everybody sees.
        if self.number.is_multiple_of(self.rate) {
            return self.tag();
        }
        if self.number % self.canary_every == 1 {
            return self.canary.change((self.number / self.canary_every).is_multiple_of(2));
        }
        let (number, count) = (self.number, self.lists.len() as u64);
        let (key, list) = &mut self.lists[(number % count) as usize];
        if let Some(last) = list["speakers"].as_array_mut().and_then(|speakers| speakers.last_mut()) {
            last["weight"] = json!(1_000 + number);
        }
        vec![(*key, Some(wire(list)))]
    }

    fn tag(&self) -> Change {
        let (at, written) = (self.number, self.written);
        let name = format!("change {at}, {} written, {} refused", written.changes, written.refused);
        vec![(ElementKey::new(Collection::Tag, TAG), Some(wire(&json!({"id": TAG, "name": name}))))]
    }

    async fn publish(&mut self, change: &Change) -> Result<Published, LoadError> {
        let attempt = async {
            if self.publisher.is_none() {
                self.publisher = Some(Publisher::connect(&self.url).await?);
            }
            match &mut self.publisher {
                Some(publisher) => publisher.publish(change).await,
                None => Err(LoadError::Usage("not connected".to_owned())),
            }
        };
        let what = || "a change to be written".to_owned();
        let result = timeout(Duration::from_secs(CHANGE_SECONDS_MAX), attempt).await;
        let result = result.unwrap_or_else(|_| Err(LoadError::TimeOut { what: what(), seconds: CHANGE_SECONDS_MAX }));
        match &result {
            Ok(_) => self.written.changes += 1,
            Err(_) => {
                self.written.refused += 1;
                self.publisher = None;
            }
        }
        result
    }
}
