//! The route `/system/autoupdate`: what this user may see, and every change of it. (spec: stream.md#change-id)

use application::autoupdate::AutoupdateStreams;
use domain::ids::ChangeId;
use poem::{Endpoint, Request, Response, Result};

use super::auth::{Gate, note_not_served};
use super::error::HttpError;
use super::stream_response::{Streams, query_value};

/// The endpoint.
pub struct Autoupdate {
    /// Admits requests.
    pub gate: Gate,
    /// What is sent.
    pub autoupdate: AutoupdateStreams,
    /// How streams are sent.
    pub streams: Streams,
}

impl Endpoint for Autoupdate {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let change_id = parse_change_id(query_value(&request, "change_id").as_deref())?;
        let admission = self.gate.admit(request.headers()).await?;
        let place = self.streams.place(&request, admission.user)?;
        // Catching up may have taken the right to be served.
        let opened = self.autoupdate.open(admission, change_id).await.inspect_err(note_not_served);
        let opened = opened.map_err(HttpError::from)?;
        Ok(self.streams.respond(&request, "application/octet-stream", opened, place))
    }
}

/// Parses the change id of a request; missing or empty: 0. A negative one is below every other.
pub(crate) fn parse_change_id(text: Option<&str>) -> Result<ChangeId, HttpError> {
    match text {
        None | Some("") => Ok(ChangeId(0)),
        Some(text) => {
            let number = text.parse::<i64>().ok().filter(|_| !text.starts_with('+'));
            let number = number.ok_or_else(|| {
                let shown: String = text.chars().take(VALUE_SHOWN_CHARACTERS_MAX).collect();
                HttpError::InvalidRequest(format!("Change id has to be a number not {shown}"))
            })?;
            Ok(ChangeId(u64::try_from(number).unwrap_or(0)))
        }
    }
}

/// How much of a wrong value an error repeats, in characters.
const VALUE_SHOWN_CHARACTERS_MAX: usize = 100;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use application::publishing::publisher::MeetingPublisher;
    use application::sessions::admission::CatchUp;
    use application::testing::meeting::{publisher, write};
    use async_trait::async_trait;
    use domain::ports::element_store::{Bounds, MockElementStore, StoreError};
    use poem::http::StatusCode;

    use super::*;
    use crate::http::test_support::{gate, streams};

    /// A store that holds one more change than the service has seen.
    struct OneChangeAhead {
        publisher: Arc<MeetingPublisher>,
        element: (&'static str, &'static str),
    }

    #[async_trait]
    impl CatchUp for OneChangeAhead {
        async fn catch_up(&self) -> Result<Bounds, StoreError> {
            write(&self.publisher, self.element);
            Ok(self.publisher.published().expect("a meeting").current().bounds())
        }
    }

    /// Returns the answer to a client that has the id of a change which this service has not seen yet.
    async fn check_ahead(user: Option<u64>, element: (&'static str, &'static str), expected: Result<(), &str>) {
        for change_id in [2, 1_000] {
            let publisher = publisher();
            let catch_up = Arc::new(OneChangeAhead { publisher: Arc::clone(&publisher), element });
            let mut gate = gate(&publisher, user);
            gate.admissions.catch_up = catch_up;
            let store = Arc::new(MockElementStore::new());
            let autoupdate = AutoupdateStreams::new(gate.admissions.clone(), publisher, store);
            let endpoint = Autoupdate { gate, autoupdate, streams: streams() };
            let uri = format!("/system/autoupdate?change_id={change_id}");
            let answer = endpoint.call(Request::builder().uri_str(uri).finish()).await;
            let answer = answer.map(|response| response.status()).map_err(|error| error.to_string());
            assert_eq!(answer, expected.map(|()| StatusCode::OK).map_err(str::to_owned), "{user:?} {element:?}");
        }
    }

    #[tokio::test]
    async fn what_the_service_catches_up_with_may_take_the_right_to_a_stream() {
        let not_anonymous = r#"{"id":1,"key":"general_system_enable_anonymous","value":false}"#;
        check_ahead(Some(5), ("users/user:5", r#"{"id":5,"title":"Dr."}"#), Ok(())).await;
        check_ahead(Some(5), ("users/user:5", r#"{"id":5,"is_active":false}"#), Err("This user is not active.")).await;
        check_ahead(None, ("core/config:1", not_anonymous), Err("Anonymous is not enabled.")).await;
        check_ahead(Some(5), ("core/config:1", not_anonymous), Ok(())).await;
    }

    #[track_caller]
    fn check(text: Option<&str>, expected: Option<u64>) {
        assert_eq!(parse_change_id(text).ok(), expected.map(ChangeId), "{text:?}");
    }

    #[test]
    fn change_ids_are_numbers() {
        check(None, Some(0));
        check(Some(""), Some(0));
        check(Some("0"), Some(0));
        check(Some("133188953000"), Some(133_188_953_000));
        check(Some("-1"), Some(0));
        for text in ["x", "1.5", "1e3", " 1", "+1", "0x10", "99999999999999999999", "ä", "1,2", "null"] {
            check(Some(text), None);
        }
        let error = parse_change_id(Some("abc")).expect_err("not a number").to_string();
        assert_eq!(error, "Change id has to be a number not abc");
    }
}
