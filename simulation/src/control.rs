//! How does the world control a client, and what does the client have?

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::testing::client::{Client, ThrottledClient};
use tokio::sync::watch;

use crate::event::Act;

/// What a client has and does.
#[derive(Default)]
pub(crate) struct State {
    /// What it has applied, and what it still holds back.
    pub(crate) data: ThrottledClient,
    /// Whether it applies lines a second after they arrive, instead of at once.
    pub(crate) is_throttled: bool,
    remembered: Client,
    pub(crate) is_online: bool,
    pub(crate) is_stalled: bool,
    pub(crate) is_connected: bool,
    /// The viewers that the stream may be served as, given the lines so far. 0 is anonymous.
    pub(crate) served_as: BTreeSet<u64>,
    /// The `to_change_id` of the last line of this stream.
    pub(crate) last_to: Option<u64>,
    /// The instance it uses.
    pub(crate) instance: usize,
    /// How many lines it has received in total.
    pub(crate) lines: u64,
}

/// A handle to a client, shared with the world.
#[derive(Clone)]
pub(crate) struct Control {
    state: Arc<Mutex<State>>,
    /// Incremented when the client must reconnect.
    pub(crate) connection: watch::Sender<u64>,
    /// Notified when the client resumes reading.
    pub(crate) resumed: watch::Sender<()>,
}

impl Control {
    /// Creates a client that is not connected yet.
    pub(crate) fn new(is_throttled: bool, instance: usize) -> Self {
        let state = State { is_throttled, instance, ..State::default() };
        Self { state: Arc::new(Mutex::new(state)), connection: watch::Sender::new(0), resumed: watch::Sender::new(()) }
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
            Act::Stall => state.is_stalled = true,
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
        drop(state);
        match act {
            Act::Stall | Act::Remember | Act::Move => {}
            Act::Return | Act::Resume => {
                self.resumed.send_replace(());
            }
            _ => self.connection.send_modify(|number| *number += 1),
        }
    }

    /// Makes the client start over, without the state that it remembered.
    pub(crate) fn forget(&self) {
        self.state().remembered = Client::default();
        self.act(Act::Reload);
    }

    /// Returns once the state satisfies `is_so`.
    pub(crate) async fn until(&self, is_so: impl Fn(&State) -> bool) {
        let mut resumed = self.resumed.subscribe();
        while !is_so(&self.state()) {
            // The sender lives as long as `self`.
            let _ = resumed.changed().await;
        }
    }
}

/// Wraps a client that holds nothing back.
fn holding(client: Client) -> ThrottledClient {
    let mut data = ThrottledClient::default();
    data.client = client;
    data
}
