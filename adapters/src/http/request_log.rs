//! What does the log say about a request? One line at debug: who asked for what, how it was answered, and why the
//! session was refused, if it was.

use std::fmt::Display;
use std::time::Instant;

use domain::ids::UserId;
use poem::Response;
use poem::http::HeaderValue;
use tracing::field::{Empty, display};
use tracing::{Level, Span, debug, debug_span};

use super::error::{REQUEST_ID_HEADER, request_id};
use super::route::ServiceRoute;

/// One request, from its beginning to its answer. Costs nothing if the level is above debug.
///
/// What is known about the request belongs to its span, so it appears in every line that is logged meanwhile.
pub(super) struct RequestLog {
    span: Span,
    logged: Option<Logged>,
}

/// What only a logged request has.
struct Logged {
    id: String,
    begin: Instant,
}

impl RequestLog {
    /// Begins the log of a request for `route`; `None`: an unknown one. Its path is not logged, because clients could
    /// put anything there.
    pub(super) fn begin(route: Option<ServiceRoute>) -> Self {
        if !tracing::enabled!(Level::DEBUG) {
            return Self { span: Span::none(), logged: None };
        }
        let id = request_id();
        let route = route.map_or("other", ServiceRoute::path);
        let span = debug_span!("request", request_id = id, route, user = Empty, refusal = Empty);
        Self { span, logged: Some(Logged { id, begin: Instant::now() }) }
    }

    /// Returns the id of the request, if it is logged.
    pub(super) fn id(&self) -> Option<&str> {
        self.logged.as_ref().map(|logged| logged.id.as_str())
    }

    /// Returns the span in which the request is answered.
    pub(super) fn span(&self) -> Span {
        self.span.clone()
    }

    /// Logs how the request was answered (how a stream began), and adds the request id to the response.
    pub(super) fn end(self, response: &mut Response) {
        let Self { span, logged: Some(Logged { id, begin }) } = self else { return };
        let duration_ms = begin.elapsed().as_secs_f64() * 1000.0;
        debug!(parent: &span, status = response.status().as_u16(), duration_ms, "answered a request");
        if let Ok(id) = HeaderValue::try_from(id) {
            response.headers_mut().insert(REQUEST_ID_HEADER, id);
        }
    }
}

/// Records whose session the current request came with; `None`: nobody's, which is user 0.
pub(super) fn note_user(user: Option<UserId>) {
    Span::current().record("user", user.map_or(0, |user| user.0));
}

/// Records why the session of the current request is refused.
pub(super) fn note_refusal(reason: &dyn Display) {
    Span::current().record("refusal", display(reason));
}
