//! The route `/system/notify/send`: sends others a message. (spec: notify.md#send-body)

use std::sync::Arc;

use application::limits::rate::UserRate;
use domain::notify::send;
use domain::ports::message_bus::MessageBus;
use poem::http::Method;
use poem::{Endpoint, IntoResponse, Request, Response, Result};

use super::auth::Gate;
use super::body;
use super::error::HttpError;

const LOGIN_REQUIRED: &str = "You have to be logged in to use the notify system.";

/// The endpoint.
pub struct NotifySend {
    /// Admits requests.
    pub gate: Gate,
    /// Where the stream is.
    pub bus: Arc<dyn MessageBus>,
    /// How often a user may.
    pub rate: UserRate,
}

impl Endpoint for NotifySend {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        let user = self.gate.admit(request.headers()).await?.user;
        let sender = user.ok_or_else(|| HttpError::AuthRequired(LOGIN_REQUIRED.to_owned()))?;
        // Before the body: what is refused anyway need not be read.
        if request.method() != Method::HEAD {
            self.rate.check(sender).map_err(HttpError::from)?;
        }
        let body = body::read(request.take_body()).await?;
        let content = send::check(&body, sender).map_err(|error| HttpError::InvalidRequest(error.to_string()))?;
        // HEAD is answered like GET, but must not have any effect (RFC 9110, 9.2.1).
        if request.method() != Method::HEAD {
            self.bus.publish_notify(&content).await.map_err(HttpError::from)?;
        }
        Ok(().into_response())
    }
}

#[cfg(test)]
mod tests {
    use application::limits::refusals::Limit;
    use application::testing::meeting::publisher;
    use domain::ports::Unavailable;
    use domain::ports::authenticator::{AuthenticatorError, InvalidSession, Session};
    use domain::ports::message_bus::MockMessageBus;
    use poem::Body;
    use serde_json::{Value, json};

    use super::super::test_support::{gate_of, rate, session};
    use super::*;

    const BODY: &str = r#"{ "channel_id": "a:5:0", "name": "n", "message": null, "to_all": true }"#;

    /// A bus that publishes what is expected (`None`: nothing may be published), or fails.
    fn bus(content: Option<&'static str>, answer: Result<(), Unavailable>) -> MockMessageBus {
        let mut bus = MockMessageBus::new();
        if let Some(content) = content {
            bus.expect_publish_notify().withf(move |published| published == content).once().return_const(answer);
        }
        bus
    }

    /// Returns status and body of the response; an empty body is null.
    async fn check(
        session: Result<Session, AuthenticatorError>,
        bus: MockMessageBus,
        body: impl Into<Body>,
        status: u16,
        expected: Value,
    ) {
        check_request(session, bus, Request::builder().method(Method::POST).body(body), status, expected).await;
    }

    async fn check_request(
        session: Result<Session, AuthenticatorError>,
        bus: MockMessageBus,
        request: Request,
        status: u16,
        expected: Value,
    ) {
        let rate = rate(Limit::SendsPerUser, 1);
        let endpoint = NotifySend { gate: gate_of(&publisher(), session), bus: Arc::new(bus), rate };
        let response = endpoint.get_response(request).await;
        assert_eq!(response.status().as_u16(), status);
        let text = response.into_body().into_string().await.expect("text");
        let value = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect(&text) };
        assert_eq!(value, expected);
    }

    fn error(kind: &str, message: &str) -> Value {
        json!({"error": {"type": kind, "msg": message}})
    }

    #[tokio::test]
    async fn a_message_is_published_compacted() {
        let content = r#"{"channel_id":"a:5:0","name":"n","message":null,"to_all":true}"#;
        check(Ok(session(Some(5))), bus(Some(content), Ok(())), BODY, 200, Value::Null).await;
    }

    /// (spec: notify.md#rates)
    #[tokio::test]
    async fn who_sends_too_often_is_told_to_wait() {
        let mut bus = MockMessageBus::new();
        bus.expect_publish_notify().times(1).return_const(Ok(()));
        let gate = gate_of(&publisher(), Ok(session(Some(5))));
        let endpoint = NotifySend { gate, bus: Arc::new(bus), rate: rate(Limit::SendsPerUser, 2) };
        // Whatever the body is: reading it costs as much. HEAD sends nothing, and is not counted.
        let requests =
            [(Method::POST, BODY, 200), (Method::HEAD, BODY, 200), (Method::POST, "", 400), (Method::GET, BODY, 429)];
        for (method, body, status) in requests {
            let response = endpoint.get_response(Request::builder().method(method).body(body)).await;
            assert_eq!(response.status().as_u16(), status);
            assert_eq!(response.header("retry-after"), (status == 429).then_some("30"));
        }
    }

    #[tokio::test]
    async fn only_head_has_no_effect() {
        let content = r#"{"channel_id":"a:5:0","name":"n","message":null,"to_all":true}"#;
        for (method, published) in [(Method::GET, Some(content)), (Method::HEAD, None)] {
            let request = Request::builder().method(method).body(BODY);
            check_request(Ok(session(Some(5))), bus(published, Ok(())), request, 200, Value::Null).await;
        }
    }

    /// (spec: notify.md#send-login)
    #[tokio::test]
    async fn only_logged_in_users_send() {
        let refused = error("auth_required", "You have to be logged in to use the notify system.");
        check(Ok(session(None)), bus(None, Ok(())), BODY, 400, refused).await;
        let refused = error("auth_required", "Invalid session data");
        check(Err(AuthenticatorError::InvalidSession(InvalidSession::Unknown)), bus(None, Ok(())), BODY, 400, refused)
            .await;
    }

    #[tokio::test]
    async fn what_may_not_be_sent_is_not_published() {
        for (body, message) in [
            (r#"{"channel_id":"a:6:0","name":"n","message":1}"#, "invalid channel id"),
            (r#"{"channel_id":"a:5:0","message":1}"#, "notify does not have required field `name`"),
            (r#"{"channel_id":"a:5:0","name":"applause","message":1}"#, "notify name can not be applause"),
            ("", "invalid json: EOF while parsing a value at line 1 column 0"),
        ] {
            check(Ok(session(Some(5))), bus(None, Ok(())), body, 400, error("invalid_request", message)).await;
        }
        let large = format!("{BODY}{}", " ".repeat(body::BODY_BYTES_MAX));
        let message = "The body has more than 1048576 bytes";
        check(Ok(session(Some(5))), bus(None, Ok(())), large, 413, error("invalid_request", message)).await;
    }

    #[tokio::test]
    async fn without_the_bus_the_client_is_asked_to_try_again() {
        let content = r#"{"channel_id":"a:5:0","name":"n","message":null,"to_all":true}"#;
        let away = Err(Unavailable::Silent { system: "Redis", cause: "10.0.0.7: connection refused".to_owned() });
        let expected = error("unavailable", "Redis does not answer, try again");
        check(Ok(session(Some(5))), bus(Some(content), away), BODY, 503, expected).await;
    }
}
