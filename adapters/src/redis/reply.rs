//! What do the answers of Redis about change ids mean? (spec: redis.md#keys)

use domain::ids::ChangeId;
use domain::ports::element_store::{Bounds, Loss, MeetingPart, StoreError};
use redis::Pipeline;

use super::link::RedisLink;

/// The hash of all elements.
pub(super) const FULL_DATA_KEY: &str = "full_data";
/// The sorted set of change ids.
pub(super) const CHANGE_ID_KEY: &str = "change_id";
/// The member whose score is the id with which the cache was built.
pub(super) const LOWEST_MEMBER: &str = "_config:lowest_change_id";
/// Members with this prefix are not elements.
pub(super) const CONFIG_PREFIX: &[u8] = b"_config:";
/// Says whether the cache is complete.
const CACHE_READY_KEY: &str = "cache_ready";
const CACHE_READY: &[u8] = b"ok";

/// Above this a score, which is a floating point number, no longer distinguishes neighboring ids (2^53).
const SCORE_MAX: f64 = 9_007_199_254_740_992.0;

/// The answers to [`ask_bounds`]: whether the cache is ready, how many elements there are, the member with the highest
/// score, the lowest id.
pub(super) type BoundsReply = (Option<Vec<u8>>, u64, Vec<(Vec<u8>, f64)>, Option<f64>);

/// Adds the queries that every consistent answer needs.
pub(super) fn ask_bounds(commands: &mut Pipeline) {
    commands.get(CACHE_READY_KEY).hlen(FULL_DATA_KEY);
    commands.zrevrange_withscores(CHANGE_ID_KEY, 0, 0).zscore(CHANGE_ID_KEY, LOWEST_MEMBER);
}

/// Reads the answers to [`ask_bounds`].
pub(super) fn bounds(link: &RedisLink, (ready, elements, highest, lowest): BoundsReply) -> Result<Bounds, StoreError> {
    if ready.as_deref() != Some(CACHE_READY) {
        return Err(StoreError::NotReady);
    }
    // A cache that claims to be complete, and is not, lost a part: it looks like a meeting in which everything was
    // deleted.
    if elements == 0 {
        return Err(StoreError::Incomplete(loss(MeetingPart::Elements)));
    }
    let (_, highest) = highest.first().ok_or(StoreError::Incomplete(loss(MeetingPart::ChangeIds)))?;
    let lowest = lowest.ok_or(StoreError::Incomplete(loss(MeetingPart::LowestChangeId)))?;
    let id = |name: &str, score: f64| {
        change_id(score).ok_or_else(|| {
            StoreError::Unavailable(link.unavailable(
                name,
                &format!(
                    "{score} in the sorted set `{CHANGE_ID_KEY}` is not a change id (a whole number from 0 to 2^53)"
                ),
            ))
        })
    };
    Ok(Bounds { lowest: id("lowest change id", lowest)?, highest: id("highest change id", *highest)? })
}

/// Describes the loss of a part by the names of its keys.
pub(super) const fn loss(part: MeetingPart) -> Loss {
    let text = match part {
        MeetingPart::Elements => {
            "the meeting in Redis is incomplete: `full_data`, the hash of all elements, is missing"
        }
        MeetingPart::Configuration => {
            "the meeting in Redis is incomplete: the configuration, `core/config` in `full_data`, is missing"
        }
        MeetingPart::ChangeIds => {
            "the meeting in Redis is incomplete: `change_id`, the sorted set of change ids, is missing"
        }
        MeetingPart::LowestChangeId => {
            "the meeting in Redis is incomplete: the lowest change id, `_config:lowest_change_id` in `change_id`, is missing"
        }
    };
    let advice = "a Redis that drops keys (an eviction policy) must not be used: set its maxmemory-policy to noeviction and \
        give it enough memory; then restart the OpenSlides server, so that it rebuilds its cache";
    Loss { part, text, advice }
}

/// Returns the change id that a score stands for; `None` if it is none.
fn change_id(score: f64) -> Option<ChangeId> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be a whole number in range"
    )]
    (score.fract() == 0.0 && (0.0..=SCORE_MAX).contains(&score)).then_some(ChangeId(score as u64))
}
