//! The route `/system/health`: can the service be used now, and with `?ready` by new clients, too? (spec: http.md#health,
//! http.md#ready)

use application::readiness::Readiness;
use poem::http::{StatusCode, header};
use poem::{Endpoint, IntoResponse, Request, Response, Result};

use super::stream_response::query_value;
use super::wire::HealthBody;

/// The parameter of those who ask whether to send new clients. Its value does not matter.
const READY: &str = "ready";

/// The endpoint.
pub(super) struct Health {
    pub(super) readiness: Readiness,
}

impl Endpoint for Health {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let problem = match query_value(&request, READY) {
            None => self.readiness.problem(),
            Some(_) => self.readiness.problem_of_new_clients(),
        };
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
    use std::time::Duration;

    use application::readiness::Freshness;

    use super::*;

    fn check(readiness: &Readiness, status: u16, body: serde_json::Value) {
        check_asked("/system/health", readiness, status, body);
    }

    #[track_caller]
    fn check_asked(path: &str, readiness: &Readiness, status: u16, body: serde_json::Value) {
        let request = Request::builder().uri_str(path).finish();
        let call = Health { readiness: readiness.clone() }.call(request).into_now();
        assert_eq!(call.0, status, "{path}");
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

    /// (spec: http.md#health)
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

    /// (spec: http.md#ready)
    #[test]
    fn those_who_ask_for_new_clients_are_told_more() {
        let freshness = Freshness {
            store: "Redis",
            unconfirmed_for: Box::new(|| Duration::ZERO),
            unconfirmed_max: Duration::ZERO,
            can_publish: Box::new(|| false),
        };
        let readiness = Readiness::not_ready("loading").with_freshness(freshness);
        readiness.set_ready();
        check(&readiness, 200, serde_json::json!({"healthy": true}));
        let reason = "Redis for writing does not answer";
        for query in ["?ready", "?ready=", "?ready=1", "?a=b&ready"] {
            let body = serde_json::json!({"healthy": false, "reason": reason});
            check_asked(&format!("/system/health{query}"), &readiness, 503, body);
        }
        check_asked("/system/health?already", &readiness, 200, serde_json::json!({"healthy": true}));
    }
}
