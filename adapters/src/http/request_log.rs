//! What does the log say of a request? At debug one line: who asked for what, how it was answered, and if the session was
//! refused, why.

use std::fmt::Display;
use std::time::Instant;

use domain::ids::UserId;
use poem::Response;
use poem::http::HeaderValue;
use tracing::field::{Empty, display};
use tracing::{Level, Span, debug, debug_span};

use super::error::{REQUEST_ID_HEADER, request_id};
use super::route::ServiceRoute;

/// One request, from its beginning to its answer. Costs nothing where the level is above debug.
///
/// What is known of the request belongs to its span, so it stands in every line that is logged meanwhile.
pub(super) struct RequestLog {
    span: Span,
    logged: Option<Logged>,
}

/// What only a request has that is logged.
struct Logged {
    id: String,
    begin: Instant,
}

impl RequestLog {
    /// A request for `route`; `None`: for none that there is. Its path is not logged: clients could write anything there.
    pub(super) fn begin(route: Option<ServiceRoute>) -> Self {
        if !tracing::enabled!(Level::DEBUG) {
            return Self { span: Span::none(), logged: None };
        }
        let id = request_id();
        let route = route.map_or("other", ServiceRoute::path);
        let span = debug_span!("request", request_id = id, route, user = Empty, refusal = Empty);
        Self { span, logged: Some(Logged { id, begin: Instant::now() }) }
    }

    /// The id of the request, if it is logged.
    pub(super) fn id(&self) -> Option<&str> {
        self.logged.as_ref().map(|logged| logged.id.as_str())
    }

    /// The span in which the request is answered.
    pub(super) fn span(&self) -> Span {
        self.span.clone()
    }

    /// Logs how the request was answered (of a stream, how it began), and tells the client under which id.
    pub(super) fn end(self, response: &mut Response) {
        let Self { span, logged: Some(Logged { id, begin }) } = self else { return };
        let duration_ms = begin.elapsed().as_secs_f64() * 1000.0;
        debug!(parent: &span, status = response.status().as_u16(), duration_ms, "answered a request");
        if let Ok(id) = HeaderValue::try_from(id) {
            response.headers_mut().insert(REQUEST_ID_HEADER, id);
        }
    }
}

/// Notes whose session the present request came with; `None`: nobody's, which is user 0.
pub(super) fn note_user(user: Option<UserId>) {
    Span::current().record("user", user.map_or(0, |user| user.0));
}

/// Notes why the session of the present request is refused.
pub(super) fn note_refusal(reason: &dyn Display) {
    Span::current().record("refusal", display(reason));
}
