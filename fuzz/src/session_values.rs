//! Is an arbitrary session value only believed if the server signed it?

use std::sync::Arc;

use adapters::django::{DjangoAuthenticator, DjangoSecret, SessionStore};
use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::ports::Unavailable;
use domain::ports::authenticator::{Authenticator, Session, SessionKey};
use futures_util::FutureExt;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha1::{Digest, Sha1};

const SECRET: &str = "test";

/// Takes the bytes for the value of a session, and then for what such a value says, signed as the server does.
///
/// # Panics
/// A value is believed that has another signature, or another user is read than it says.
pub fn session_values(bytes: &[u8]) {
    if let Some(session) = read(bytes) {
        let json = signed_json(bytes).expect("a value that is believed has the signature of the server");
        check_user(&session, &json);
    }
    let signed = STANDARD.encode([signature(bytes).as_bytes(), b":", bytes].concat());
    match read(signed.as_bytes()) {
        Some(session) => check_user(&session, bytes),
        None => assert!(user_of(bytes).is_none(), "a session of the server is refused"),
    }
}

/// A store with only this session.
struct OneSession(Vec<u8>);

#[async_trait]
impl SessionStore for OneSession {
    async fn get(&self, _: &SessionKey) -> Result<Option<Vec<u8>>, Unavailable> {
        Ok(Some(self.0.clone()))
    }

    async fn exist(&self, keys: &[SessionKey]) -> Result<Vec<bool>, Unavailable> {
        Ok(vec![true; keys.len()])
    }
}

/// Returns the session, if it is believed.
fn read(value: &[u8]) -> Option<Session> {
    let store = Arc::new(OneSession(value.to_vec()));
    let authenticator = DjangoAuthenticator::new(DjangoSecret::new(SECRET), store);
    let key = SessionKey("key".to_owned());
    authenticator.session(Some(key)).now_or_never().expect("the store answers at once").ok()
}

/// Returns what the value says, if it is signed (spec: auth.md#session-value).
fn signed_json(value: &[u8]) -> Option<Vec<u8>> {
    let signed = STANDARD.decode(value).ok()?;
    let (signature_of_value, json) = (signed.get(..40)?, signed.get(40..)?.strip_prefix(b":")?);
    (signature_of_value == signature(json).as_bytes()).then(|| json.to_vec())
}

fn signature(json: &[u8]) -> String {
    let key = Sha1::digest(format!("openslides.utils.sessions.SessionStore{SECRET}"));
    let mut mac = <Hmac<Sha1> as KeyInit>::new_from_slice(&key).expect("any length is a key");
    mac.update(json);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Checks who is logged in with a session that is believed. What the oracle cannot read it does not judge.
fn check_user(session: &Session, json: &[u8]) {
    assert!(json.trim_ascii().starts_with(b"{"), "what is no object is believed");
    if serde_json::from_slice::<Value>(json).is_ok() {
        assert_eq!(
            Some(session.user.map(|user| user.0)),
            user_of(json),
            "the user of {:?}",
            String::from_utf8_lossy(json)
        );
    }
}

/// Returns who is logged in (spec: auth.md#session-user): `Some(None)` is nobody, `None` a session that is none.
fn user_of(json: &[u8]) -> Option<Option<u64>> {
    let session: Value = serde_json::from_slice(json).ok()?;
    session.as_object()?;
    let Value::String(user) = &session["_auth_user_id"] else {
        return session["_auth_user_id"].is_null().then_some(None);
    };
    if !(session["_auth_user_hash"].is_null() || session["_auth_user_hash"].is_string()) {
        return None;
    }
    let is_number = !user.is_empty() && user.chars().all(|digit| digit.is_ascii_digit());
    user.parse().ok().filter(|id| is_number && *id > 0).map(Some)
}
