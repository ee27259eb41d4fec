//! The route `/system/inspector/explain`: why does somebody see an element, or not? (spec: inspector.md#route)

use domain::explanation::{Verdict, explain};
use domain::ids::{ElementKey, ElementKeyError, UserId};
use domain::restriction::viewer::Viewer;
use poem::http::header;
use poem::{Endpoint, IntoResponse, Request, Response, Result};
use serde_json::json;
use tracing::info;

use super::auth::Gate;
use super::error::HttpError;
use super::stream_response::query_value;

/// The endpoint, for superadmins only: they see everything anyway.
pub struct Explain {
    /// Admits requests.
    pub gate: Gate,
}

impl Endpoint for Explain {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let admission = self.gate.admit(request.headers()).await?;
        let meeting = admission.published.current();
        if !Viewer::resolve(meeting, admission.user).profile().superadmin {
            return Err(HttpError::Forbidden("Explanations are for superadmins".to_owned()).into());
        }
        let user = parse_user(&query_value(&request, "user").unwrap_or_default())?;
        let key = parse_key(&query_value(&request, "key").unwrap_or_default())?;
        info!(
            asked_by = admission.user.map(|user| user.0),
            about_user = user.map(|user| user.0),
            element = %key,
            "explaining what a user sees"
        );
        let explanation = explain(meeting, user, key);
        let body = json!({ "verdict": name(explanation.verdict), "lines": explanation.lines(meeting) });
        Ok(Response::builder()
            .content_type("application/json")
            .header(header::CACHE_CONTROL, "no-store")
            .body(body.to_string())
            .into_response())
    }
}

/// Parses the user of a request; 0 is anonymous.
fn parse_user(text: &str) -> Result<Option<UserId>, HttpError> {
    match text.parse() {
        Ok(0) => Ok(None),
        Ok(id) => Ok(Some(UserId(id))),
        Err(_) => {
            Err(HttpError::InvalidRequest(format!("user has to be the id of a user, or 0, not {:?}", short(text))))
        }
    }
}

fn parse_key(text: &str) -> Result<ElementKey, HttpError> {
    text.parse().map_err(|error: ElementKeyError| {
        HttpError::InvalidRequest(format!(
            "key has to be an element such as motions/motion:3; {:?} {error}",
            short(text)
        ))
    })
}

/// Returns as much of a wrong value as an error repeats.
fn short(text: &str) -> String {
    text.chars().take(100).collect()
}

const fn name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Missing => "missing",
        Verdict::Unreadable => "unreadable",
        Verdict::Hidden => "hidden",
        Verdict::Partly => "partly",
        Verdict::Whole => "whole",
    }
}

#[cfg(test)]
mod tests {
    use application::testing::meeting::{publisher, write};
    use poem::http::StatusCode;

    use super::super::test_support::gate;
    use super::*;

    /// Returns status and text of the answer to `user`, in a meeting where user 1 is a superadmin and 5 a delegate.
    async fn ask(user: Option<u64>, query: &str) -> (StatusCode, String) {
        let publisher = publisher();
        write(&publisher, ("users/user:1", r#"{"id":1,"groups_id":[2]}"#));
        write(&publisher, ("users/user:5", r#"{"id":5,"groups_id":[3]}"#));
        write(&publisher, ("topics/topic:3", r#"{"id":3}"#));
        let endpoint = Explain { gate: gate(&publisher, user) };
        let uri = format!("/system/inspector/explain?{query}").parse().expect("a URI");
        let response = endpoint.call(Request::builder().uri(uri).finish()).await;
        let response = response.unwrap_or_else(|error| error.into_response());
        let status = response.status();
        (status, response.into_body().into_string().await.expect("text"))
    }

    /// (spec: inspector.md#route)
    #[tokio::test]
    async fn superadmins_are_told_why() {
        let (status, body) = ask(Some(1), "user=5&key=topics/topic:3").await;
        assert_eq!(status, StatusCode::OK);
        let body: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!(body["verdict"], "hidden");
        assert_eq!(body["lines"][0], "topics/topic:3 is hidden from user 5 (group (3)).");
        let (_, body) = ask(Some(1), "user=0&key=topics/topic:4").await;
        assert!(body.contains("\"missing\""), "{body}");
    }

    /// (spec: inspector.md#route)
    #[tokio::test]
    async fn nobody_else_gets_explanations() {
        for user in [Some(5), None] {
            let (status, body) = ask(user, "user=1&key=topics/topic:3").await;
            assert_eq!(status, StatusCode::FORBIDDEN, "{user:?}: {body}");
            assert!(!body.contains("topic"), "{body}");
        }
    }

    #[tokio::test]
    async fn a_wrong_question_says_what_is_wrong() {
        for (query, expected) in [
            ("key=topics/topic:3", "user has to be the id of a user, or 0, not"),
            ("user=x&key=topics/topic:3", "user has to be the id of a user"),
            ("user=5", "key has to be an element"),
            ("user=5&key=foo/bar:1", "collection that this service does not know"),
        ] {
            let (status, body) = ask(Some(1), query).await;
            assert!(status == StatusCode::BAD_REQUEST && body.contains(expected), "{query}: {status} {body}");
        }
    }
}
