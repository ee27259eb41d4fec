//! Is a session let in, and as whom? (spec: auth.md#missing-user)

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::access::{Access, Refusal, access, is_uncertain};
use domain::ids::UserId;
use domain::ports::authenticator::{Authenticator, AuthenticatorError, Session, SessionKey};
use domain::ports::element_store::{Bounds, StoreError};

use crate::publishing::publisher::{MeetingPublisher, Published};

/// Brings the meeting up to the store: what the service does before it turns somebody away for what it has not seen yet.
#[async_trait]
pub trait CatchUp: Send + Sync {
    /// Returns when the meeting holds everything that was in the store when this was called, with the ids of the store.
    /// Those who ask at the same time share one question.
    async fn catch_up(&self) -> Result<Bounds, StoreError>;
}

/// How long a request waits for the first meeting after the start; after that it is answered `503`.
const FIRST_MEETING_WAIT: Duration = Duration::from_millis(1500);

/// Lets sessions in. Cheap to clone.
#[derive(Clone)]
pub struct Admissions {
    /// Tells whose session it is.
    pub authenticator: Arc<dyn Authenticator>,
    /// Tells what the session's user may do.
    pub publisher: Arc<MeetingPublisher>,
    /// Asked before somebody is turned away who may just be new.
    pub catch_up: Arc<dyn CatchUp>,
}

/// A session that was let in.
#[derive(Debug)]
pub struct Admission {
    /// The session.
    pub session: Session,
    /// Whom it is served as; `None`: anonymous.
    pub user: Option<UserId>,
    /// The meeting that said so.
    pub published: Arc<Published>,
}

/// Why nobody is served.
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
    /// There is no such session, or that cannot be told now.
    #[error(transparent)]
    Session(#[from] AuthenticatorError),
    /// The store cannot be asked for what must be known first.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no meeting yet.
    #[error("The meeting is not loaded yet, try again")]
    NotLoaded,
}

impl Admissions {
    /// Lets the session in that `cookie` names (`None`: there is no cookie), or not.
    ///
    /// # Errors
    /// The session is not valid or may not be served, or that cannot be told now.
    pub async fn admit(&self, cookie: Option<SessionKey>) -> Result<Admission, NotServed> {
        let mut published = self.published().await?;
        let session = self.authenticator.session(cookie).await?;
        if is_uncertain(published.current(), &session) {
            self.catch_up.catch_up().await?;
            published = self.published().await?;
        }
        grant(session, published)
    }

    /// Lets a session in, or not, by the present version of the meeting: to be asked again whenever that may be another
    /// one than the session was admitted by.
    ///
    /// # Errors
    /// The session may not be served.
    pub async fn admit_again(&self, session: Session) -> Result<Admission, NotServed> {
        grant(session, self.published().await?)
    }

    /// Waits a moment for the first meeting: after a restart clients are there before it, and would stay away for seconds.
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
