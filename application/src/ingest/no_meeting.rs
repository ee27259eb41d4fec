//! Why does the store have no meeting, and what does the log say of it?

use domain::ports::Unavailable;
use domain::ports::element_store::{MeetingPart, StoreError};
use tracing::{debug, warn};

/// Why the store did not answer. Its duration and wording do not matter: they are no news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    NotReady,
    Incomplete(MeetingPart),
    Silent,
    Refused,
}

impl From<&StoreError> for Failure {
    fn from(error: &StoreError) -> Self {
        match error {
            StoreError::NotReady => Self::NotReady,
            StoreError::Incomplete(loss) => Self::Incomplete(loss.part),
            StoreError::Unavailable(Unavailable::Silent { .. }) => Self::Silent,
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
        } else if let StoreError::Incomplete(loss) = error {
            warn!(%error, attempt, advice = loss.advice, "no meeting yet; retrying");
        } else {
            warn!(%error, attempt, "no meeting yet; retrying");
        }
    }

    /// Does the same while a meeting is served that cannot be compared with the store called `store`.
    pub(super) fn while_serving(last: &mut Option<Self>, error: &StoreError, store: &str) {
        if last.replace(error.into()) == Some(error.into()) {
            return;
        }
        match error {
            StoreError::NotReady => {
                warn!(
                    "the OpenSlides server is building its cache, or {store} was emptied; clients keep what they have"
                );
            }
            StoreError::Incomplete(loss) => warn!(%error, advice = loss.advice, "clients keep what they have"),
            StoreError::Unavailable(_) => {
                warn!(%error, "cannot compare the meeting with {store}; clients keep what they have");
            }
        }
    }
}
