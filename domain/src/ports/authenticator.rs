//! Whose session is this? (spec: auth.md#session-key)

use std::fmt;

use async_trait::async_trait;

use super::Unavailable;
use crate::ids::UserId;

/// Tells the session behind a cookie. What the session's user may do is not its task (see `crate::access`).
///
/// Every call MUST end in bounded time. A session that was just created MUST be found, also where reads may lag behind
/// writes. No error and no log of an adapter ever holds a cookie or a session's content.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait Authenticator: Send + Sync {
    /// The session of a request; `cookie` is the value of the session cookie, `None` if the request has none.
    ///
    /// Without a cookie, and for a session that nobody is logged in with, the answer is [`Session::anonymous`].
    /// A session that does not exist, or that cannot be trusted, is [`AuthenticatorError::InvalidSession`]; one that does
    /// not exist is [`InvalidSession::Unknown`].
    async fn session(&self, cookie: Option<SessionKey>) -> Result<Session, AuthenticatorError>;

    /// Which of these sessions still exist, in their order; one question for all, so at most [`SESSIONS_ASKED_MAX`]. If
    /// that cannot be told, the answer is an error, and nobody's session has ended.
    async fn sessions_exist(&self, keys: &[SessionKey]) -> Result<Vec<bool>, Unavailable>;
}

/// How many sessions are asked about at once; for more the next question is asked.
pub const SESSIONS_ASKED_MAX: usize = 500;

/// How long a session key may be, in bytes; a longer one is [`InvalidSession::UnusableKey`]. Those of the server have 32.
pub const SESSION_KEY_BYTES_MAX: usize = 256;

/// Who a request is from, by its session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Names the session, to ask later whether it still exists; `None` if it cannot end (anonymous, or a fixed user).
    pub key: Option<SessionKey>,
    /// The user; `None`: anonymous.
    pub user: Option<UserId>,
    /// The hash of the user's password when the session began; `None` if the session does not say.
    pub auth_hash: Option<String>,
}

impl Session {
    /// The session of a request that nobody is logged in with.
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
    /// It cannot be told now.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// What is wrong with a session. The texts are for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSession {
    /// The cookie's value is not the key of any session: empty, too long, or of other characters.
    #[error("the cookie cannot be the key of a session")]
    UnusableKey,
    /// There is no session of that key: it ended, or was never there.
    #[error("there is no such session")]
    Unknown,
    /// The session has the right form, but its signature is that of another secret.
    #[error("the session is signed with another secret")]
    OtherSecret,
    /// The session has another form than it must have.
    #[error("the session cannot be decoded")]
    Undecodable,
}
