//! How does the world control a client, and what does the client have?

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::testing::client::{Client, ThrottledClient};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::event::Act;
use crate::slides::Slides;

/// What a client has and does.
#[derive(Default)]
pub(crate) struct State {
    /// What it has applied, and what it still holds back.
    pub(crate) data: ThrottledClient,
    /// Whether it applies lines a second after they arrive, instead of at once.
    pub(crate) is_throttled: bool,
    remembered: Client,
    /// Grows when the client must begin other connections.
    connection: u64,
    pub(crate) is_online: bool,
    pub(crate) is_stalled: bool,
    /// It has stalled since it connected.
    pub(crate) has_stalled: bool,
    pub(crate) is_connected: bool,
    /// When it was connected last.
    pub(crate) connected_at: Option<Instant>,
    /// The hash with which the session of its stream was begun.
    pub(crate) at_login: Option<String>,
    /// How often in a row it could not be served, through no fault of its own.
    pub(crate) failures: u32,
    /// What its stream of slides has told.
    pub(crate) slides: Slides,
    /// As whom the stream may be served, after all that its lines have told.
    pub(crate) served_as: BTreeSet<u64>,
    /// The `to_change_id` of the last line of this stream.
    pub(crate) last_to: Option<u64>,
    /// The instance it uses.
    pub(crate) instance: usize,
    /// The client came with data, and the instance may not have compared the meeting with Redis since: it may hold back
    /// lines about versions that this instance passes over.
    pub(crate) may_have_more: bool,
    /// In which era of the server the version of the last line was.
    pub(crate) era: usize,
    /// The instances keep every version for a while.
    pub(crate) keeps_history: bool,
    /// How many lines came in all.
    pub(crate) lines: u64,
}

/// A handle to a client, shared with the world.
#[derive(Clone)]
pub(crate) struct Control {
    state: Arc<Mutex<State>>,
    /// Announced at every change; wakes the streams of the client in the order in which they wait.
    changed: Arc<Notify>,
}

impl Control {
    /// Creates a client that is not there yet.
    pub(crate) fn new(is_throttled: bool, instance: usize, keeps_history: bool) -> Self {
        let state = State { is_throttled, instance, keeps_history, ..State::default() };
        Self { state: Arc::new(Mutex::new(state)), changed: Arc::default() }
    }

    /// Locks the state of the client.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the client do something.
    pub(crate) fn act(&self, act: Act) {
        let mut state = self.state();
        match act {
            Act::Leave => state.is_online = false,
            Act::Return => state.is_online = true,
            Act::Break => {}
            Act::Stall => (state.is_stalled, state.has_stalled) = (true, true),
            Act::Resume => state.is_stalled = false,
            Act::Reload => state.data = ThrottledClient::default(),
            Act::Remember => state.remembered = state.data.client.clone(),
            Act::GoBack => state.data = holding(state.remembered.clone()),
            Act::ClaimFuture => {
                let mut client = state.data.client.clone();
                client.change_id += 1_000_000;
                state.data = holding(client);
            }
            Act::Move => state.instance += 1,
        }
        match act {
            Act::Stall | Act::Remember | Act::Move | Act::Return | Act::Resume => {}
            Act::Leave | Act::Break | Act::Reload | Act::GoBack | Act::ClaimFuture => state.connection += 1,
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// Makes the client start over, without the state that it remembered.
    pub(crate) fn forget(&self) {
        self.state().remembered = Client::default();
        self.act(Act::Reload);
    }

    /// Returns once that is so.
    pub(crate) async fn until(&self, is_so: impl Fn(&State) -> bool) {
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            if is_so(&self.state()) {
                return;
            }
            changed.await;
        }
    }

    /// Returns once the connections of now must end.
    pub(crate) async fn ended(&self) {
        let connection = self.state().connection;
        self.until(|state| state.connection != connection).await;
    }
}

/// Wraps a client that holds nothing back.
fn holding(client: Client) -> ThrottledClient {
    let mut data = ThrottledClient::default();
    data.client = client;
    data
}
