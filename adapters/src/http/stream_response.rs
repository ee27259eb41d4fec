//! Which response begins a stream, and in which encoding? (spec: http.md#stream-headers)

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use application::delivery::line::Encoder;
use application::limits::streams::{StreamPlace, StreamPlaces};
use application::streams::body::{Opened, StreamBody, StreamSource};
use application::streams::registry::StreamRegistry;
use domain::ids::UserId;
use poem::http::{HeaderMap, header};
use poem::{Body, Request, Response};
use tokio::time::Instant;

use super::client_address::TrustedProxies;
use super::error::HttpError;

/// What all streams have in common. Cheap to clone.
#[derive(Clone)]
pub struct Streams {
    /// Where open streams are registered.
    pub registry: Arc<StreamRegistry>,
    /// When streams are compressed.
    pub compression: Compression,
    /// After how many bytes of text a stream is ended between two lines; 0: never.
    pub text_bytes_max: u64,
    /// How many may be open.
    pub places: Arc<StreamPlaces>,
    /// Who speaks for other addresses.
    pub proxies: TrustedProxies,
}

/// When a request was received: a stream's first line is timed from then on.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReceivedAt(pub(super) Instant);

/// The `Content-Encoding` of streams that are not compressed. nginx (`gzip`) and Apache (`DEFLATE`, `BROTLI_COMPRESS`)
/// ignore `no-transform`, but leave alone what is already encoded; Firefox would stop reading what they compress. Names
/// of codings are case-insensitive (RFC 9110, 8.4.1), but Apache takes `identity` in lower case for no coding at all,
/// and compresses it.
const NOT_COMPRESSED: &str = "Identity";

/// When streams are compressed (spec: http.md#compression).
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

impl Compression {
    /// Returns how the stream that answers such a request is compressed; `None`: not at all.
    fn coding(self, headers: &HeaderMap) -> Option<ContentCoding> {
        let engine = Engine::of(headers);
        if self == Self::Off || (self == Self::Auto && engine == Engine::OtherBrowser) {
            return None;
        }
        let gzip = accepted(headers, "gzip");
        let zstd = accepted(headers, "zstd");
        // Many decoders other than Chromium's stop after the first zstd frame, so others get zstd only if they leave no
        // choice.
        let prefers_zstd = zstd > gzip || (zstd == gzip && engine == Engine::Chromium);
        match prefers_zstd {
            true if zstd > 0.0 => Some(ContentCoding::Zstd),
            _ if gzip > 0.0 => Some(ContentCoding::Gzip),
            _ => None,
        }
    }
}

impl Streams {
    /// Takes the place of a stream that `request` opens as `user` (`None`: anonymous).
    ///
    /// # Errors
    /// Too many streams are open (spec: http.md#fair-shares).
    pub fn place(&self, request: &Request, user: Option<UserId>) -> Result<StreamPlace, HttpError> {
        let address = self.proxies.of_request(request.remote_addr().as_socket_addr().copied(), request.headers());
        self.places.take(user, address).map_err(HttpError::from)
    }

    /// Returns the response to `request` that streams what was opened, for as long as its session lasts.
    #[must_use]
    pub fn respond<S: StreamSource>(
        &self,
        request: &Request,
        content_type: &'static str,
        opened: Opened<S>,
        place: StreamPlace,
    ) -> Response {
        let Opened { session, subscription, source } = opened;
        let response = Response::builder()
            .content_type(content_type)
            .header(header::CACHE_CONTROL, "no-store, no-transform")
            .header("X-Accel-Buffering", "no");
        let (coding, encoder) = match self.compression.coding(request.headers()) {
            None => (NOT_COMPRESSED, Encoder::plain()),
            Some(ContentCoding::Gzip) => ("gzip", Encoder::gzip()),
            Some(ContentCoding::Zstd) => ("zstd", Encoder::zstd()),
        };
        let response = response.header(header::CONTENT_ENCODING, coding);
        let waited = request.data::<ReceivedAt>().map_or(Duration::ZERO, |received| received.0.elapsed());
        let connection = self.registry.enter_requested(&session, subscription, waited);
        let progress = connection.progress();
        let body = StreamBody::new(source, connection, encoder, self.text_bytes_max).keeping(place);
        let mut response = response.body(Body::from_bytes_stream(body));
        response.extensions_mut().insert(progress);
        response
    }
}

/// How a stream is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ContentCoding {
    Gzip,
    Zstd,
}

/// Returns how much `Accept-Encoding` wants the coding, from 0 (not at all) to 1.
fn accepted(headers: &HeaderMap, coding: &str) -> f32 {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let quality = values.flat_map(|value| value.split(',')).find_map(|item| {
        let mut parts = item.split(';').map(str::trim);
        let is_named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(coding));
        let quality = parts.find_map(|part| part.strip_prefix("q="));
        is_named.then(|| quality.map_or(Ok(1.0), str::parse).unwrap_or(0.0))
    });
    quality.unwrap_or(0.0)
}

/// What reads the stream, according to its `User-Agent`, as far as it matters for reading compressed streams to the
/// end.
///
/// The web client reads on only up to the `loaded` of the progress event, so that must count decoded bytes. What was
/// tried is listed in docs/PERFORMANCE.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Engine {
    /// Not a browser, so there is no such event.
    None,
    Chromium,
    /// WebKit as on Linux. Safari has the same engine on its own network library, which has not been tried.
    WebKitGtk,
    /// Known to count transferred bytes, as Firefox does, or unknown.
    OtherBrowser,
}

impl Engine {
    fn of(headers: &HeaderMap) -> Self {
        let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let is_browser = agent.starts_with("Mozilla/") || agent.starts_with("Opera/");
        match agent {
            _ if !is_browser => Self::None,
            _ if agent.contains(" Chrome/") || agent.contains(" HeadlessChrome/") => Self::Chromium,
            _ if agent.contains("(X11; Linux ") && agent.contains(" Version/60.5 Safari/605.1.15") => Self::WebKitGtk,
            _ => Self::OtherBrowser,
        }
    }
}

/// Returns the value of a parameter in the query of the request; of several the first.
pub(crate) fn query_value(request: &Request, name: &str) -> Option<String> {
    let pairs = request.params::<Vec<(String, String)>>().ok()?;
    pairs.into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(header::HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().expect("a header value"))).collect()
    }

    const CHROMIUM: &str =
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36";
    const WEBKIT_GTK: &str =
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/60.5 Safari/605.1.15";
    const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";

    fn coding(compression: Compression, agent: &str, accept: &str) -> Option<ContentCoding> {
        compression.coding(&headers(&[(header::USER_AGENT, agent), (header::ACCEPT_ENCODING, accept)]))
    }

    #[track_caller]
    fn check_accept(accept: &str, expected: Option<ContentCoding>) {
        assert_eq!(coding(Compression::Auto, CHROMIUM, accept), expected, "{accept}");
    }

    #[test]
    fn only_what_the_client_accepts_is_used_and_zstd_first() {
        check_accept("gzip", Some(ContentCoding::Gzip));
        check_accept("br, GZIP;q=0.5", Some(ContentCoding::Gzip));
        check_accept("deflate, gzip ; q=1.0, *;q=0.5", Some(ContentCoding::Gzip));
        check_accept("gzip;q=0", None);
        check_accept("gzip;q=0.000", None);
        check_accept("gzip;q=much", None);
        check_accept("identity", None);
        check_accept("x-gzip2, zstd2", None);
        check_accept("", None);
        check_accept("gzip, deflate, br, zstd", Some(ContentCoding::Zstd));
        check_accept("Zstd ; q=0.1", Some(ContentCoding::Zstd));
        check_accept("zstd;q=0.8, gzip;q=0.9", Some(ContentCoding::Gzip));
        check_accept("zstd;q=0.9, gzip;q=0.8", Some(ContentCoding::Zstd));
        check_accept("gzip, zstd;q=0", Some(ContentCoding::Gzip));
        check_accept("gzip;q=0, zstd", Some(ContentCoding::Zstd));
    }

    #[track_caller]
    fn check_agent(agent: &str, auto: Option<ContentCoding>, on: Option<ContentCoding>) {
        const ALL: &str = "gzip, deflate, br, zstd";
        assert_eq!(coding(Compression::Auto, agent, ALL), auto, "{agent}");
        assert_eq!(coding(Compression::On, agent, ALL), on, "{agent}");
        assert_eq!(coding(Compression::Off, agent, ALL), None, "{agent}");
        assert_eq!(coding(Compression::On, agent, "zstd"), Some(ContentCoding::Zstd), "{agent}");
        assert_eq!(coding(Compression::On, agent, "br"), None, "{agent}");
    }

    /// (spec: http.md#compression)
    #[test]
    fn only_browsers_known_to_read_on_get_compressed_streams() {
        let (gzip, zstd) = (Some(ContentCoding::Gzip), Some(ContentCoding::Zstd));
        check_agent("", gzip, gzip);
        check_agent("curl/8.0", gzip, gzip);
        check_agent(CHROMIUM, zstd, zstd);
        check_agent(&CHROMIUM.replace("Chrome", "HeadlessChrome"), zstd, zstd);
        check_agent(WEBKIT_GTK, gzip, gzip);
        check_agent(FIREFOX, None, gzip);
        // Safari, Chrome on iOS (which has Safari's engine), and an older WebKit.
        check_agent(
            "Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.1 Safari/605.1.15",
            None,
            gzip,
        );
        check_agent(
            "Mozilla/5.0 (iPhone) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/120.0 Mobile Safari/604.1",
            None,
            gzip,
        );
        check_agent(&WEBKIT_GTK.replace("60.5", "12.0"), None, gzip);
    }
}
