//! How does a user log in? With a session as the OpenSlides server (Django) keeps it in Redis
//! (spec: auth.md#session-value).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha1::{Digest, Sha1};

/// The salt that Django adds to the secret when it signs sessions of this kind.
const SALT: &str = "openslides.utils.sessions.SessionStore";

/// Returns the value of a session of `user`, signed with `secret`.
#[must_use]
pub fn value(secret: &str, user: u64, auth_hash: &str) -> String {
    let content = json!({
        "_auth_user_id": user.to_string(),
        "_auth_user_backend": "django.contrib.auth.backends.ModelBackend",
        "_auth_user_hash": auth_hash,
    })
    .to_string();
    STANDARD.encode(format!("{}:{content}", mac(secret, content.as_bytes())))
}

/// Returns the session cookie of a generated user.
#[must_use]
pub fn cookie(user: u64) -> String {
    format!("loadsession{user:021}")
}

fn mac(secret: &str, content: &[u8]) -> String {
    let key = Sha1::new().chain_update(SALT).chain_update(secret).finalize();
    let mut mac = Hmac::<Sha1>::new_from_slice(&key).expect("HMAC takes keys of any length");
    mac.update(content);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_the_recorded_session() {
        // (spec: auth.md#test-vector) Secret `test`, user 1.
        let recorded = concat!(
            "MDFmMDJjZWNlYWZhZTAxNzY5ZDA2NTY2NWM5NjAyOWI4ZDU0MDhjMzp7Il9hdXRoX3VzZXJfaWQiOiIxIiwiX2F1dGhfdXNlcl9iYWNr",
            "ZW5kIjoiZGphbmdvLmNvbnRyaWIuYXV0aC5iYWNrZW5kcy5Nb2RlbEJhY2tlbmQiLCJfYXV0aF91c2VyX2hhc2giOiIyNWMyNGNkNTAz",
            "ZDViYTc2MDI3MzQxZWUxOTA5YzM3N2U4NTgxMDU3In0=",
        );
        let text = String::from_utf8(STANDARD.decode(recorded).expect("base64")).expect("UTF-8");
        let (recorded_mac, content) = text.split_once(':').expect("a colon");
        assert_eq!(mac("test", content.as_bytes()), recorded_mac);
    }

    #[test]
    fn a_session_holds_mac_and_user() {
        let decoded = STANDARD.decode(value("s", 5, "hash")).expect("base64");
        let text = String::from_utf8(decoded).expect("UTF-8");
        let (mac_of_content, content) = text.split_once(':').expect("a colon");
        assert_eq!(mac_of_content, mac("s", content.as_bytes()));
        assert!(content.contains(r#""_auth_user_id":"5""#));
        assert_eq!(cookie(5).len(), 32);
    }
}
