//! Does an adapter keep the contract of [`Authenticator`]?

use async_trait::async_trait;

use crate::ids::UserId;
use crate::ports::authenticator::{Authenticator, AuthenticatorError, InvalidSession, Session, SessionKey};

/// Acts as the one that creates and ends sessions. Panics if it cannot.
#[async_trait]
pub trait AuthenticatorDriver: Send + Sync {
    /// Creates a session; without login if `user` is `None`.
    async fn log_in(&self, key: &str, user: Option<UserId>, auth_hash: Option<&str>);

    /// Creates a session whose data cannot be trusted.
    async fn break_session(&self, key: &str);

    /// Ends a session.
    async fn log_out(&self, key: &str);

    /// See [`Driver::set_reachable`](super::Driver::set_reachable).
    async fn set_reachable(&self, reachable: bool) -> bool;
}

/// Checks that `authenticator` fulfills its contract.
pub async fn authenticator(authenticator: &dyn Authenticator, sessions: &dyn AuthenticatorDriver) {
    the_session_of_a_cookie_is_returned(authenticator, sessions).await;
    sessions_that_exist_are_told_in_their_order(authenticator, sessions).await;
    silence_is_unavailable(authenticator, sessions).await;
}

async fn the_session_of_a_cookie_is_returned(authenticator: &dyn Authenticator, sessions: &dyn AuthenticatorDriver) {
    sessions.log_in("one", Some(UserId(1)), Some("hash")).await;
    sessions.log_in("large", Some(UserId(4_294_967_297)), None).await;
    sessions.log_in("nobody", None, None).await;
    sessions.break_session("broken").await;
    let session = |key: &str, user: u64, auth_hash: Option<&str>| Session {
        key: Some(SessionKey(key.to_owned())),
        user: Some(UserId(user)),
        auth_hash: auth_hash.map(ToOwned::to_owned),
    };
    for (cookie, expected) in [
        (None, Session::anonymous()),
        (Some("one"), session("one", 1, Some("hash"))),
        (Some("large"), session("large", 4_294_967_297, None)),
        (Some("nobody"), Session::anonymous()),
    ] {
        assert_eq!(authenticator.session(cookie.map(key)).await, Ok(expected), "cookie {cookie:?}");
    }
    let long = "x".repeat(100_000);
    for cookie in ["broken", "missing", "", "one\r\n", "ö \u{0} *", &long] {
        let answer = authenticator.session(Some(key(cookie))).await;
        assert!(matches!(answer, Err(AuthenticatorError::InvalidSession(_))), "cookie {cookie:.100?}: {answer:?}");
    }
    let unknown = Err(AuthenticatorError::InvalidSession(InvalidSession::Unknown));
    assert_eq!(authenticator.session(Some(key("missing"))).await, unknown);
    sessions.log_out("one").await;
    assert_eq!(authenticator.session(Some(key("one"))).await, unknown);
}

async fn sessions_that_exist_are_told_in_their_order(
    authenticator: &dyn Authenticator,
    sessions: &dyn AuthenticatorDriver,
) {
    sessions.log_in("a", Some(UserId(1)), None).await;
    sessions.log_in("b", Some(UserId(1)), None).await;
    let keys = [key("a"), key("missing"), key("b"), key("a")];
    assert_eq!(authenticator.sessions_exist(&keys).await, Ok(vec![true, false, true, true]));
    sessions.log_out("a").await;
    assert_eq!(authenticator.sessions_exist(&keys).await, Ok(vec![false, false, true, false]));
    assert_eq!(authenticator.sessions_exist(&[]).await, Ok(vec![]));
    let many = vec![key("b"); 2_500];
    assert_eq!(authenticator.sessions_exist(&many).await, Ok(vec![true; 2_500]));
}

async fn silence_is_unavailable(authenticator: &dyn Authenticator, sessions: &dyn AuthenticatorDriver) {
    sessions.log_in("secret-key", Some(UserId(1)), None).await;
    let secret = key("secret-key");
    if sessions.set_reachable(false).await {
        let Err(AuthenticatorError::Unavailable(error)) = authenticator.session(Some(secret.clone())).await else {
            panic!("silence is not an answer");
        };
        assert!(!error.to_string().contains("secret-key"), "{error}");
        let error =
            authenticator.sessions_exist(std::slice::from_ref(&secret)).await.expect_err("silence is not an answer");
        assert!(!error.to_string().contains("secret-key"), "{error}");
        assert_eq!(authenticator.session(None).await, Ok(Session::anonymous()), "needs no answer from outside");
        sessions.set_reachable(true).await;
    }
    assert_eq!(authenticator.sessions_exist(&[secret]).await, Ok(vec![true]));
}

fn key(text: &str) -> SessionKey {
    SessionKey(text.to_owned())
}
