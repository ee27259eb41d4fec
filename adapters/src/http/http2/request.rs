//! Which request does a list of header fields make? (RFC 9113, section 8)

use poem::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use poem::http::uri::{Authority, PathAndQuery, Scheme, Uri};
use poem::http::{Method, Request, Version, request};

/// What the RFC adds to each field when it counts how long a list is, in bytes.
const FIELD_BYTES: usize = 32;

/// Fields that are about one connection of HTTP/1.1 and mean nothing here.
const OF_CONNECTIONS: [&str; 5] = ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"];

/// Whether the field is about one connection of HTTP/1.1, so that it is neither taken nor sent.
pub(super) fn is_of_connection(name: &str) -> bool {
    OF_CONNECTIONS.contains(&name)
}

/// Why there is no request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unusable {
    /// It is longer than it may be.
    TooLong,
    /// It breaks a rule of the protocol.
    Malformed,
}

/// Takes the fields of a request, in order.
#[derive(Debug)]
pub(super) struct RequestFields {
    room: ListRoom,
    pseudo: PseudoFields,
    headers: HeaderMap,
    unusable: Option<Unusable>,
}

#[derive(Debug, Default)]
struct PseudoFields {
    method: Option<Method>,
    scheme: Option<Scheme>,
    authority: Option<Authority>,
    path: Option<PathAndQuery>,
}

impl RequestFields {
    /// For a list of up to `bytes_max`.
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { room: ListRoom(bytes_max), pseudo: PseudoFields::default(), headers: HeaderMap::new(), unusable: None }
    }

    /// The next field. After something unusable the rest is ignored.
    pub(super) fn push(&mut self, name: &[u8], value: &[u8]) {
        if self.unusable.is_none() {
            self.unusable = self.try_push(name, value).err();
        }
    }

    fn try_push(&mut self, name: &[u8], value: &[u8]) -> Result<(), Unusable> {
        self.room.take(name, value)?;
        if let [b':', pseudo @ ..] = name {
            // These come first.
            if !self.headers.is_empty() {
                return Err(Unusable::Malformed);
            }
            return self.pseudo.push(pseudo, value);
        }
        // Refuses capital letters.
        let name = HeaderName::from_lowercase(name).map_err(|_| Unusable::Malformed)?;
        let value = sound_value(value).ok_or(Unusable::Malformed)?;
        if is_of_connection(name.as_str()) || (name == header::TE && value != "trailers") {
            return Err(Unusable::Malformed);
        }
        self.headers.append(name, value);
        Ok(())
    }

    /// The request that these fields make.
    pub(super) fn into_request(self) -> Result<request::Parts, Unusable> {
        let Self { pseudo, mut headers, unusable, .. } = self;
        if let Some(unusable) = unusable {
            return Err(unusable);
        }
        join_cookies(&mut headers)?;
        let (method, uri) = pseudo.into_method_and_uri().ok_or(Unusable::Malformed)?;
        let mut request = Request::new(()).into_parts().0;
        (request.method, request.uri, request.version, request.headers) = (method, uri, Version::HTTP_2, headers);
        Ok(request)
    }
}

impl PseudoFields {
    fn push(&mut self, name: &[u8], value: &[u8]) -> Result<(), Unusable> {
        let is_new = match name {
            b"method" => self.method.replace(parsed(value)?).is_none(),
            b"scheme" => self.scheme.replace(parsed(value)?).is_none(),
            b"authority" => self.authority.replace(parsed(value)?).is_none(),
            b"path" if (value.first() == Some(&b'/') && !value.contains(&b'#')) || value == b"*" => {
                self.path.replace(parsed(value)?).is_none()
            }
            _ => false,
        };
        if is_new { Ok(()) } else { Err(Unusable::Malformed) }
    }

    fn into_method_and_uri(self) -> Option<(Method, Uri)> {
        let method = self.method?;
        let mut parts = poem::http::uri::Parts::default();
        if method == Method::CONNECT {
            // Goes to a host, nowhere there.
            if self.scheme.is_some() || self.path.is_some() {
                return None;
            }
            parts.authority = Some(self.authority?);
        } else {
            parts.path_and_query = Some(self.path?);
            let scheme = self.scheme?;
            // Who leaves the authority out says it as `host`, if at all.
            if let Some(authority) = self.authority {
                (parts.scheme, parts.authority) = (Some(scheme), Some(authority));
            }
        }
        Some((method, Uri::from_parts(parts).ok()?))
    }
}

fn parsed<'v, T: TryFrom<&'v [u8]>>(value: &'v [u8]) -> Result<T, Unusable> {
    T::try_from(value).map_err(|_| Unusable::Malformed)
}

/// Clients may send each cookie by itself, so that they compress better; everybody expects one field.
fn join_cookies(headers: &mut HeaderMap) -> Result<(), Unusable> {
    let mut cookies = headers.get_all(header::COOKIE).iter();
    if let (Some(first), Some(second)) = (cookies.next(), cookies.next()) {
        let mut joined = first.as_bytes().to_vec();
        for cookie in std::iter::once(second).chain(cookies) {
            joined.extend_from_slice(b"; ");
            joined.extend_from_slice(cookie.as_bytes());
        }
        let joined = HeaderValue::from_bytes(&joined).map_err(|_| Unusable::Malformed)?;
        headers.insert(header::COOKIE, joined);
    }
    Ok(())
}

/// How long the body is by `content-length`; `None`: it does not say.
pub(super) fn content_length(request: &request::Parts) -> Result<Option<u64>, Unusable> {
    let mut values = request.headers.get_all(header::CONTENT_LENGTH).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let digits = value.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    match digits.and_then(|text| text.parse().ok()) {
        Some(length) if values.next().is_none() => Ok(Some(length)),
        _ => Err(Unusable::Malformed),
    }
}

/// The value, unless it has what none may have: control characters, or space around it (RFC 9113, section 8.2.1).
fn sound_value(value: &[u8]) -> Option<HeaderValue> {
    let is_space = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    if is_space(value.first()) || is_space(value.last()) {
        return None;
    }
    HeaderValue::from_bytes(value).ok()
}

/// Takes the fields that come after a body. Nobody is interested in them, but they have the rules and the limit of others.
#[derive(Debug)]
pub(super) struct TrailerFields {
    room: ListRoom,
    is_sound: bool,
}

impl TrailerFields {
    /// For a list of up to `bytes_max`.
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { room: ListRoom(bytes_max), is_sound: true }
    }

    /// The next field. After something unusable the rest is ignored: few bytes may stand for many.
    pub(super) fn push(&mut self, name: &[u8], value: &[u8]) {
        self.is_sound = self.is_sound
            && self.room.take(name, value).is_ok()
            && sound_value(value).is_some()
            && HeaderName::from_lowercase(name).is_ok_and(|name| !is_of_connection(name.as_str()));
    }

    /// Whether all of them may come after a body.
    pub(super) fn is_sound(&self) -> bool {
        self.is_sound
    }
}

/// How much longer a list may become, in bytes as the RFC counts them.
#[derive(Debug)]
struct ListRoom(usize);

impl ListRoom {
    fn take(&mut self, name: &[u8], value: &[u8]) -> Result<(), Unusable> {
        let bytes = name.len() + value.len() + FIELD_BYTES;
        self.0 = self.0.checked_sub(bytes).ok_or(Unusable::TooLong)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GET: [(&str, &str); 3] = [(":method", "GET"), (":scheme", "https"), (":path", "/a?b=c")];

    fn request(fields: &[(&str, &str)]) -> Result<request::Parts, Unusable> {
        let mut request = RequestFields::new(1_000);
        for (name, value) in fields {
            request.push(name.as_bytes(), value.as_bytes());
        }
        request.into_request()
    }

    #[track_caller]
    fn check(fields: &[(&str, &str)], expected: Result<(&str, &str), Unusable>) {
        let request = request(fields).map(|request| (request.method.to_string(), request.uri.to_string()));
        let request = request.as_ref().map(|(method, uri)| (&**method, &**uri)).map_err(|unusable| *unusable);
        assert_eq!(request, expected, "{fields:?}");
    }

    #[test]
    fn fields_make_a_request() {
        check(&GET, Ok(("GET", "/a?b=c")));
        check(&[&GET[..], &[(":authority", "host:1")]].concat(), Ok(("GET", "https://host:1/a?b=c")));
        check(&[&GET[..], &[("host", "host:1")]].concat(), Ok(("GET", "/a?b=c")));
        check(&[(":path", "*"), (":scheme", "http"), (":method", "OPTIONS")], Ok(("OPTIONS", "*")));
        check(&[(":method", "CONNECT"), (":authority", "host:1")], Ok(("CONNECT", "host:1")));
        let made = request(&[&GET[..], &[("te", "trailers"), ("x", "1"), ("x", "2")]].concat()).expect("sound");
        assert_eq!((made.version, made.headers.get_all("x").iter().count()), (Version::HTTP_2, 2));
    }

    #[test]
    fn what_breaks_a_rule_is_no_request() {
        for broken in [
            (":method", "GET"),
            (":scheme", "https"),
            (":path", "/"),
            (":status", "200"),
            (":protocol", "websocket"),
            (":", ""),
            ("", "x"),
            ("Cookie", "a=1"),
            ("a b", "x"),
            ("x", "a\nb"),
            ("x", "a\0b"),
            ("x", " a"),
            ("x", "a\t"),
            ("connection", "close"),
            ("keep-alive", "1"),
            ("proxy-connection", "close"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("te", "gzip"),
            (":authority", ""),
            (":authority", "a b"),
        ] {
            check(&[&GET[..], &[broken]].concat(), Err(Unusable::Malformed));
        }
        for missing in 0..GET.len() {
            let fields: Vec<_> =
                GET.iter().enumerate().filter(|(at, _)| *at != missing).map(|(_, field)| *field).collect();
            check(&fields, Err(Unusable::Malformed));
        }
        for path in ["", "a", "//\u{7f}", "*a", "/a#b"] {
            check(&[GET[0], GET[1], (":path", path)], Err(Unusable::Malformed));
        }
        check(&[GET[0], GET[1], ("x", "1"), GET[2]], Err(Unusable::Malformed));
        check(&[(":method", "CONNECT")], Err(Unusable::Malformed));
        check(&[(":method", "CONNECT"), (":authority", "host:1"), GET[2]], Err(Unusable::Malformed));
    }

    #[test]
    fn a_list_is_as_long_as_its_fields_and_32_bytes_for_each() {
        // GET has 10 + 12 + 11 bytes and three fields.
        let room = 1_000 - (10 + 12 + 11 + 3 * 32) - 33;
        let value = "v".repeat(room + 1);
        check(&[&GET[..], &[("x", &value[1..])]].concat(), Ok(("GET", "/a?b=c")));
        check(&[&GET[..], &[("x", &value)]].concat(), Err(Unusable::TooLong));
        check(&[&GET[..], &[("x", &value), ("Broken", "")]].concat(), Err(Unusable::TooLong));
    }

    #[test]
    fn cookies_are_one_field() {
        for (sent, joined) in [(&["a=1"][..], "a=1"), (&["a=1", "b=2"], "a=1; b=2"), (&["a", "b", "c"], "a; b; c")] {
            let cookies: Vec<_> = sent.iter().map(|cookie| ("cookie", *cookie)).collect();
            let request = request(&[&GET[..], &cookies].concat()).expect("sound");
            let cookies: Vec<_> = request.headers.get_all("cookie").iter().collect();
            assert_eq!(cookies, [joined]);
        }
    }

    #[test]
    fn the_length_of_a_body_is_one_number() {
        for (values, expected) in [
            (&[][..], Ok(None)),
            (&["0"], Ok(Some(0))),
            (&["18446744073709551615"], Ok(Some(u64::MAX))),
            (&["18446744073709551616"], Err(Unusable::Malformed)),
            (&["-1"], Err(Unusable::Malformed)),
            (&["+1"], Err(Unusable::Malformed)),
            (&[""], Err(Unusable::Malformed)),
            (&["1", "1"], Err(Unusable::Malformed)),
        ] {
            let lengths: Vec<_> = values.iter().map(|value| ("content-length", *value)).collect();
            let request = request(&[&GET[..], &lengths].concat()).expect("sound");
            assert_eq!(content_length(&request), expected, "{values:?}");
        }
    }
}
