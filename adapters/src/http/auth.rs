//! Which session does a request name, and is it admitted? (spec: auth.md#cookie)

use std::sync::Arc;

use application::sessions::admission::{Admission, Admissions, NotServed};
use domain::access::Refusal;
use domain::ids::UserId;
use domain::ports::authenticator::{AuthenticatorError, InvalidSession, SESSION_KEY_BYTES_MAX, SessionKey};
use poem::http::header::{COOKIE, HeaderMap};

use super::error::HttpError;
use super::request_log::{note_refusal, note_user};

/// Admits requests by their cookie. Cheap to clone.
#[derive(Clone)]
pub struct Gate {
    /// Admits sessions.
    pub admissions: Admissions,
    /// The name of the session cookie.
    pub cookie_name: Arc<str>,
}

impl Gate {
    /// Admits or refuses a request.
    ///
    /// # Errors
    /// The session is invalid or may not be served, or this cannot be determined now.
    pub async fn admit(&self, headers: &HeaderMap) -> Result<Admission, HttpError> {
        let admission = match session_key(headers, &self.cookie_name) {
            Ok(key) => self.admissions.admit(key).await,
            Err(error) => Err(error.into()),
        };
        match &admission {
            Ok(admission) => note_user(admission.session.user),
            Err(error) => note_not_served(error),
        }
        Ok(admission?)
    }
}

/// Records for the log why the session of the current request is not served, if it is refused.
pub(super) fn note_not_served(error: &NotServed) {
    match error {
        NotServed::Session(AuthenticatorError::InvalidSession(reason)) => note_refusal(reason),
        NotServed::Refused { refusal, user } => {
            note_user(*user);
            note_refusal(&reason(*refusal, *user));
        }
        NotServed::Session(AuthenticatorError::Unavailable(_)) | NotServed::Store(_) | NotServed::NotLoaded => {}
    }
}

/// Returns why the session of `user` (`None`: nobody is logged in) is refused, for the log.
fn reason(refusal: Refusal, user: Option<UserId>) -> &'static str {
    match refusal {
        Refusal::AnonymousNotEnabled if user.is_some() => "the user does not exist, and anonymous access is off",
        Refusal::AnonymousNotEnabled => "nobody is logged in, and anonymous access is off",
        Refusal::Inactive => "the user is not active",
        Refusal::Unreadable => "the element of the user cannot be read",
        Refusal::PasswordChanged => "the password was changed after the login",
    }
}

/// Returns the session key in the cookie `cookie_name`; `None` if there is no such cookie.
///
/// Cookies are read as Django reads them, so that both find the same session: of several cookies with the name the last
/// one counts, and an empty one is none.
///
/// # Errors
/// [`AuthenticatorError::InvalidSession`] if the cookie's value cannot be a session key.
pub fn session_key(headers: &HeaderMap, cookie_name: &str) -> Result<Option<SessionKey>, AuthenticatorError> {
    // HTTP/2 clients may send each cookie in its own header field.
    let cookies = headers.get_all(COOKIE).iter().flat_map(|header| header.as_bytes().split(|byte| *byte == b';'));
    let mut values = cookies.filter_map(|cookie| {
        // Only the cookie in question needs to be text.
        let cookie = String::from_utf8_lossy(cookie);
        let (name, value) = cookie.split_once('=')?;
        (name.trim() == cookie_name).then(|| unquoted(value.trim()))
    });
    // Django takes an empty key for no session: the request is anonymous.
    values.next_back().filter(|value| !value.is_empty()).map(parse).transpose()
}

/// Returns what is inside the double quotes, if `value` has them: there a backslash precedes a literal character, or
/// three octal digits that stand for one.
fn unquoted(value: &str) -> String {
    let Some(mut rest) = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')) else {
        return value.to_owned();
    };
    let mut text = String::with_capacity(rest.len());
    while let Some((before, escaped)) = rest.split_once('\\') {
        text.push_str(before);
        let octal = escaped.get(..3).filter(|digits| digits.starts_with(['0', '1', '2', '3']));
        if let Some(code) = octal.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            text.push(char::from(code));
            rest = &escaped[3..];
        } else {
            let mut characters = escaped.chars();
            // At the end of the text the backslash is literal.
            text.push(characters.next().unwrap_or('\\'));
            rest = characters.as_str();
        }
    }
    text + rest
}

const UNUSABLE: AuthenticatorError = AuthenticatorError::InvalidSession(InvalidSession::UnusableKey);

fn parse(value: String) -> Result<SessionKey, AuthenticatorError> {
    let usable = (1..=SESSION_KEY_BYTES_MAX).contains(&value.len()) && value.bytes().all(is_cookie_octet);
    if usable { Ok(SessionKey(value)) } else { Err(UNUSABLE) }
}

/// Returns whether a byte may occur in a cookie's value (RFC 6265, 4.1.1).
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
        check(&["OpenSlidesSessionID=\"abc\""], Ok(Some("abc")));
        check(&[" OpenSlidesSessionID = abc "], Ok(Some("abc")));
        check(&["OpenSlidesSessionID=a=b=="], Ok(Some("a=b==")));
        check(&["ä=ü; \"; =; ;;; OpenSlidesSessionID=abc"], Ok(Some("abc")));
    }

    /// The expectations are what Django 4.2 has in `request.COOKIES` for the same headers, which its servers join with
    /// `; `. (spec: auth.md#cookie)
    #[test]
    fn cookies_are_read_as_django_reads_them() {
        let invalid = || Err(UNUSABLE);
        check(&["OpenSlidesSessionID=first; OpenSlidesSessionID=second"], Ok(Some("second")));
        check(&["OpenSlidesSessionID=first", "OpenSlidesSessionID=second"], Ok(Some("second")));
        check(&["OpenSlidesSessionID=first", "a=b; OpenSlidesSessionID=second; c=d", "e=f"], Ok(Some("second")));
        check(&["OpenSlidesSessionID=; OpenSlidesSessionID=second"], Ok(Some("second")));
        check(&["OpenSlidesSessionID=first; OpenSlidesSessionID="], Ok(None));
        check(&["OpenSlidesSessionID=first; OpenSlidesSessionID=\"\""], Ok(None));
        check(&["OpenSlidesSessionID=first; OpenSlidesSessionID"], Ok(Some("first")));
        check(&["OpenSlidesSessionID=first; =OpenSlidesSessionID"], Ok(Some("first")));
        check(&["\"a=b; OpenSlidesSessionID=first; c=d\""], Ok(Some("first")));
        check(&["OpenSlidesSessionID=fir,st", "OpenSlidesSessionID=second"], Ok(Some("second")));
        check(&["OpenSlidesSessionID=first, OpenSlidesSessionID=second"], invalid());
        check(&["\u{a0}OpenSlidesSessionID\u{2003}=\u{a0}abc\u{85}"], Ok(Some("abc")));
        check(&[r#"OpenSlidesSessionID="a\bc""#], Ok(Some("abc")));
        check(&[r#"OpenSlidesSessionID="\141b\143""#], Ok(Some("abc")));
        check(&[r#"OpenSlidesSessionID="\1411\18""#], Ok(Some("a118")));
        check(&[r#"OpenSlidesSessionID="\541""#], Ok(Some("541")));
        check(&[r#"OpenSlidesSessionID="\+14""#], Ok(Some("+14")));
        check(&[r#"OpenSlidesSessionID="abc\""#], invalid());
        check(&[r#"OpenSlidesSessionID="a\"bc""#], invalid());
        check(&[r#"OpenSlidesSessionID="a\\bc""#], invalid());
        check(&[r#"OpenSlidesSessionID="a\054bc""#], invalid());
        check(&[r#"OpenSlidesSessionID=\141bc"#], invalid());
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
        for value in ["=ä", "=a b", "=a\tb", "=a\"b", "=\"", "=a,b", "=a\\b"] {
            check(&[&format!("{NAME}{value}")], Err(UNUSABLE));
        }
        check(&[&long], Err(UNUSABLE));
        assert_eq!(ask(&[b"OpenSlidesSessionID=\xff\xfe"]), Err(UNUSABLE));
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
