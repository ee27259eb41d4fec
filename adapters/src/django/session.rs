//! What does the value of a session say, and can it be trusted? (spec: auth.md#session-value, auth.md#session-user)

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::ids::UserId;
use domain::json::Fields;
use domain::ports::authenticator::InvalidSession;
use subtle::ConstantTimeEq;

use super::DjangoSecret;

/// The login that a session contains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Login {
    /// The user.
    pub(super) user: UserId,
    /// The hash of the user's password when the session began.
    pub(super) auth_hash: Option<String>,
}

/// The length of a session's signature, in hexadecimal digits.
const SIGNATURE_DIGITS: usize = 40;

/// Reads the value of a session: base64 of `<hexadecimal signature>:<JSON>`. `None`: nobody is logged in with it.
///
/// # Errors
/// Anything about it is malformed or wrong.
pub(super) fn decode(secret: &DjangoSecret, value: &[u8]) -> Result<Option<Login>, InvalidSession> {
    let signed = STANDARD.decode(value).map_err(|_| InvalidSession::Undecodable)?;
    let colon = signed.iter().position(|byte| *byte == b':').ok_or(InvalidSession::Undecodable)?;
    let (signature, json) = (&signed[..colon], &signed[colon + 1..]);
    if bool::from(secret.sign(json).as_bytes().ct_eq(signature)) {
        login(json).ok_or(InvalidSession::Undecodable)
    } else if is_signature(signature) && fields(json).is_some() {
        Err(InvalidSession::OtherSecret)
    } else {
        Err(InvalidSession::Undecodable)
    }
}

/// Returns who is logged in according to the JSON of a session; `Some(None)`: nobody.
fn login(json: &[u8]) -> Option<Option<Login>> {
    let fields = fields(json)?;
    let Some(user) = fields.get("_auth_user_id") else { return Some(None) };
    let user: String = serde_json::from_str(user).ok()?;
    let auth_hash = match fields.get("_auth_user_hash") {
        Some(hash) => Some(serde_json::from_str(hash).ok()?),
        None => None,
    };
    Some(Some(Login { user: user_id(&user)?, auth_hash }))
}

fn fields(json: &[u8]) -> Option<Fields<'_>> {
    Fields::of(std::str::from_utf8(json).ok()?)
}

fn is_signature(text: &[u8]) -> bool {
    text.len() == SIGNATURE_DIGITS && text.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// A positive number in digits alone: `u64::from_str` would accept "+5".
fn user_id(text: &str) -> Option<UserId> {
    let id = if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok()? } else { 0 };
    (id != 0).then_some(UserId(id))
}

/// Returns the value of a session as the server writes it, for tests and tools.
#[cfg(any(test, feature = "testing"))]
impl DjangoSecret {
    /// Signs the JSON of a session.
    #[must_use]
    pub fn encode_session(&self, json: &str) -> String {
        STANDARD.encode(format!("{}:{json}", self.sign(json.as_bytes())))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn secret() -> DjangoSecret {
        DjangoSecret::new("test")
    }

    #[track_caller]
    fn check(value: &[u8], expected: Option<Option<(u64, Option<&str>)>>) {
        let expected = expected.map(|login| {
            login.map(|(user, hash)| Login { user: UserId(user), auth_hash: hash.map(ToOwned::to_owned) })
        });
        assert_eq!(decode(&secret(), value).ok(), expected, "{}", String::from_utf8_lossy(value));
    }

    #[track_caller]
    fn check_json(json: &str, expected: Option<Option<(u64, Option<&str>)>>) {
        check(secret().encode_session(json).as_bytes(), expected);
    }

    /// The test vector of the specification (spec: auth.md#test-vector).
    const VECTOR: &str = "MDFmMDJjZWNlYWZhZTAxNzY5ZDA2NTY2NWM5NjAyOWI4ZDU0MDhjMzp7Il9hdXRoX3VzZXJfaWQiOiIxIiwiX2F1dGhfdXNlcl9iYWNrZW5kIjoiZGphbmdvLmNvbnRyaWIuYXV0aC5iYWNrZW5kcy5Nb2RlbEJhY2tlbmQiLCJfYXV0aF91c2VyX2hhc2giOiIyNWMyNGNkNTAzZDViYTc2MDI3MzQxZWUxOTA5YzM3N2U4NTgxMDU3In0=";

    #[test]
    fn a_session_of_the_server_is_read() {
        check(VECTOR.as_bytes(), Some(Some((1, Some("25c24cd503d5ba76027341ee1909c377e8581057")))));
        check_json("{\"_auth_user_id\": \"4294967297\"}", Some(Some((4_294_967_297, None))));
        check_json(
            "{\"a\": 1, \"_auth_user_id\": \"130\", \"_auth_user_hash\": \"x:y\"}",
            Some(Some((130, Some("x:y")))),
        );
        check_json("{}", Some(None));
        check_json("{\"other\": [1, {\"_auth_user_id\": \"1\"}]}", Some(None));
        check_json("{\"_auth_user_id\": null}", Some(None));
    }

    /// (spec: auth.md#session-value)
    #[test]
    fn a_session_with_another_signature_is_not_trusted() {
        let other = decode(&DjangoSecret::new("Test"), VECTOR.as_bytes());
        assert_eq!(other, Err(InvalidSession::OtherSecret));
        let json = "{\"_auth_user_id\": \"1\"}";
        let signature = secret().sign(json.as_bytes());
        let encode = |text: String| STANDARD.encode(text).into_bytes();
        check(&encode(format!("{signature}:{json}")), Some(Some((1, None))));
        for broken in [
            format!("{signature}{json}"),
            format!(":{json}"),
            json.to_owned(),
            format!("{}:{json}", signature.to_uppercase()),
            format!("{}:{json}", &signature[1..]),
            format!("{signature}0:{json}"),
            format!("{signature}:{json} "),
            format!("{signature}: {json}"),
            format!("{signature}:"),
            format!("{signature}:{}", json.replace('1', "2")),
            String::new(),
        ] {
            check(&encode(broken), None);
        }
    }

    #[test]
    fn a_value_that_is_not_padded_standard_base64_is_no_session() {
        check(VECTOR.trim_end_matches('=').as_bytes(), None);
        check(format!("{VECTOR}\n").as_bytes(), None);
        check(format!(" {VECTOR}").as_bytes(), None);
        for value in [&b""[..], b"=", b"\xff\xfe", b"not base64!", b"LTw_", "ü".as_bytes()] {
            check(value, None);
        }
    }

    #[test]
    fn a_signed_value_of_another_form_is_no_session() {
        for json in [
            "",
            "null",
            "[]",
            "\"1\"",
            "{",
            "{\"_auth_user_id\": 1}",
            "{\"_auth_user_id\": \"\"}",
            "{\"_auth_user_id\": \"0\"}",
            "{\"_auth_user_id\": \"-1\"}",
            "{\"_auth_user_id\": \"+1\"}",
            "{\"_auth_user_id\": \"1.0\"}",
            "{\"_auth_user_id\": \"99999999999999999999\"}",
            "{\"_auth_user_id\": [\"1\"]}",
            "{\"_auth_user_id\": \"1\", \"_auth_user_hash\": 1}",
            "{\"_auth_user_id\": \"1\"} x",
        ] {
            check_json(json, None);
        }
    }

    #[track_caller]
    fn check_reason(value: &str, expected: InvalidSession) {
        assert_eq!(decode(&secret(), value.as_bytes()), Err(expected), "{value}");
    }

    #[test]
    fn a_session_signed_with_another_secret_is_distinguished_from_an_invalid_one() {
        use InvalidSession::{OtherSecret, Undecodable};
        let json = "{\"_auth_user_id\": \"1\"}";
        let other = DjangoSecret::new("other");
        check_reason(&other.encode_session(json), OtherSecret);
        check_reason(&other.encode_session("{}"), OtherSecret);
        // Signed with the right secret, or with none, but not a session.
        check_reason(&secret().encode_session("[]"), Undecodable);
        check_reason(&other.encode_session("[]"), Undecodable);
        check_reason(&other.encode_session("geheim"), Undecodable);
        let signature = other.sign(json.as_bytes());
        for signature in [&signature[1..], &signature.to_uppercase(), &format!("{signature}0"), "", &"x".repeat(40)] {
            check_reason(&STANDARD.encode(format!("{signature}:{json}")), Undecodable);
        }
        check_reason(&STANDARD.encode(json.replace(':', "")), Undecodable);
        check_reason("$$$", Undecodable);
        check_reason("", Undecodable);
    }

    proptest! {
        #[test]
        fn no_value_makes_it_panic(value: Vec<u8>, json in "\\PC*", prefix in "[0-9a-f:]{0,41}") {
            let _ = decode(&secret(), &value);
            let _ = decode(&secret(), STANDARD.encode(&value).as_bytes());
            let _ = decode(&secret(), STANDARD.encode(format!("{prefix}:{json}")).as_bytes());
            let _ = decode(&secret(), secret().encode_session(&json).as_bytes());
        }
    }
}
