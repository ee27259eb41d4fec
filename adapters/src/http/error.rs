//! What does a client get if its request fails, and what goes to the log? (spec: http.md#errors)

use application::limits::rate::TooOften;
use application::limits::refusals::Limit;
use application::sessions::admission::NotServed;
use domain::ports::Unavailable;
use domain::ports::authenticator::AuthenticatorError;
use domain::ports::element_store::StoreError;
use poem::error::ResponseError;
use poem::http::{Method, StatusCode, header};
use poem::{IntoResponse, Response};

use super::wire::ErrorBody;

/// After how many seconds a client should retry if the service is not ready.
const RETRY_AFTER_SECONDS: u64 = 1;

/// After how many seconds a client should retry if too many streams are open: it is unknown when one ends.
const PLACE_RETRY_AFTER_SECONDS: u64 = 5;

/// The header with the id under which a request appears in the log.
pub const REQUEST_ID_HEADER: &str = "x-request-id";

/// Why a request fails. The text is sent to the client: it MUST NOT contain anything that the client may not see. What
/// only the log may contain is in `cause`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// The request itself is wrong; the text says what, with the value.
    #[error("{0}")]
    InvalidRequest(String),
    /// The length of the body can be understood in more than one way: whatever follows on the connection is unclear too.
    #[error("The only Transfer-Encoding that is understood is chunked")]
    AmbiguousLength,
    /// There is no such route.
    #[error("There is nothing at {path}")]
    NotFound {
        /// The path of the request.
        path: String,
    },
    /// The route exists, but not with this method.
    #[error("Method {method} is not allowed here, use {}", list(allowed))]
    MethodNotAllowed {
        /// The method of the request.
        method: Method,
        /// The methods that are allowed.
        allowed: &'static [Method],
    },
    /// The body is too large.
    #[error("The body has more than {bytes_max} bytes")]
    BodyTooLarge {
        /// How many are allowed.
        bytes_max: usize,
    },
    /// Without TLS nothing is served.
    #[error("This port speaks HTTPS only, use https://")]
    TlsRequired,
    /// Nobody is logged in where that is required, or the session is invalid; the text says which.
    #[error("{0}")]
    AuthRequired(String),
    /// The requester may not do this; the text says who may.
    #[error("{0}")]
    Forbidden(String),
    /// The client, or all of them, have as much as they may.
    #[error("{limit} ({})", limit.variable())]
    TooMany {
        /// The limit that is met.
        limit: Limit,
        /// After how many seconds the client should try again.
        retry_after_seconds: u64,
    },
    /// The answer is unknown now, but may be known soon.
    #[error("{reason}")]
    Unavailable {
        /// What is missing.
        reason: String,
        /// Why, for the log.
        cause: Option<String>,
    },
    /// Anything else.
    #[error("Ups, something went wrong!")]
    Internal {
        /// What it was, for the log.
        cause: String,
    },
}

impl HttpError {
    /// Returns the status of the response.
    #[must_use]
    pub const fn status_code(&self) -> StatusCode {
        match self {
            Self::InvalidRequest(_) | Self::AmbiguousLength | Self::AuthRequired(_) => StatusCode::BAD_REQUEST,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::NotFound { .. } => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TlsRequired => StatusCode::UPGRADE_REQUIRED,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Returns the wire name of this kind of error.
    const fn kind(&self) -> &'static str {
        match self {
            Self::InvalidRequest(_)
            | Self::AmbiguousLength
            | Self::NotFound { .. }
            | Self::MethodNotAllowed { .. }
            | Self::BodyTooLarge { .. }
            | Self::TlsRequired => "invalid_request",
            Self::AuthRequired(_) => "auth_required",
            Self::Forbidden(_) => "forbidden",
            Self::TooMany { .. } => "too_many_requests",
            Self::Unavailable { .. } => "unavailable",
            Self::Internal { .. } => "InternalError",
        }
    }

    /// Returns the response, after logging what belongs into the log: nothing about mistakes of a client. `id` is the
    /// request's, if it already has one.
    pub(super) fn log_and_respond(&self, id: Option<&str>) -> Response {
        let mut response = self.as_response();
        match self {
            Self::Internal { cause } => {
                let id = id.map_or_else(request_id, ToOwned::to_owned);
                tracing::error!(request_id = %id, cause, "a request failed");
                if let Ok(value) = id.parse() {
                    response.headers_mut().insert(REQUEST_ID_HEADER, value);
                }
            }
            // Whatever is unavailable is logged where that is noticed, once; here it would be logged for every client.
            Self::Unavailable { reason, cause } => tracing::debug!(reason, cause, "a request was answered with 503"),
            _ => {}
        }
        response
    }
}

impl ResponseError for HttpError {
    fn status(&self) -> StatusCode {
        self.status_code()
    }

    fn as_response(&self) -> Response {
        let body = ErrorBody { kind: self.kind(), message: &self.to_string() }.to_line();
        let response = Response::builder()
            .status(self.status_code())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::CACHE_CONTROL, "no-store");
        let response = match self {
            Self::AmbiguousLength => response.header(header::CONNECTION, "close"),
            Self::MethodNotAllowed { allowed, .. } => response.header(header::ALLOW, list(allowed)),
            Self::Unavailable { .. } => response.header(header::RETRY_AFTER, RETRY_AFTER_SECONDS),
            Self::TooMany { retry_after_seconds, .. } => response.header(header::RETRY_AFTER, *retry_after_seconds),
            _ => response,
        };
        response.body(body).into_response()
    }
}

impl From<Limit> for HttpError {
    fn from(limit: Limit) -> Self {
        Self::TooMany { limit, retry_after_seconds: PLACE_RETRY_AFTER_SECONDS }
    }
}

impl From<TooOften> for HttpError {
    fn from(TooOften { limit, retry_after }: TooOften) -> Self {
        // Rounded up: earlier would be in vain.
        Self::TooMany { limit, retry_after_seconds: retry_after.as_millis().div_ceil(1_000).max(1) as u64 }
    }
}

impl From<NotServed> for HttpError {
    fn from(error: NotServed) -> Self {
        match error {
            NotServed::Refused { refusal, .. } => Self::AuthRequired(refusal.to_string()),
            NotServed::Session(error) => error.into(),
            NotServed::Store(StoreError::Unavailable(error)) => error.into(),
            NotServed::Store(StoreError::NotReady | StoreError::Incomplete(_)) | NotServed::NotLoaded => {
                Self::Unavailable { reason: error.to_string(), cause: None }
            }
        }
    }
}

impl From<AuthenticatorError> for HttpError {
    fn from(error: AuthenticatorError) -> Self {
        match error {
            AuthenticatorError::InvalidSession(_) => Self::AuthRequired(error.to_string()),
            AuthenticatorError::Unavailable(unavailable) => unavailable.into(),
        }
    }
}

impl From<Unavailable> for HttpError {
    fn from(unavailable: Unavailable) -> Self {
        let public = unavailable.public();
        match unavailable {
            Unavailable::Silent { cause, .. } => {
                Self::Unavailable { reason: format!("{public}, try again"), cause: Some(cause) }
            }
            Unavailable::Refused { cause, .. } => Self::Unavailable { reason: public, cause: Some(cause) },
        }
    }
}

/// Converts an error of any endpoint into the one form.
pub(super) fn from_poem(error: poem::Error) -> HttpError {
    let error = match error.downcast::<HttpError>() {
        Ok(error) => return error,
        Err(error) => error,
    };
    if error.status().is_client_error() {
        HttpError::InvalidRequest(error.to_string())
    } else {
        HttpError::Internal { cause: error.to_string() }
    }
}

fn list(methods: &[Method]) -> String {
    methods.iter().map(Method::as_str).collect::<Vec<_>>().join(", ")
}

/// Returns an id by which a client's request can be found in the log. Without randomness (at a machine's very start) it
/// is zero.
pub(super) fn request_id() -> String {
    format!("{:016x}", getrandom::u64().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use domain::ports::authenticator::InvalidSession;

    use super::*;

    /// (spec: http.md#errors)
    #[track_caller]
    fn check(error: HttpError, status: u16, kind: &str, message: &str, header: Option<(&str, &str)>) {
        let response = error.log_and_respond(None);
        assert_eq!(response.status().as_u16(), status, "{error:?}");
        assert_eq!(response.header("content-type"), Some("application/json"));
        if let Some((name, value)) = header {
            assert_eq!(response.header(name), Some(value), "{error:?}");
        }
        let body = futures_util::FutureExt::now_or_never(response.into_body().into_string());
        let body = body.expect("at once").expect("text");
        let body: serde_json::Value = serde_json::from_str(&body).expect(&body);
        assert_eq!(body, serde_json::json!({"error": {"type": kind, "msg": message}}));
    }

    #[test]
    fn the_table_of_errors() {
        let invalid = HttpError::InvalidRequest("Change id has to be a number not 'ä'".to_owned());
        check(invalid, 400, "invalid_request", "Change id has to be a number not 'ä'", None);
        let missing = HttpError::NotFound { path: "/x".to_owned() };
        check(missing, 404, "invalid_request", "There is nothing at /x", None);
        let method = HttpError::MethodNotAllowed { method: Method::PUT, allowed: &[Method::GET, Method::POST] };
        let text = "Method PUT is not allowed here, use GET, POST";
        check(method, 405, "invalid_request", text, Some(("allow", "GET, POST")));
        let large = HttpError::BodyTooLarge { bytes_max: 7 };
        check(large, 413, "invalid_request", "The body has more than 7 bytes", None);
        check(HttpError::TlsRequired, 426, "invalid_request", "This port speaks HTTPS only, use https://", None);
        let session = AuthenticatorError::InvalidSession(InvalidSession::Unknown).into();
        check(session, 400, "auth_required", "Invalid session data", None);
        let silent = Unavailable::Silent { system: "Redis", cause: "10.0.0.7 is down".to_owned() };
        let unavailable = HttpError::from(AuthenticatorError::Unavailable(silent));
        check(unavailable, 503, "unavailable", "Redis does not answer, try again", Some(("retry-after", "1")));
        let internal = HttpError::Internal { cause: "secret".to_owned() };
        check(internal, 500, "InternalError", "Ups, something went wrong!", None);
    }

    #[test]
    fn an_internal_error_can_be_found_in_the_log() {
        let error = HttpError::Internal { cause: String::new() };
        assert_eq!(error.log_and_respond(None).header(REQUEST_ID_HEADER).map(str::len), Some(16));
        assert_eq!(error.log_and_respond(Some("1f")).header(REQUEST_ID_HEADER), Some("1f"));
    }

    #[test]
    fn errors_of_the_framework_take_the_same_form() {
        let own = HttpError::AuthRequired("no".to_owned());
        assert_eq!(from_poem(own.clone().into()), own);
        let client = poem::Error::from_string("bad", StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(from_poem(client), HttpError::InvalidRequest("bad".to_owned()));
        let server = poem::Error::from_string("bad", StatusCode::BAD_GATEWAY);
        assert_eq!(from_poem(server), HttpError::Internal { cause: "bad".to_owned() });
    }
}
