//! Is a session admitted, and as whom? (spec: auth.md#missing-user)

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::access::{Access, Refusal, access, is_uncertain};
use domain::ids::UserId;
use domain::ports::authenticator::{Authenticator, AuthenticatorError, Session, SessionKey};
use domain::ports::element_store::{Bounds, StoreError};

use crate::publishing::publisher::{MeetingPublisher, Published};

/// Brings the meeting up to date with the store. Called before somebody is turned away because of something this
/// instance may not have seen yet.
#[async_trait]
pub trait CatchUp: Send + Sync {
    /// Returns once the meeting holds everything that was in the store at the time of the call, together with the ids
    /// of the store. Concurrent callers share one query.
    async fn catch_up(&self) -> Result<Bounds, StoreError>;
}

/// How long a request waits for the first meeting after startup; after that it is answered with `503`.
const FIRST_MEETING_WAIT: Duration = Duration::from_millis(1500);

/// Admits sessions. Cheap to clone.
#[derive(Clone)]
pub struct Admissions {
    /// Says whose session it is.
    pub authenticator: Arc<dyn Authenticator>,
    /// Says what the session's user may do.
    pub publisher: Arc<MeetingPublisher>,
    /// Brings the meeting up to date before a session is refused because of something that this instance may not have
    /// seen yet, such as a user created a moment ago.
    pub catch_up: Arc<dyn CatchUp>,
}

/// A session that was admitted.
#[derive(Debug)]
pub struct Admission {
    /// The session.
    pub session: Session,
    /// The user it is served as; `None`: anonymous.
    pub user: Option<UserId>,
    /// The meeting that this was decided by.
    pub published: Arc<Published>,
}

/// Why a request is not served.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotServed {
    /// The session may not be served.
    #[error("{refusal}")]
    Refused {
        /// Why.
        refusal: Refusal,
        /// Whose session it is; `None`: nobody is logged in.
        user: Option<UserId>,
    },
    /// There is no such session, or this cannot be determined now.
    #[error(transparent)]
    Session(#[from] AuthenticatorError),
    /// The store cannot be asked for what is needed first.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No meeting is loaded yet.
    #[error("The meeting is not loaded yet, try again")]
    NotLoaded,
}

impl Admissions {
    /// Admits the session that `cookie` names (`None`: there is no cookie), or refuses it.
    ///
    /// # Errors
    /// The session is invalid or may not be served, or this cannot be determined now.
    pub async fn admit(&self, cookie: Option<SessionKey>) -> Result<Admission, NotServed> {
        let mut published = self.published().await?;
        let session = self.authenticator.session(cookie).await?;
        if is_uncertain(published.current(), &session) {
            self.catch_up.catch_up().await?;
            published = self.published().await?;
        }
        grant(session, published)
    }

    /// Admits or refuses a session according to the current version of the meeting. To be called again whenever that
    /// may be another one than the session was admitted by.
    ///
    /// # Errors
    /// The session may not be served.
    pub async fn admit_again(&self, session: Session) -> Result<Admission, NotServed> {
        grant(session, self.published().await?)
    }

    /// Waits briefly for the first meeting: after a restart clients reconnect before it is loaded, and would otherwise
    /// stay away for seconds.
    async fn published(&self) -> Result<Arc<Published>, NotServed> {
        let wait = tokio::time::timeout(FIRST_MEETING_WAIT, self.publisher.loaded());
        wait.await.ok().flatten().ok_or(NotServed::NotLoaded)
    }
}

fn grant(session: Session, published: Arc<Published>) -> Result<Admission, NotServed> {
    match access(published.current(), &session) {
        Access::Granted(user) => Ok(Admission { session, user, published }),
        Access::Refused(refusal) => Err(NotServed::Refused { refusal, user: session.user }),
    }
}
