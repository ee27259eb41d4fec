//! Is a request let in, and as whom? (spec: auth.md)

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::access::{Access, Refusal, access, is_uncertain};
use domain::ids::UserId;
use domain::live::{Live, Published};
use domain::ports::Unavailable;
use domain::ports::authenticator::{Authenticator, AuthenticatorError, Session};
use domain::ports::element_store::Bounds;
use poem::http::HeaderMap;

use super::auth::session_key;
use super::error::HttpError;
use super::request_log::{note_refusal, note_user};

/// Brings the meeting up to the store: what the service does before it turns somebody away for what it has not seen yet.
#[async_trait]
pub trait CatchUp: Send + Sync {
    /// Returns when the meeting holds everything that was in the store when this was called, with the ids of the store.
    /// Those who ask at the same time share one question.
    async fn catch_up(&self) -> Result<Bounds, Unavailable>;
}

/// How long a request waits for the first meeting after the start; after that it is answered `503`.
const FIRST_MEETING_WAIT: Duration = Duration::from_millis(1500);

/// Lets requests in. Cheap to clone.
#[derive(Clone)]
pub struct Gate {
    /// Tells whose session it is.
    pub authenticator: Arc<dyn Authenticator>,
    /// Tells what the session's user may do.
    pub live: Arc<Live>,
    /// Asked before somebody is turned away who may just be new.
    pub catch_up: Arc<dyn CatchUp>,
    /// The name of the session cookie.
    pub cookie_name: Arc<str>,
}

/// A request that was let in.
#[derive(Debug)]
pub struct Admission {
    /// By which session.
    pub session: Session,
    /// Whom it is served as; `None`: anonymous.
    pub user: Option<UserId>,
    /// The meeting that said so.
    pub published: Arc<Published>,
}

impl Gate {
    /// Lets a request in by its cookie, or not.
    ///
    /// # Errors
    /// The session is not valid or may not be served, or that cannot be told now.
    pub async fn admit(&self, headers: &HeaderMap) -> Result<Admission, HttpError> {
        let mut published = self.published().await?;
        let session = self.session(headers).await.inspect_err(|error| {
            if let AuthenticatorError::InvalidSession(reason) = error {
                note_refusal(reason);
            }
        })?;
        note_user(session.user);
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
    pub async fn admit_again(&self, session: Session) -> Result<Admission, HttpError> {
        grant(session, self.published().await?)
    }

    async fn session(&self, headers: &HeaderMap) -> Result<Session, AuthenticatorError> {
        self.authenticator.session(session_key(headers, &self.cookie_name)?).await
    }

    /// Waits a moment for the first meeting: after a restart clients are there before it, and would stay away for seconds.
    async fn published(&self) -> Result<Arc<Published>, HttpError> {
        let wait = tokio::time::timeout(FIRST_MEETING_WAIT, self.live.loaded());
        wait.await.ok().flatten().ok_or_else(|| HttpError::Unavailable {
            reason: "The meeting is not loaded yet, try again".to_owned(),
            cause: None,
        })
    }
}

fn grant(session: Session, published: Arc<Published>) -> Result<Admission, HttpError> {
    match access(published.current(), &session) {
        Access::Granted(user) => Ok(Admission { session, user, published }),
        Access::Refused(refusal) => {
            note_refusal(&reason(refusal, &session));
            Err(HttpError::AuthRequired(refusal.to_string()))
        }
    }
}

/// Why the session is refused, for the log.
fn reason(refusal: Refusal, session: &Session) -> &'static str {
    match refusal {
        Refusal::AnonymousNotEnabled if session.user.is_some() => {
            "the user does not exist, and anonymous access is off"
        }
        Refusal::AnonymousNotEnabled => "nobody is logged in, and anonymous access is off",
        Refusal::Inactive => "the user is not active",
        Refusal::Unreadable => "the element of the user cannot be read",
        Refusal::PasswordChanged => "the password was changed after the login",
    }
}
