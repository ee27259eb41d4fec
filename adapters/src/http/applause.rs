//! The route `/system/applause`: applauds. (spec: notify.md#applaud)

use std::sync::Arc;

use application::limits::rate::UserRate;
use domain::ports::applause_store::ApplauseStore;
use poem::http::Method;
use poem::{Endpoint, IntoResponse, Request, Response, Result};

use super::auth::Gate;
use super::error::HttpError;

const LOGIN_REQUIRED: &str = "You have to be logged in to send applause.";

/// The endpoint.
pub struct Applause {
    /// Admits requests.
    pub gate: Gate,
    /// Where applause is recorded.
    pub store: Arc<dyn ApplauseStore>,
    /// How often a user may.
    pub rate: UserRate,
}

impl Endpoint for Applause {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let user = self.gate.admit(request.headers()).await?.user;
        let user = user.ok_or_else(|| HttpError::AuthRequired(LOGIN_REQUIRED.to_owned()))?;
        // HEAD is answered like GET, but must not have any effect (RFC 9110, 9.2.1).
        if request.method() != Method::HEAD {
            self.rate.check(user).map_err(HttpError::from)?;
            self.store.applaud(user).await.map_err(HttpError::from)?;
        }
        Ok(().into_response())
    }
}

#[cfg(test)]
mod tests {
    use application::limits::refusals::Limit;
    use application::testing::meeting::publisher;
    use domain::ids::UserId;
    use domain::ports::Unavailable;
    use domain::ports::applause_store::MockApplauseStore;

    use super::super::test_support::{gate, rate};
    use super::*;

    /// Checks status and body of the response if the store answers like this; `None`: it must not be asked.
    async fn check(user: Option<u64>, answer: Option<Result<(), Unavailable>>, status: u16, body: &str) {
        check_method(Method::POST, user, answer, status, body).await;
    }

    async fn check_method(
        method: Method,
        user: Option<u64>,
        answer: Option<Result<(), Unavailable>>,
        status: u16,
        body: &str,
    ) {
        let mut store = MockApplauseStore::new();
        if let Some(answer) = answer {
            let user = UserId(user.expect("somebody applauds"));
            store.expect_applaud().withf(move |who| *who == user).once().return_const(answer);
        }
        let gate = gate(&publisher(), user);
        let endpoint = Applause { gate, store: Arc::new(store), rate: rate(Limit::ClapsPerUser, 1) };
        let response = endpoint.get_response(Request::builder().method(method).finish()).await;
        assert_eq!(response.status().as_u16(), status);
        assert_eq!(response.into_body().into_string().await.expect("text"), body);
    }

    /// (spec: notify.md#applaud)
    #[tokio::test]
    async fn applause_is_noted_with_its_user() {
        check(Some(5), Some(Ok(())), 200, "").await;
    }

    /// (spec: notify.md#rates)
    #[tokio::test]
    async fn who_applauds_too_often_is_told_to_wait() {
        let mut store = MockApplauseStore::new();
        store.expect_applaud().times(2).return_const(Ok(()));
        let (gate, rate) = (gate(&publisher(), Some(5)), rate(Limit::ClapsPerUser, 2));
        let endpoint = Applause { gate, store: Arc::new(store), rate };
        let mut answers = Vec::new();
        for method in [Method::POST, Method::HEAD, Method::GET, Method::HEAD, Method::POST] {
            let response = endpoint.get_response(Request::builder().method(method).finish()).await;
            answers.push((response.status().as_u16(), response.header("retry-after").map(str::to_owned)));
        }
        let fine = || (200, None);
        assert_eq!(answers, [fine(), fine(), fine(), fine(), (429, Some("30".to_owned()))]);
    }

    #[tokio::test]
    async fn only_head_has_no_effect() {
        check_method(Method::GET, Some(5), Some(Ok(())), 200, "").await;
        check_method(Method::HEAD, Some(5), None, 200, "").await;
    }

    /// (spec: notify.md#applaud)
    #[tokio::test]
    async fn only_logged_in_users_applaud() {
        let body =
            "{\"error\": {\"type\": \"auth_required\", \"msg\": \"You have to be logged in to send applause.\"}}\n";
        check(None, None, 400, body).await;
    }

    #[tokio::test]
    async fn without_the_store_the_client_is_asked_to_try_again() {
        let body = "{\"error\": {\"type\": \"unavailable\", \"msg\": \"Redis does not answer, try again\"}}\n";
        check(
            Some(5),
            Some(Err(Unavailable::Silent { system: "Redis", cause: "connection refused".to_owned() })),
            503,
            body,
        )
        .await;
    }

    #[tokio::test]
    async fn a_store_that_refuses_is_not_said_to_be_silent() {
        let body = "{\"error\": {\"type\": \"unavailable\", \"msg\": \"Redis refuses the command ZADD (NOPERM)\"}}\n";
        let (what, cause) = ("the command ZADD (NOPERM)".to_owned(), "10.0.0.7: NOPERM".to_owned());
        check(Some(5), Some(Err(Unavailable::Refused { system: "Redis", what, cause })), 503, body).await;
    }
}
