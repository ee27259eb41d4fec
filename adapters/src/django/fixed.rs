//! How is every request served as the same user? (spec: auth.md#fake-auth)

use async_trait::async_trait;
use domain::ids::UserId;
use domain::ports::Unavailable;
use domain::ports::authenticator::{Authenticator, AuthenticatorError, Session, SessionKey};

/// Takes every request for one user's, whatever its cookie.
#[derive(Clone, Copy, Debug)]
pub struct FixedAuthenticator {
    user: Option<UserId>,
}

impl FixedAuthenticator {
    /// Creates an authenticator that takes every request for this user's; `None`: anonymous.
    #[must_use]
    pub const fn new(user: Option<UserId>) -> Self {
        Self { user }
    }
}

#[async_trait]
impl Authenticator for FixedAuthenticator {
    async fn session(&self, _: Option<SessionKey>) -> Result<Session, AuthenticatorError> {
        Ok(Session { key: None, user: self.user, auth_hash: None })
    }

    async fn sessions_exist(&self, keys: &[SessionKey]) -> Result<Vec<bool>, Unavailable> {
        Ok(vec![true; keys.len()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// (spec: auth.md#fake-auth)
    #[tokio::test]
    async fn every_request_is_the_users() {
        for user in [None, Some(UserId(7))] {
            let authenticator = FixedAuthenticator::new(user);
            for cookie in [None, Some(SessionKey("anything".to_owned()))] {
                let session = authenticator.session(cookie).await;
                assert_eq!(session, Ok(Session { key: None, user, auth_hash: None }));
            }
        }
        let keys = [SessionKey("a".to_owned()), SessionKey("b".to_owned())];
        assert_eq!(FixedAuthenticator::new(None).sessions_exist(&keys).await, Ok(vec![true, true]));
    }
}
