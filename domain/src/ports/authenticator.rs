//! Whose session is this? (spec: auth.md#session-key)

use std::fmt;

use async_trait::async_trait;

use super::Unavailable;
use crate::ids::UserId;

/// Finds the session behind a cookie. What the session's user may do is decided elsewhere (see `crate::access`).
///
/// Every call MUST end in bounded time. A session that was just created MUST be found, even where reads may lag behind
/// writes. No error and no log line of an adapter ever contains a cookie or a session's content.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait Authenticator: Send + Sync {
    /// Returns the session of a request; `cookie` is the value of the session cookie, `None` if the request has none.
    ///
    /// Without a cookie, and for a session without login, the answer is [`Session::anonymous`]. A session that does not
    /// exist or cannot be trusted is [`AuthenticatorError::InvalidSession`]; one that does not exist is
    /// [`InvalidSession::Unknown`].
    async fn session(&self, cookie: Option<SessionKey>) -> Result<Session, AuthenticatorError>;

    /// Returns which of these sessions still exist, in order: one query for all, so at most [`SESSIONS_ASKED_MAX`]. If
    /// this cannot be determined the answer is an error, and no session counts as ended.
    async fn sessions_exist(&self, keys: &[SessionKey]) -> Result<Vec<bool>, Unavailable>;
}

/// How many sessions one query may ask about.
pub const SESSIONS_ASKED_MAX: usize = 500;

/// The maximum length of a session key in bytes; a longer one is [`InvalidSession::UnusableKey`]. The server's keys
/// have 32.
pub const SESSION_KEY_BYTES_MAX: usize = 256;

/// Whose session a request belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Identifies the session, to ask later whether it still exists; `None` if it cannot end (anonymous, or a fixed
    /// user).
    pub key: Option<SessionKey>,
    /// The user; `None`: anonymous.
    pub user: Option<UserId>,
    /// The hash of the user's password when the session began; `None` if the session does not say.
    pub auth_hash: Option<String>,
}

impl Session {
    /// Returns the session of a request without login.
    #[must_use]
    pub const fn anonymous() -> Self {
        Self { key: None, user: None, auth_hash: None }
    }
}

/// The value of a session cookie: a secret, which never appears in a log.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SessionKey(pub String);

impl fmt::Debug for SessionKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SessionKey(…)")
    }
}

/// Why there is no session.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthenticatorError {
    /// The session does not exist, or its data cannot be trusted. The client is not told which.
    #[error("Invalid session data")]
    InvalidSession(InvalidSession),
    /// This cannot be determined now.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// What is wrong with a session. The texts are for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSession {
    /// The cookie's value cannot be a session key: it is empty, too long, or has other characters.
    #[error("the cookie cannot be the key of a session")]
    UnusableKey,
    /// There is no session with that key: it ended, or never existed.
    #[error("there is no such session")]
    Unknown,
    /// The session has the right form, but was signed with another secret.
    #[error("the session is signed with another secret")]
    OtherSecret,
    /// The session does not have the required form.
    #[error("the session cannot be decoded")]
    Undecodable,
}
