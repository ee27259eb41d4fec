//! Whose session is this, where sessions are kept in memory?

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use domain::ids::UserId;
use domain::ports::Unavailable;
use domain::ports::authenticator::{Authenticator, AuthenticatorError, InvalidSession, Session, SessionKey};

use super::failure::silent;
use crate::django::SessionStore;

/// Sessions by key, and whether they can be looked up. Clones share them.
#[derive(Clone, Default)]
struct Table<T>(Arc<Mutex<Rows<T>>>);

#[derive(Default)]
struct Rows<T> {
    sessions: HashMap<SessionKey, T>,
    failing: Option<String>,
}

impl<T: Clone> Table<T> {
    fn insert(&self, key: &str, session: T) {
        self.lock().sessions.insert(SessionKey(key.to_owned()), session);
    }

    fn remove(&self, key: &str) {
        self.lock().sessions.remove(&SessionKey(key.to_owned()));
    }

    fn get(&self, key: &SessionKey) -> Result<Option<T>, Unavailable> {
        Ok(self.rows()?.sessions.get(key).cloned())
    }

    fn exist(&self, keys: &[SessionKey]) -> Result<Vec<bool>, Unavailable> {
        let rows = self.rows()?;
        Ok(keys.iter().map(|key| rows.sessions.contains_key(key)).collect())
    }

    fn set_failing(&self, reason: Option<&str>) {
        self.lock().failing = reason.map(ToOwned::to_owned);
    }

    fn rows(&self) -> Result<MutexGuard<'_, Rows<T>>, Unavailable> {
        let rows = self.lock();
        match &rows.failing {
            Some(reason) => Err(silent(reason)),
            None => Ok(rows),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Rows<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Trusts the sessions it was given: cookie → user. Clones share them.
#[derive(Clone, Default)]
pub struct MemoryAuthenticator {
    /// `None`: a session that cannot be trusted.
    sessions: Table<Option<Session>>,
}

impl MemoryAuthenticator {
    /// Creates an authenticator without sessions.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates the session `key`; without a `user` nobody is logged in with it.
    pub fn log_in(&self, key: &str, user: Option<UserId>, auth_hash: Option<&str>) {
        let session = match user {
            Some(user) => Session {
                key: Some(SessionKey(key.to_owned())),
                user: Some(user),
                auth_hash: auth_hash.map(ToOwned::to_owned),
            },
            None => Session::anonymous(),
        };
        self.sessions.insert(key, Some(session));
    }

    /// Creates a session that cannot be trusted.
    pub fn break_session(&self, key: &str) {
        self.sessions.insert(key, None);
    }

    /// Ends the session `key`.
    pub fn log_out(&self, key: &str) {
        self.sessions.remove(key);
    }

    /// Makes every lookup fail with this reason; `None`: no longer.
    pub fn set_failing(&self, reason: Option<&str>) {
        self.sessions.set_failing(reason);
    }
}

#[async_trait]
impl Authenticator for MemoryAuthenticator {
    async fn session(&self, cookie: Option<SessionKey>) -> Result<Session, AuthenticatorError> {
        let Some(key) = cookie else { return Ok(Session::anonymous()) };
        let session = self.sessions.get(&key)?.ok_or(AuthenticatorError::InvalidSession(InvalidSession::Unknown))?;
        session.ok_or(AuthenticatorError::InvalidSession(InvalidSession::Undecodable))
    }

    async fn sessions_exist(&self, keys: &[SessionKey]) -> Result<Vec<bool>, Unavailable> {
        self.sessions.exist(keys)
    }
}

/// Raw Django sessions: key → value. Clones share them.
#[derive(Clone, Default)]
pub struct MemorySessions {
    sessions: Table<Vec<u8>>,
}

impl MemorySessions {
    /// Creates a store without sessions.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes a session, whatever its value.
    pub fn set(&self, key: &str, value: &[u8]) {
        self.sessions.insert(key, value.to_vec());
    }

    /// Deletes a session.
    pub fn remove(&self, key: &str) {
        self.sessions.remove(key);
    }

    /// See [`MemoryAuthenticator::set_failing`].
    pub fn set_failing(&self, reason: Option<&str>) {
        self.sessions.set_failing(reason);
    }
}

#[async_trait]
impl SessionStore for MemorySessions {
    async fn get(&self, key: &SessionKey) -> Result<Option<Vec<u8>>, Unavailable> {
        self.sessions.get(key)
    }

    async fn exist(&self, keys: &[SessionKey]) -> Result<Vec<bool>, Unavailable> {
        self.sessions.exist(keys)
    }
}
