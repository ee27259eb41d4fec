//! Is the session key in arbitrary cookies the one that Django would take?

use adapters::http::auth::session_key;
use domain::ports::authenticator::SESSION_KEY_BYTES_MAX;
use http::header::{COOKIE, HeaderMap, HeaderValue};

const NAME: &str = "OpenSlidesSessionID";

/// Takes each line for a header `Cookie`.
///
/// # Panics
/// The key differs from that of the oracle, or a key is accepted that could mean something else in Redis or in a log.
pub fn cookies(bytes: &[u8]) {
    let mut headers = HeaderMap::new();
    let mut oracle: Option<Vec<u8>> = None;
    for line in bytes.split(|byte| *byte == b'\n') {
        // What cannot be in a header is refused by the HTTP library.
        let Ok(value) = HeaderValue::from_bytes(line) else { continue };
        headers.append(COOKIE, value);
        oracle = line.split(|byte| *byte == b';').filter_map(value_of).next_back().or(oracle);
    }
    let oracle = oracle.unwrap_or_default();
    match session_key(&headers, NAME) {
        Ok(None) => assert!(oracle.is_empty(), "a cookie is overlooked"),
        Ok(Some(key)) => {
            assert_eq!(key.0.as_bytes(), oracle, "another session is asked for");
            assert!(is_key(&oracle), "{:?} is no session key", key.0);
        }
        Err(_) => assert!(!oracle.is_empty() && !is_key(&oracle), "{oracle:?} is a session key"),
    }
}

fn is_key(value: &[u8]) -> bool {
    let is_octet = |byte: &u8| (0x21..=0x7e).contains(byte) && !br#"",;\"#.contains(byte);
    (1..=SESSION_KEY_BYTES_MAX).contains(&value.len()) && value.iter().all(is_octet)
}

/// The value of a cookie of the name; `None` for any other (spec: auth.md#cookie). Django decodes the header as UTF-8,
/// and strips white space of every kind.
fn value_of(cookie: &[u8]) -> Option<Vec<u8>> {
    let cookie = String::from_utf8_lossy(cookie);
    let equals = cookie.find('=')?;
    let (name, value) = (cookie[..equals].trim(), cookie[equals + 1..].trim());
    (name == NAME).then(|| match value.as_bytes() {
        [b'"', inner @ .., b'"'] => unquoted(inner),
        value => value.to_vec(),
    })
}

/// A backslash stands before a literal character, or before three octal digits.
fn unquoted(mut text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let [first, rest @ ..] = text {
        match (first, rest) {
            (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', after @ ..]) => {
                out.push((a - b'0') * 64 + (b - b'0') * 8 + (c - b'0'));
                text = after;
            }
            (b'\\', [literal, after @ ..]) => {
                out.push(*literal);
                text = after;
            }
            (other, after) => {
                out.push(*other);
                text = after;
            }
        }
    }
    out
}
