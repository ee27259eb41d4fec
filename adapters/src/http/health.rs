//! The route `/system/health`: can the service be used now? (spec: http.md, `/system/health`)

use application::readiness::Readiness;
use poem::http::{StatusCode, header};
use poem::{Endpoint, IntoResponse, Request, Response, Result};

use super::wire::HealthBody;

/// The endpoint.
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
