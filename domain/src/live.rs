//! Which version of the meeting is the present one? Shared by all connections; whoever writes it, replaces it at once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;

use crate::difference::Transition;
use crate::history::{History, HistoryLimits};
use crate::line::{Encoder, Line};
use crate::meeting::{Meeting, Version};
use crate::piece::Pieces;

pub use crate::piece::{PIECES_BYTES_MAX, PiecesUse};

/// The meeting as the service serves it now.
#[derive(Debug)]
pub struct Live {
    published: RwLock<Option<Arc<Published>>>,
    is_loaded: watch::Sender<bool>,
    pieces: Pieces,
    limits: HistoryLimits,
}

/// One state of the service: the present version and the way to it from recent ones.
#[derive(Debug)]
pub struct Published {
    history: History,
    /// Made when the first connection asks; most connections come from the version just before.
    transitions: Mutex<BTreeMap<Version, Option<Arc<Transition>>>>,
}

impl Live {
    /// A service that has no meeting yet. At most `pieces_bytes_max` bytes of rendered text are kept for sharing.
    #[must_use]
    pub fn new(limits: HistoryLimits, pieces_bytes_max: u64) -> Self {
        Self {
            published: RwLock::default(),
            is_loaded: watch::Sender::new(false),
            pieces: Pieces::new(pieces_bytes_max),
            limits,
        }
    }

    /// What is served now; `None` until the first meeting is there.
    #[must_use]
    pub fn published(&self) -> Option<Arc<Published>> {
        // Held for one clone only, by readers and writers.
        self.published.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What is served, once there is a meeting: at once if there is one.
    pub async fn loaded(&self) -> Option<Arc<Published>> {
        // An error would mean that the sender is gone, which is part of `self`.
        let _ = self.is_loaded.subscribe().wait_for(|is_loaded| *is_loaded).await;
        self.published()
    }

    /// Publishes the versions that follow the present one, in their order, as one step for whoever looks; `now` is a
    /// monotonic time. Only one caller at a time may make new versions: each must follow the one before.
    pub fn publish(&self, meetings: impl IntoIterator<Item = Meeting>, now: Duration) {
        let mut history = self.published().map(|published| published.history.clone());
        for meeting in meetings {
            match &mut history {
                Some(history) => history.push(meeting, now),
                None => history = Some(History::new(meeting, self.limits, now)),
            }
        }
        if let Some(history) = history {
            let published = Arc::new(Published { history, transitions: Mutex::default() });
            let before = self.published.write().unwrap_or_else(PoisonError::into_inner).replace(published);
            // What nobody needs any more is freed outside of the lock.
            drop(before);
            self.is_loaded.send_replace(true);
        }
    }

    /// The next part of a line, encoded; `None` when it is complete. Parts that others need too are made once.
    pub fn next_part(&self, line: &mut Line, encoder: &mut Encoder) -> Option<Bytes> {
        line.next_part(&self.pieces, encoder)
    }

    /// How much of what was rendered is kept, and how often it was of use.
    #[must_use]
    pub fn pieces(&self) -> PiecesUse {
        self.pieces.usage()
    }
}

impl Published {
    /// The present version.
    #[must_use]
    pub fn current(&self) -> &Arc<Meeting> {
        self.history.current()
    }

    /// The present version and the recent ones.
    #[must_use]
    pub fn history(&self) -> &History {
        &self.history
    }

    /// The way from an earlier version to the present one; `None` if that one is not kept any more.
    #[must_use]
    pub fn transition(&self, from: Version) -> Option<Arc<Transition>> {
        let mut transitions = self.transitions.lock().unwrap_or_else(PoisonError::into_inner);
        transitions.entry(from).or_insert_with(|| Transition::new(&self.history, from).map(Arc::new)).clone()
    }
}
