//! Where does the meeting come from? (spec: redis.md#keys)

use async_trait::async_trait;

use super::Unavailable;
use super::message_bus::Position;
use crate::ids::ChangeId;

/// The elements of the meeting and the change ids at which they last changed: the truth that the service converges to.
///
/// Every answer MUST be of one moment: its bounds and elements belong together. Ids are those that the server wrote;
/// the store never invents one. Keys and texts are handed over unchanged, including those that do not parse: reading
/// them is the domain's task. A call MUST end in bounded time (seconds, not minutes), with [`StoreError::Unavailable`]
/// if the other side does not answer. Reading changes nothing.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait ElementStore: Send + Sync {
    /// Returns what operators call this store, for log lines such as "cannot compare the meeting with Redis".
    fn name(&self) -> &'static str;

    /// Describes the loss of a part in the words of this store, for operators and clients.
    fn loss(&self, part: MeetingPart) -> Loss;

    /// Returns the whole meeting. [`StoreError::NotReady`] while the server is building its cache;
    /// [`StoreError::Incomplete`] if the cache claims to be ready but holds no element or no change id: then a part of
    /// it was lost, which does not count as deleted.
    async fn load(&self) -> Result<Snapshot, StoreError>;

    /// Returns every element whose last change came after `since`, with its current value, up to the newest change.
    ///
    /// `read` is the position of the message that was read last on the channel of changes of the bus that belongs to
    /// this store; see [`ChangedSince::follows`].
    ///
    /// A change MUST NOT be split: the elements of a change are all included or none, and [`Bounds::highest`] is the
    /// last change included. With nothing new the list is empty. [`StoreError::NotReady`] while the cache is being
    /// built (it would look like a meeting in which everything was deleted), [`StoreError::Incomplete`] as for
    /// [`ElementStore::load`].
    async fn changed_since(&self, since: ChangeId, read: Position) -> Result<ChangedSince, StoreError>;

    /// Returns the keys of every element whose last change came after `since`. Errors as for
    /// [`ElementStore::changed_since`].
    async fn keys_changed_since(&self, since: ChangeId) -> Result<KeysChanged, StoreError> {
        let changed = self.changed_since(since, Position::START).await?;
        Ok(KeysChanged {
            bounds: changed.bounds,
            keys: changed.elements.into_iter().map(|element| element.key).collect(),
        })
    }

    /// Returns the highest and lowest change id. [`StoreError::NotReady`] and [`StoreError::Incomplete`] as for
    /// [`ElementStore::load`].
    async fn bounds(&self) -> Result<Bounds, StoreError>;

    /// Returns a number that grows when later answers come from another store than earlier ones, as after a fail-over:
    /// changes may be missing there, and their ids reused. Then the bounds alone do not show whether what is known is
    /// still valid. An adapter that cannot tell always returns 0.
    fn epoch(&self) -> u64 {
        0
    }
}

/// The range of change ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The id with which the server's cache was built. A different one means that everything may have changed.
    pub lowest: ChangeId,
    /// The id of the newest change; `lowest` if there was none.
    pub highest: ChangeId,
}

/// The whole meeting at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The ids it belongs to.
    pub bounds: Bounds,
    /// Every element, in no particular order.
    pub elements: Vec<RawElement>,
}

/// What changed after some change id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedSince {
    /// The ids the values belong to.
    pub bounds: Bounds,
    /// Every element that changed, each once, in no particular order.
    pub elements: Vec<RawElement>,
    /// How many elements the store holds at that moment, including those that do not parse. If it is fewer than a
    /// meeting brought up to date with these values has, the store lost some.
    pub count: u64,
    /// Whether the message that was read last was still on the channel at that moment. If not, the store may have lost
    /// changes and given their ids to others, and the answer may be about another meeting than the one that is known; or
    /// the channel was trimmed. MUST be true after [`Position::START`], where there is no message.
    pub follows: bool,
}

/// Which elements changed after some change id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeysChanged {
    /// The ids of the moment of the answer. With another [`Bounds::lowest`] than that of a meeting, or a
    /// [`Bounds::highest`] below that meeting's, the answer does not say what changed in that meeting.
    pub bounds: Bounds,
    /// Their keys, each once, in no particular order. They may not parse.
    pub keys: Vec<Vec<u8>>,
}

/// An element as the store has it, not yet read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawElement {
    /// Its key, which may not parse.
    pub key: Vec<u8>,
    /// Its JSON text, which may not parse; `None` if it is deleted.
    pub json: Option<Vec<u8>>,
}

/// A part without which there is no meeting. The server never deletes it: the store dropped it, or a person did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MeetingPart {
    /// All elements.
    Elements,
    /// All configuration values, though other elements are there. The server writes the configuration first.
    Configuration,
    /// All change ids.
    ChangeIds,
    /// The id that the cache was built with.
    LowestChangeId,
}

/// What a store that lost a part of the meeting says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Loss {
    /// What is missing.
    pub part: MeetingPart,
    /// The same as a sentence that names the part as the store does. Safe to show to anyone.
    pub text: &'static str,
    /// What to do about it, for operators.
    pub advice: &'static str,
}

/// Why the store has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The server has not filled its cache yet, or is filling it again.
    #[error("the OpenSlides server has not filled its cache yet")]
    NotReady,
    /// The server has filled its cache, but a part of it is gone.
    #[error(transparent)]
    Incomplete(Loss),
    /// The store does not answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl StoreError {
    /// Returns why there is no answer, in words safe to show to anyone.
    pub fn public(&self) -> String {
        match self {
            Self::NotReady | Self::Incomplete(_) => self.to_string(),
            Self::Unavailable(unavailable) => unavailable.public(),
        }
    }
}
