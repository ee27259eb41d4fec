//! Which keys changed after a change id? The store is asked once for all clients that return with the same id.

use std::sync::Arc;

use domain::ids::{ChangeId, ElementKey};
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{OptionsBuilder, Weighter};

use crate::delivery::Hasher;

/// The store's answers as of one version, by change id: after a restart many clients ask the same.
///
/// About [`CHANGED_KEYS_BYTES_MAX`] bytes are kept; beyond that the least used answer is dropped, and asked for again on demand.
#[derive(Debug)]
pub(crate) struct ChangedKeys(Cache<ChangeId, Arc<[ElementKey]>, AnswerWeight, Hasher>);

/// How many bytes of answers are kept.
pub const CHANGED_KEYS_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Approximate size of a kept answer besides its keys, in bytes.
const ENTRY_BYTES: u64 = 128;

#[derive(Clone)]
struct AnswerWeight;

impl Weighter<ChangeId, Arc<[ElementKey]>> for AnswerWeight {
    fn weight(&self, _: &ChangeId, keys: &Arc<[ElementKey]>) -> u64 {
        size_of_val(&**keys) as u64 + ENTRY_BYTES
    }
}

impl ChangedKeys {
    /// Returns the keys that changed after `change_id`. The first caller asks the store with `ask`; concurrent callers
    /// wait. If that fails, or the first caller gives up, the next one asks.
    ///
    /// # Errors
    /// Whatever error `ask` returns.
    pub(crate) async fn get_or_ask<E>(
        &self,
        change_id: ChangeId,
        ask: impl Future<Output = Result<Arc<[ElementKey]>, E>>,
    ) -> Result<Arc<[ElementKey]>, E> {
        self.0.get_or_insert_async(&change_id, ask).await
    }

    /// Returns approximately how many bytes the kept answers take.
    pub(crate) fn bytes(&self) -> u64 {
        self.0.weight()
    }
}

impl Default for ChangedKeys {
    fn default() -> Self {
        const ANSWERS_EXPECTED: usize = 256;
        // One shard: otherwise each would have a share of the capacity, into which large answers do not fit.
        let options = OptionsBuilder::new()
            .shards(1)
            .estimated_items_capacity(ANSWERS_EXPECTED)
            .weight_capacity(CHANGED_KEYS_BYTES_MAX)
            .build()
            .expect("all that must be given is given");
        Self(Cache::with_options(options, AnswerWeight, Hasher::default(), DefaultLifecycle::default()))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use domain::collection::Collection;

    use super::*;

    /// Asks for the keys after `change_id`. The store counts the request, yields once, and answers with that many keys.
    async fn ask(keys: &ChangedKeys, change_id: u64, asked: &Cell<u32>, answer: Result<u64, ()>) -> Result<usize, ()> {
        let ask = async {
            asked.set(asked.get() + 1);
            tokio::task::yield_now().await;
            Ok((1..=answer?).map(|id| ElementKey::new(Collection::User, id)).collect())
        };
        keys.get_or_ask(ChangeId(change_id), ask).await.map(|keys| keys.len())
    }

    #[tokio::test]
    async fn equal_requests_ask_the_store_once() {
        let (keys, asked) = (ChangedKeys::default(), Cell::new(0));
        let answers = tokio::join!(ask(&keys, 1, &asked, Ok(3)), ask(&keys, 1, &asked, Ok(4)));
        assert_eq!((answers, asked.get()), ((Ok(3), Ok(3)), 1));
        assert_eq!(ask(&keys, 2, &asked, Ok(5)).await, Ok(5));
        assert_eq!(asked.get(), 2);
    }

    #[tokio::test]
    async fn a_failed_request_is_repeated() {
        let (keys, asked) = (ChangedKeys::default(), Cell::new(0));
        let answers = tokio::join!(ask(&keys, 1, &asked, Err(())), ask(&keys, 1, &asked, Ok(3)));
        assert_eq!((answers, asked.get()), ((Err(()), Ok(3)), 2));
    }

    #[tokio::test]
    async fn more_than_there_is_room_for_is_not_kept() {
        let (keys, asked) = (ChangedKeys::default(), Cell::new(0));
        let too_many = CHANGED_KEYS_BYTES_MAX / size_of::<ElementKey>() as u64;
        for _ in 0..2 {
            assert_eq!(ask(&keys, 1, &asked, Ok(too_many)).await, Ok(too_many as usize));
        }
        assert_eq!(asked.get(), 2);
        assert_eq!(keys.0.weight(), 0);
    }
}
