//! Which session does a request name, and is it let in? (spec: auth.md, 1)

use std::sync::Arc;

use application::sessions::admission::{Admission, Admissions};
use domain::ports::authenticator::{AuthenticatorError, SessionKey};
use poem::http::header::{COOKIE, HeaderMap};

use super::error::HttpError;

/// Lets requests in by their cookie. Cheap to clone.
#[derive(Clone)]
pub struct Gate {
    /// Who lets sessions in.
    pub admissions: Admissions,
    /// The name of the session cookie.
    pub cookie_name: Arc<str>,
}

impl Gate {
    /// Lets a request in, or not.
    ///
    /// # Errors
    /// The session is not valid or may not be served, or that cannot be told now.
    pub async fn admit(&self, headers: &HeaderMap) -> Result<Admission, HttpError> {
        Ok(self.admissions.admit(session_key(headers, &self.cookie_name)?).await?)
    }
}

/// How long a session key may be, in bytes; a longer one is not valid. Those of the server have 32.
const SESSION_KEY_BYTES_MAX: usize = 256;

/// The session key in the cookie `cookie_name`; `None` if there is no such cookie.
///
/// Of several cookies of the name the first one counts: browsers send the one with the longest path first.
///
/// # Errors
/// [`AuthenticatorError::InvalidSession`] if the cookie's value cannot be a session key.
pub fn session_key(headers: &HeaderMap, cookie_name: &str) -> Result<Option<SessionKey>, AuthenticatorError> {
    // HTTP/2 clients may send each cookie in a header of its own. Only the cookie asked for need be text.
    let cookies = headers.get_all(COOKIE).iter().flat_map(|header| header.as_bytes().split(|byte| *byte == b';'));
    let value = cookies
        .filter_map(|cookie| {
            let (name, value) = cookie.split_at_checked(cookie.iter().position(|byte| *byte == b'=')?)?;
            (name.trim_ascii() == cookie_name.as_bytes()).then(|| value[1..].trim_ascii())
        })
        .next();
    value.map(parse).transpose()
}

fn parse(value: &[u8]) -> Result<SessionKey, AuthenticatorError> {
    let value = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value);
    let usable = (1..=SESSION_KEY_BYTES_MAX).contains(&value.len()) && value.iter().all(|byte| is_cookie_octet(*byte));
    let text = std::str::from_utf8(value).ok().filter(|_| usable);
    text.map(|text| SessionKey(text.to_owned())).ok_or(AuthenticatorError::InvalidSession)
}

/// What may stand in a cookie's value (RFC 6265, 4.1.1).
fn is_cookie_octet(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b',' | b';' | b'\\')
}

#[cfg(test)]
mod tests {
    use poem::http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    const NAME: &str = "OpenSlidesSessionID";

    fn ask(cookies: &[&[u8]]) -> Result<Option<SessionKey>, AuthenticatorError> {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(COOKIE, HeaderValue::from_bytes(cookie).expect("a header value"));
        }
        session_key(&headers, NAME)
    }

    #[track_caller]
    fn check(cookies: &[&str], expected: Result<Option<&str>, AuthenticatorError>) {
        let bytes: Vec<_> = cookies.iter().map(|cookie| cookie.as_bytes()).collect();
        let expected = expected.map(|key| key.map(|key| SessionKey(key.to_owned())));
        assert_eq!(ask(&bytes), expected, "{cookies:?}");
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        check(&[], Ok(None));
        check(&["OpenSlidesSessionID=abc"], Ok(Some("abc")));
        check(&["a=b; OpenSlidesSessionID=abc;c=d"], Ok(Some("abc")));
        check(&["a=b", "OpenSlidesSessionID=abc", "c=d"], Ok(Some("abc")));
        check(&["OpenSlidesSessionID=first; OpenSlidesSessionID=second"], Ok(Some("first")));
        check(&["OpenSlidesSessionID=\"abc\""], Ok(Some("abc")));
        check(&[" OpenSlidesSessionID = abc "], Ok(Some("abc")));
        check(&["OpenSlidesSessionID=a=b=="], Ok(Some("a=b==")));
        check(&["ä=ü; \"; =; ;;; OpenSlidesSessionID=abc"], Ok(Some("abc")));
    }

    #[test]
    fn a_similar_cookie_is_not_it() {
        check(&["openslidessessionid=abc"], Ok(None));
        check(&["xOpenSlidesSessionID=abc; OpenSlidesSessionIDx=abc; OpenSlidesSessionID"], Ok(None));
        check(&["a=OpenSlidesSessionID=abc"], Ok(None));
    }

    #[test]
    fn what_cannot_be_a_session_key_is_an_invalid_session() {
        let long = format!("OpenSlidesSessionID={}", "x".repeat(SESSION_KEY_BYTES_MAX + 1));
        for value in ["=", "=\"\"", "=ä", "=a b", "=a\tb", "=a\"b", "=\"", "=a,b", "=a\\b"] {
            check(&[&format!("{NAME}{value}")], Err(AuthenticatorError::InvalidSession));
        }
        check(&[&long], Err(AuthenticatorError::InvalidSession));
        assert_eq!(ask(&[b"OpenSlidesSessionID=\xff\xfe"]), Err(AuthenticatorError::InvalidSession));
        assert_eq!(ask(&[b"\xff=\xfe; OpenSlidesSessionID=abc"]), Ok(Some(SessionKey("abc".to_owned()))));
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let mut cookie = b"OpenSlidesSessionID=".to_vec();
            cookie.extend(&bytes);
            for value in [bytes, cookie] {
                if let Ok(value) = HeaderValue::from_bytes(&value) {
                    let mut headers = HeaderMap::new();
                    headers.append(COOKIE, value);
                    let _ = session_key(&headers, NAME);
                }
            }
        }
    }
}
