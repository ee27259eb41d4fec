//! Where does the meeting come from? (spec: redis.md#keys)

use async_trait::async_trait;

use super::Unavailable;
use crate::ids::ChangeId;

/// The elements of the meeting and the change ids at which they last changed: the truth that the service converges to.
///
/// Every answer MUST be of one moment: the bounds and the elements in it belong together. Ids only come from here as the
/// server wrote them; the store never makes one up. Keys and texts are handed over as they are, also those that do not
/// parse: reading them is the domain's task. A call MUST end in bounded time (seconds, not minutes), with
/// [`StoreError::Unavailable`] if the other side does not answer. Reading changes nothing.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait ElementStore: Send + Sync {
    /// The whole meeting. [`StoreError::NotReady`] while the server is building its cache, [`StoreError::Incomplete`] if
    /// that calls itself ready but holds no element or no change id: then a part of it was lost, and is not taken for
    /// deleted.
    async fn load(&self) -> Result<Snapshot, StoreError>;

    /// Every element whose last change came after `since`, with its present value, up to the newest change.
    ///
    /// A change MUST NOT be split: the elements of a change are all there or none, and [`Bounds::highest`] is the change
    /// they reach to. With nothing new the list is empty. [`StoreError::NotReady`] while the cache is being built (it
    /// would look like a meeting in which everything was deleted), [`StoreError::Incomplete`] as for
    /// [`ElementStore::load`].
    async fn changed_since(&self, since: ChangeId) -> Result<ChangedSince, StoreError>;

    /// The keys of every element whose last change came after `since`, each once, in no order.
    async fn keys_changed_since(&self, since: ChangeId) -> Result<Vec<Vec<u8>>, StoreError> {
        Ok(self.changed_since(since).await?.elements.into_iter().map(|element| element.key).collect())
    }

    /// The highest and lowest change id. [`StoreError::NotReady`] and [`StoreError::Incomplete`] as for
    /// [`ElementStore::load`].
    async fn bounds(&self) -> Result<Bounds, StoreError>;

    /// Grows when later answers come from another store than earlier ones, as after a fail-over: changes may be missing
    /// there, and their ids given anew. Then the bounds alone do not tell whether what is known still holds. An adapter
    /// that cannot tell always says 0.
    fn epoch(&self) -> u64 {
        0
    }
}

/// Which change ids there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The id the server's cache was built with. Another one means that everything may have changed.
    pub lowest: ChangeId,
    /// The id of the newest change; `lowest` if there was none.
    pub highest: ChangeId,
}

/// The whole meeting at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The ids it belongs to.
    pub bounds: Bounds,
    /// Every element, in no order.
    pub elements: Vec<RawElement>,
}

/// What changed after some change id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedSince {
    /// The ids the values belong to.
    pub bounds: Bounds,
    /// Every element that changed, each once, in no order.
    pub elements: Vec<RawElement>,
    /// How many elements the store holds at that moment, those that do not parse included: never fewer than a meeting that
    /// these values bring up to it, or the store lost some of them.
    pub count: u64,
}

/// An element as it stands in the store, nothing of it read yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawElement {
    /// Its key, which may not parse.
    pub key: Vec<u8>,
    /// Its JSON text, which may not parse; `None` if it is deleted.
    pub json: Option<Vec<u8>>,
}

/// A part without which there is no meeting. The server never deletes it: Redis dropped it (by an eviction policy), or a
/// person did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// No element is there.
    #[error("`full_data`, the hash of all elements,")]
    Elements,
    /// No element is a configuration value, though the server writes those first.
    #[error("the configuration, `core/config` in `full_data`,")]
    Configuration,
    /// No change id is there.
    #[error("`change_id`, the sorted set of change ids,")]
    ChangeIds,
    /// The id that the cache was built with is not there.
    #[error("the lowest change id, `_config:lowest_change_id` in `change_id`,")]
    LowestChangeId,
}

/// Why the store has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The server has not filled its cache yet, or is filling it anew.
    #[error("the OpenSlides server has not filled its cache yet")]
    NotReady,
    /// The server has filled its cache, but a part of that is gone.
    #[error("the meeting in Redis is incomplete: {0} is missing")]
    Incomplete(Missing),
    /// The store does not answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}
