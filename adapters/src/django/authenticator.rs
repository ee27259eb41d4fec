//! How does a cookie lead to a user?

use std::sync::Arc;

use async_trait::async_trait;
use domain::ports::Unavailable;
use domain::ports::authenticator::{
    Authenticator, AuthenticatorError, InvalidSession, SESSION_KEY_BYTES_MAX, Session, SessionKey,
};

use super::other_secret::OtherSecretLog;
use super::session::decode;
use super::{DjangoSecret, SessionStore};

/// Trusts the sessions that the OpenSlides server signed with its secret.
pub struct DjangoAuthenticator {
    secret: DjangoSecret,
    sessions: Arc<dyn SessionStore>,
    other_secret: Option<OtherSecretLog>,
}

impl DjangoAuthenticator {
    /// Creates an authenticator that trusts what is signed with `secret` in `sessions`.
    #[must_use]
    pub fn new(secret: DjangoSecret, sessions: Arc<dyn SessionStore>) -> Self {
        Self { secret, sessions, other_secret: None }
    }

    /// Enables logging of sessions that are signed with another secret.
    #[must_use]
    pub fn logging(self, other_secret: OtherSecretLog) -> Self {
        Self { other_secret: Some(other_secret), ..self }
    }

    fn read(&self, key: SessionKey, value: Option<Vec<u8>>) -> Result<Session, InvalidSession> {
        let login = decode(&self.secret, &value.ok_or(InvalidSession::Unknown)?).inspect_err(|error| {
            if let (InvalidSession::OtherSecret, Some(log)) = (error, &self.other_secret) {
                log.met(&key);
            }
        })?;
        Ok(match login {
            Some(login) => Session { key: Some(key), user: Some(login.user), auth_hash: login.auth_hash },
            None => Session::anonymous(),
        })
    }
}

#[async_trait]
impl Authenticator for DjangoAuthenticator {
    async fn session(&self, cookie: Option<SessionKey>) -> Result<Session, AuthenticatorError> {
        let Some(key) = cookie else { return Ok(Session::anonymous()) };
        if key.0.is_empty() || key.0.len() > SESSION_KEY_BYTES_MAX {
            return Err(AuthenticatorError::InvalidSession(InvalidSession::UnusableKey));
        }
        let value = self.sessions.get(&key).await?;
        self.read(key, value).map_err(AuthenticatorError::InvalidSession)
    }

    async fn sessions_exist(&self, keys: &[SessionKey]) -> Result<Vec<bool>, Unavailable> {
        self.sessions.exist(keys).await
    }
}
