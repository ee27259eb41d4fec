//! The route `/system/projector`: what projectors show. (spec: projector.md#projector-line)

use application::projector::source::ProjectorStreams;
use domain::projector::ProjectorIds;
use poem::{Endpoint, Request, Response, Result};

use super::auth::Gate;
use super::error::HttpError;
use super::stream_response::{Streams, query_value};

/// The endpoint.
pub struct Projector {
    /// Admits requests.
    pub gate: Gate,
    /// What is sent.
    pub projector: ProjectorStreams,
    /// How streams are sent.
    pub streams: Streams,
}

impl Endpoint for Projector {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let ids = ProjectorIds::parse(query_value(&request, "projector_ids").as_deref())
            .map_err(|error| HttpError::InvalidRequest(error.to_string()))?;
        let admission = self.gate.admit(request.headers()).await?;
        let place = self.streams.place(&request, admission.user)?;
        let opened = self.projector.open(admission, ids).await;
        Ok(self.streams.respond(&request, "application/json", opened, place))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use application::projector::projectors::Projectors;
    use application::publishing::publisher::MeetingPublisher;
    use application::sessions::admission::CatchUp;
    use application::testing::meeting::{publisher, write};
    use async_trait::async_trait;
    use domain::ids::ChangeId;
    use domain::ports::Unavailable;
    use domain::ports::element_store::{Bounds, StoreError};
    use futures_util::{FutureExt, StreamExt};
    use serde_json::{Value, json};

    use super::super::test_support::{gate, streams};
    use super::*;

    /// A store that has one more change, or fails, or never answers.
    enum Store {
        Ahead(Arc<MeetingPublisher>),
        Away,
        Stalled,
    }

    #[async_trait]
    impl CatchUp for Store {
        async fn catch_up(&self) -> Result<Bounds, StoreError> {
            match self {
                Self::Ahead(publisher) => {
                    write(publisher, ("core/projector:1", r#"{"id":1,"elements":[{"name":"core/clock"}]}"#));
                    Ok(Bounds { lowest: ChangeId(1), highest: ChangeId(4) })
                }
                Self::Away => {
                    Err(Unavailable::Silent { system: "Redis", cause: "connection refused".to_owned() }.into())
                }
                Self::Stalled => std::future::pending().await,
            }
        }
    }

    /// Returns the first data line of a listener to projector 1, which is written with change id 3 and, in the store,
    /// 4.
    async fn check(store: impl FnOnce(&Arc<MeetingPublisher>) -> Store, expected: Value) {
        let publisher = publisher();
        write(&publisher, ("users/group:1", r#"{"id":1,"permissions":["core.can_see_projector"]}"#));
        write(&publisher, ("core/projector:1", r#"{"id":1,"elements":[]}"#));
        let mut gate = gate(&publisher, Some(5));
        gate.admissions.catch_up = Arc::new(store(&publisher));
        let projectors = Projectors::new(Arc::clone(&publisher));
        let projector = ProjectorStreams { admissions: gate.admissions.clone(), publisher, projectors };
        let endpoint = Projector { gate, projector, streams: streams() };
        let request = Request::builder().uri("/?projector_ids=1".parse().expect("a URI")).finish();
        let response = endpoint.get_response(request).await;
        assert_eq!(response.status().as_u16(), 200);
        let mut chunks = Box::pin(response.into_body().into_bytes_stream());
        let mut line = || {
            let chunk = chunks.next().now_or_never().flatten().expect("a line is there").expect("a chunk");
            serde_json::from_slice::<Value>(&chunk).expect("a line is JSON")
        };
        assert_eq!([line(), line()], [json!({"connected": true}), expected]);
    }

    /// (spec: projector.md#projector-change-id)
    #[tokio::test(start_paused = true)]
    async fn a_stream_begins_with_what_the_store_has() {
        let slides = json!([{"data": {}, "element": {"name": "core/clock"}}]);
        check(|publisher| Store::Ahead(Arc::clone(publisher)), json!({"change_id": 4, "data": {"1": slides}})).await;
    }

    #[tokio::test(start_paused = true)]
    async fn clients_are_admitted_while_the_store_does_not_answer() {
        check(|_| Store::Away, json!({"change_id": 3, "data": {"1": []}})).await;
        check(|_| Store::Stalled, json!({"change_id": 3, "data": {"1": []}})).await;
    }
}
