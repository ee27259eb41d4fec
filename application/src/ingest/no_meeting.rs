//! Why does the store have no meeting, and what do the log and clients learn of it?

use std::borrow::Cow;

use domain::ports::Unavailable;
use domain::ports::element_store::{Missing, StoreError};
use tracing::{debug, warn};

/// Why the store did not answer. Its duration and wording do not matter: they are no news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    NotReady,
    Incomplete(Missing),
    Silent,
    Refused,
}

/// What to do when a part of the meeting is missing.
const COMPLETE_ADVICE: &str = "a Redis that drops keys (an eviction policy) must not be used: set its maxmemory-policy to \
    noeviction and give it enough memory; then restart the OpenSlides server, so that it rebuilds its cache";

impl From<&StoreError> for Failure {
    fn from(error: &StoreError) -> Self {
        match error {
            StoreError::NotReady => Self::NotReady,
            StoreError::Incomplete(part) => Self::Incomplete(*part),
            StoreError::Unavailable(Unavailable::Silent(_)) => Self::Silent,
            StoreError::Unavailable(Unavailable::Refused { .. }) => Self::Refused,
        }
    }
}

impl Failure {
    /// Replaces the failure of the previous attempt, before there is a meeting, and logs the new one as a warning if it
    /// is different. This may go on for hours.
    pub(super) fn before_the_first_meeting(last: &mut Option<Self>, error: &StoreError, attempt: u32) {
        if last.replace(error.into()) == Some(error.into()) {
            debug!(%error, attempt, "still no meeting; retrying");
        } else if let StoreError::Incomplete(_) = error {
            warn!(%error, attempt, advice = COMPLETE_ADVICE, "no meeting yet; retrying");
        } else {
            warn!(%error, attempt, "no meeting yet; retrying");
        }
    }

    /// Does the same while a meeting is served that cannot be compared with the store.
    pub(super) fn while_serving(last: &mut Option<Self>, error: &StoreError) {
        if last.replace(error.into()) == Some(error.into()) {
            return;
        }
        match error {
            StoreError::NotReady => {
                warn!("the OpenSlides server is building its cache, or Redis was emptied; clients keep what they have");
            }
            StoreError::Incomplete(_) => warn!(%error, advice = COMPLETE_ADVICE, "clients keep what they have"),
            StoreError::Unavailable(_) => {
                warn!(%error, "cannot compare the meeting with Redis; clients keep what they have");
            }
        }
    }
}

/// Returns why there is no meeting, in words for anybody: the address of the store is only for the log.
pub(super) fn for_anybody(error: &StoreError) -> Cow<'static, str> {
    match error {
        StoreError::NotReady | StoreError::Incomplete(_) => error.to_string().into(),
        StoreError::Unavailable(Unavailable::Silent(_)) => "Redis does not answer".into(),
        StoreError::Unavailable(Unavailable::Refused { what, .. }) => format!("Redis refuses {what}").into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(error: impl Into<StoreError>, expected: &str) {
        assert_eq!(for_anybody(&error.into()), expected);
    }

    #[test]
    fn clients_get_the_reason_without_addresses() {
        let secret = || "Redis at 10.0.0.7:6379: the change ids: refused".to_owned();
        check(StoreError::NotReady, "the OpenSlides server has not filled its cache yet");
        check(
            StoreError::Incomplete(Missing::Elements),
            "the meeting in Redis is incomplete: `full_data`, the hash of all elements, is missing",
        );
        check(Unavailable::Silent(secret()), "Redis does not answer");
        let refused = Unavailable::Refused { what: "the command GET (NOPERM)".to_owned(), cause: secret() };
        check(refused, "Redis refuses the command GET (NOPERM)");
    }
}
