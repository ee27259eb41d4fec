//! Which response begins a stream, and in which encoding? (spec: http.md, Streams)

use std::str::FromStr;
use std::sync::Arc;

use domain::line::Encoder;
use domain::ports::authenticator::Session;
use poem::http::{HeaderMap, header};
use poem::{Body, Request, Response};

use super::connections::{Connections, Interest};
use super::stream::{Source, StreamBody};

/// What all streams have in common. Cheap to clone.
#[derive(Clone)]
pub struct Streams {
    /// Where open streams are registered.
    pub connections: Arc<Connections>,
    /// When streams are compressed.
    pub compression: Compression,
    /// After how many bytes of text a stream is ended between two lines; 0: never.
    pub text_bytes_max: u64,
}

/// When streams are compressed (spec: http.md, Streams).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// If the client accepts it and is not a browser that would stop reading.
    Auto,
    /// If the client accepts it.
    On,
    /// Never.
    Off,
}

impl FromStr for Compression {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "on" => Ok(Self::On),
            "off" => Ok(Self::Off),
            _ => Err("one of auto, on, off"),
        }
    }
}

impl Streams {
    /// The response to `request` that streams what `source` has, for as long as `session` lasts.
    #[must_use]
    pub fn respond<S: Source>(
        &self,
        request: &Request,
        content_type: &'static str,
        session: &Session,
        interest: Interest,
        source: S,
    ) -> Response {
        let response = Response::builder()
            .content_type(content_type)
            .header(header::CACHE_CONTROL, "no-store, no-transform")
            .header("X-Accel-Buffering", "no");
        let (response, encoder) = if self.compresses(request.headers()) {
            (response.header(header::CONTENT_ENCODING, "gzip"), Encoder::gzip())
        } else {
            (response, Encoder::plain())
        };
        let connection = self.connections.enter(session, interest);
        let body = StreamBody::new(source, connection, encoder, self.text_bytes_max);
        response.body(Body::from_bytes_stream(body))
    }

    fn compresses(&self, headers: &HeaderMap) -> bool {
        accepts_gzip(headers)
            && match self.compression {
                Compression::Off => false,
                Compression::On => true,
                Compression::Auto => counts_decoded_bytes(headers),
            }
    }
}

/// Does `Accept-Encoding` allow gzip?
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let names_gzip = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        let quality = parts.find_map(|part| part.strip_prefix("q="));
        names_gzip && quality.is_none_or(|quality| quality.parse::<f32>().is_ok_and(|quality| quality > 0.0))
    })
}

/// Does the `loaded` of a progress event count decoded bytes? The web client reads on only up to there.
///
/// Known of Chromium's engine. Other browsers are left alone; what is no browser has no such event.
fn counts_decoded_bytes(headers: &HeaderMap) -> bool {
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_browser = agent.starts_with("Mozilla/") || agent.starts_with("Opera/");
    !is_browser || agent.contains(" Chrome/") || agent.contains(" HeadlessChrome/")
}

/// The value of a parameter in the query of the request; of several the first.
pub(super) fn query_value(request: &Request, name: &str) -> Option<String> {
    let pairs = request.params::<Vec<(String, String)>>().ok()?;
    pairs.into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(header::HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().expect("a header value"))).collect()
    }

    #[track_caller]
    fn check_accepts(value: &str, expected: bool) {
        assert_eq!(accepts_gzip(&headers(&[(header::ACCEPT_ENCODING, value)])), expected, "{value}");
    }

    #[test]
    fn gzip_is_used_only_if_it_is_accepted() {
        check_accepts("gzip", true);
        check_accepts("br, GZIP;q=0.5", true);
        check_accepts("deflate, gzip ; q=1.0, *;q=0.5", true);
        check_accepts("gzip;q=0", false);
        check_accepts("gzip;q=0.000", false);
        check_accepts("identity", false);
        check_accepts("x-gzip2", false);
        check_accepts("", false);
        assert!(!accepts_gzip(&HeaderMap::new()));
    }

    #[track_caller]
    fn check_agent(agent: &str, expected: bool) {
        assert_eq!(counts_decoded_bytes(&headers(&[(header::USER_AGENT, agent)])), expected, "{agent}");
    }

    #[test]
    fn only_browsers_known_to_read_on_get_compressed_streams() {
        check_agent("curl/8.0", true);
        check_agent(
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
            true,
        );
        check_agent("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", false);
        check_agent(
            "Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.1 Safari/605.1.15",
            false,
        );
        check_agent(
            "Mozilla/5.0 (iPhone) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/120.0 Mobile Safari/604.1",
            false,
        );
        assert!(counts_decoded_bytes(&HeaderMap::new()));
    }
}
