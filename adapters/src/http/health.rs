//! Can the service be used now? (spec: http.md, `/system/health`)

use std::sync::{Arc, PoisonError, RwLock};

use poem::http::{StatusCode, header};
use poem::{Endpoint, IntoResponse, Request, Response, Result};

use super::wire::HealthBody;

/// What the service tells about itself; all clones are the same one.
#[derive(Clone, Debug)]
pub struct Readiness(Arc<RwLock<State>>);

#[derive(Debug)]
enum State {
    NotReady(String),
    Ready,
    Stopping,
}

impl Readiness {
    /// Not ready, for a reason that is told to whoever asks: it MUST hold nothing of the meeting.
    pub fn not_ready(reason: impl Into<String>) -> Self {
        Self(Arc::new(RwLock::new(State::NotReady(reason.into()))))
    }

    /// From now on the meeting is there.
    pub fn set_ready(&self) {
        self.set(State::Ready);
    }

    /// From now on the service cannot be used, for this reason.
    pub fn set_not_ready(&self, reason: impl Into<String>) {
        self.set(State::NotReady(reason.into()));
    }

    /// The service is about to stop; this is final.
    pub fn set_stopping(&self) {
        self.set(State::Stopping);
    }

    /// Why the service cannot be used now; `None`: it can.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        match &*self.0.read().unwrap_or_else(PoisonError::into_inner) {
            State::Ready => None,
            State::NotReady(reason) => Some(reason.clone()),
            State::Stopping => Some("the service is stopping".to_owned()),
        }
    }

    fn set(&self, state: State) {
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if !matches!(*current, State::Stopping) {
            *current = state;
        }
    }
}

/// The route `/system/health`.
pub(super) struct Health {
    pub(super) readiness: Readiness,
}

impl Endpoint for Health {
    type Output = Response;

    async fn call(&self, _request: Request) -> Result<Response> {
        let problem = self.readiness.problem();
        let (status, body) = match &problem {
            None => (StatusCode::OK, HealthBody::Healthy),
            Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, HealthBody::Unhealthy(reason)),
        };
        let response = Response::builder()
            .status(status)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::CACHE_CONTROL, "no-store")
            .body(body.to_line());
        Ok(response.into_response())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(readiness: &Readiness, status: u16, body: serde_json::Value) {
        let call = Health { readiness: readiness.clone() }.call(Request::default()).into_now();
        assert_eq!(call.0, status);
        assert_eq!(call.1, body);
    }

    trait IntoNow {
        fn into_now(self) -> (u16, serde_json::Value);
    }

    impl<F: Future<Output = Result<Response>>> IntoNow for F {
        fn into_now(self) -> (u16, serde_json::Value) {
            let answer = async {
                let response = self.await.expect("an answer");
                let status = response.status().as_u16();
                (status, response.into_body().into_json().await.expect("JSON"))
            };
            futures_util::FutureExt::now_or_never(answer).expect("at once")
        }
    }

    #[test]
    fn health_follows_the_readiness_until_the_service_stops() {
        let readiness = Readiness::not_ready("the meeting is not loaded yet");
        let unhealthy = |reason: &str| serde_json::json!({"healthy": false, "reason": reason});
        check(&readiness, 503, unhealthy("the meeting is not loaded yet"));
        readiness.set_ready();
        check(&readiness, 200, serde_json::json!({"healthy": true}));
        readiness.set_not_ready("Redis is empty");
        check(&readiness, 503, unhealthy("Redis is empty"));
        readiness.set_stopping();
        readiness.set_ready();
        check(&readiness, 503, unhealthy("the service is stopping"));
    }
}
