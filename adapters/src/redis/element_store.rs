//! How is the meeting read from Redis so that every answer is of one moment? (spec: redis.md#catch-up)

use std::collections::HashSet;

use async_trait::async_trait;
use domain::ids::ChangeId;
use domain::ports::Unavailable;
use domain::ports::element_store::{
    Bounds, ChangedSince, ElementStore, KeysChanged, Loss, MeetingPart, RawElement, Snapshot, StoreError,
};
use domain::ports::message_bus::{Channel, Position};

use super::Redis;
use super::link::{RedisLink, SYSTEM};
use super::reply::{BoundsReply, CHANGE_ID_KEY, CONFIG_PREFIX, FULL_DATA_KEY, ask_bounds, bounds, loss};
use super::stream::{EntryId, stream_key};

/// How many fields one command asks for, so that none blocks Redis for long. More go into further commands.
const FIELDS_PER_COMMAND_MAX: usize = 1_000;
/// How often changes are asked for while other elements keep changing. Then the answer is: unavailable, retry.
const ROUNDS_MAX: usize = 10;

/// The meeting in Redis, read from the read address.
#[derive(Clone, Debug)]
pub struct RedisElementStore {
    link: RedisLink,
}

impl RedisElementStore {
    /// Reads over these connections.
    #[must_use]
    pub fn new(redis: &Redis) -> Self {
        Self { link: redis.read.clone() }
    }

    /// Reads once which elements changed, the values of those that are known to have, and whether the entry `read` of the
    /// stream is still there; all of the same moment.
    async fn round(&self, since: ChangeId, read: Position, known: &[Vec<u8>]) -> Result<Round, StoreError> {
        let mut commands = redis::pipe();
        commands.atomic();
        ask_bounds(&mut commands);
        commands.zrangebyscore(CHANGE_ID_KEY, format!("({since}"), "+inf");
        let entry = EntryId::from(read).to_string();
        commands.xrange(stream_key(Channel::Autoupdate), &entry, &entry);
        for keys in known.chunks(FIELDS_PER_COMMAND_MAX) {
            commands.cmd("HMGET").arg(FULL_DATA_KEY).arg(keys);
        }
        let answer = self.link.ask_within(self.link.limits.load, "what changed", &commands).await?;
        Round::read(&self.link, answer, read, known.len())
    }
}

#[async_trait]
impl ElementStore for RedisElementStore {
    fn name(&self) -> &'static str {
        SYSTEM
    }

    fn loss(&self, part: MeetingPart) -> Loss {
        loss(part)
    }

    async fn load(&self) -> Result<Snapshot, StoreError> {
        let mut commands = redis::pipe();
        commands.atomic();
        ask_bounds(&mut commands);
        commands.hgetall(FULL_DATA_KEY);
        type Reply = (Option<Vec<u8>>, u64, Vec<(Vec<u8>, f64)>, Option<f64>, Vec<(Vec<u8>, Vec<u8>)>);
        let (ready, count, highest, lowest, elements): Reply =
            self.link.ask_within(self.link.limits.load, "the whole meeting", &commands).await?;
        let bounds = bounds(&self.link, (ready, count, highest, lowest))?;
        let elements = elements.into_iter().map(|(key, json)| RawElement { key, json: Some(json) }).collect();
        Ok(Snapshot { bounds, elements })
    }

    /// Which elements changed must be known before their values can be asked for, and others may change in between. So
    /// each round reads both in one transaction: the keys, and the values of the keys of earlier rounds. As soon as
    /// there is no new key, the answer is complete and of one moment, though that moment may have moved on.
    async fn changed_since(&self, since: ChangeId, read: Position) -> Result<ChangedSince, StoreError> {
        let mut known: Vec<Vec<u8>> = Vec::new();
        for _ in 0..ROUNDS_MAX {
            let round = self.round(since, read, &known).await?;
            let mut seen: HashSet<&[u8]> = known.iter().map(Vec::as_slice).collect();
            let new: Vec<_> = round.keys.iter().filter(|key| seen.insert(key)).cloned().collect();
            if new.is_empty() {
                return Ok(round.answer(known));
            }
            known.extend(new);
        }
        Err(StoreError::Unavailable(self.link.unavailable(
            "what changed",
            &format!("other elements changed in each of {ROUNDS_MAX} attempts to read them together; try again"),
        )))
    }

    async fn keys_changed_since(&self, since: ChangeId) -> Result<KeysChanged, StoreError> {
        let Round { bounds, keys, .. } = self.round(since, Position::START, &[]).await?;
        Ok(KeysChanged { bounds, keys })
    }

    async fn bounds(&self) -> Result<Bounds, StoreError> {
        let mut commands = redis::pipe();
        commands.atomic();
        ask_bounds(&mut commands);
        let answer: BoundsReply = self.link.ask("the change ids", &commands).await?;
        bounds(&self.link, answer)
    }

    fn epoch(&self) -> u64 {
        self.link.epoch()
    }
}

/// The result of one transaction.
struct Round {
    bounds: Bounds,
    /// How many elements there are.
    count: u64,
    /// The keys of every element that changed.
    keys: Vec<Vec<u8>>,
    /// Whether the entry that was read last is there.
    follows: bool,
    /// The values of the keys that were known before, in order.
    values: Vec<Option<Vec<u8>>>,
}

impl Round {
    fn read(link: &RedisLink, answer: Vec<redis::Value>, read: Position, known: usize) -> Result<Self, StoreError> {
        let unexpected = |_| StoreError::from(unexpected_answer(link));
        let mut answers = answer.into_iter();
        let mut next = || answers.next().ok_or_else(|| StoreError::from(unexpected_answer(link)));
        let ready = redis::from_redis_value(next()?).map_err(unexpected)?;
        let count = redis::from_redis_value(next()?).map_err(unexpected)?;
        let highest = redis::from_redis_value(next()?).map_err(unexpected)?;
        let lowest = redis::from_redis_value(next()?).map_err(unexpected)?;
        let bounds = bounds(link, (ready, count, highest, lowest))?;
        let mut keys: Vec<Vec<u8>> = redis::from_redis_value(next()?).map_err(unexpected)?;
        keys.retain(|key| !key.starts_with(CONFIG_PREFIX));
        let entries: Vec<redis::Value> = redis::from_redis_value(next()?).map_err(unexpected)?;
        // No entry is at the start.
        let follows = read == Position::START || !entries.is_empty();
        let mut values = Vec::with_capacity(known);
        for chunk in answers {
            values.extend(redis::from_redis_value::<Vec<Option<Vec<u8>>>>(chunk).map_err(unexpected)?);
        }
        if values.len() != known {
            return Err(unexpected_answer(link).into());
        }
        Ok(Self { bounds, count, keys, follows, values })
    }

    fn answer(self, known: Vec<Vec<u8>>) -> ChangedSince {
        // A key that is known but no longer named: the cache was rebuilt in between.
        let named: HashSet<&[u8]> = self.keys.iter().map(Vec::as_slice).collect();
        let elements = known
            .into_iter()
            .zip(self.values)
            .filter(|(key, _)| named.contains(key.as_slice()))
            .map(|(key, json)| RawElement { key, json })
            .collect();
        ChangedSince { bounds: self.bounds, elements, count: self.count, follows: self.follows }
    }
}

fn unexpected_answer(link: &RedisLink) -> Unavailable {
    link.unavailable("what changed", "the answer is not of the expected kind")
}
