//! The route `/system/projector`: what projectors show. (spec: projector.md)

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use domain::line::Encoder;
use domain::live::Live;
use domain::projector::{ProjectorCursor, ProjectorIds};
use domain::right::Right;
use poem::{Endpoint, Request, Response, Result};
use tokio::time::timeout;

use super::connections::Interest;
use super::error::HttpError;
use super::gate::{Admission, Gate};
use super::projectors::{Projectors, Wish};
use super::stream::{Part, Source};
use super::stream_response::{Streams, query_value};

/// How long a new stream waits until the meeting was held against the store, in seconds; after that it begins with the
/// meeting as it is known.
pub const CATCH_UP_SECONDS_MAX: u64 = 2;

/// The endpoint.
pub struct Projector {
    /// Who asks.
    pub gate: Gate,
    /// Whether the stream may go on.
    pub live: Arc<Live>,
    /// What the projectors show.
    pub projectors: Arc<Projectors>,
    /// How streams are sent.
    pub streams: Streams,
}

impl Endpoint for Projector {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let ids = ProjectorIds::parse(query_value(&request, "projector_ids").as_deref())
            .map_err(|error| HttpError::InvalidRequest(error.to_string()))?;
        let Admission { session, user, published } = self.gate.admit(request.headers()).await?;
        self.catch_up().await;
        let cursor = ProjectorCursor::new(user, ids.clone());
        let interest = Interest::Projectors(cursor.clone());
        let right = Right::new(&published, session.clone(), user);
        let live = Arc::clone(&self.live);
        let source = ProjectorSource { wish: self.projectors.listen(ids), cursor, live, right };
        Ok(self.streams.respond(&request, "application/json", &session, interest, source))
    }
}

impl Projector {
    /// Brings the meeting up to the store. The client does not say which change id it has seen, on any instance, and drops
    /// lines below that: what it asks for newly and is told with a lower one it would not show until that changes again.
    ///
    /// Nobody is refused because the store does not answer: four failures of this stream take the client offline.
    async fn catch_up(&self) {
        let _ = timeout(Duration::from_secs(CATCH_UP_SECONDS_MAX), self.gate.catch_up.catch_up()).await;
    }
}

/// The lines of one connection.
struct ProjectorSource {
    wish: Wish,
    cursor: ProjectorCursor,
    live: Arc<Live>,
    right: Right,
}

impl Source for ProjectorSource {
    fn poll_part(&mut self, _: &mut Context<'_>, encoder: &mut Encoder) -> Poll<Part> {
        if self.live.published().is_some_and(|published| !self.right.holds(&published)) {
            return Poll::Ready(Part::End);
        }
        let line = self.wish.board().and_then(|board| self.cursor.next_line(&board));
        match line {
            None => Poll::Pending,
            Some(line) => Poll::Ready(Part::Bytes { bytes: encoder.shared(&line), ends_line: true }),
        }
    }

    /// The client keeps no change id of projectors to come back with.
    fn quiet_line(&mut self, _: &mut Encoder) -> Option<Bytes> {
        None
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use domain::ids::ChangeId;
    use domain::ports::Unavailable;
    use domain::ports::element_store::Bounds;
    use futures_util::{FutureExt, StreamExt};
    use serde_json::{Value, json};

    use super::super::gate::CatchUp;
    use super::super::test_support::{gate, live, streams, write};
    use super::*;

    /// A store that has one more change, or does not answer, at once or ever.
    enum Store {
        Ahead(Arc<Live>),
        Away,
        Stalled,
    }

    #[async_trait]
    impl CatchUp for Store {
        async fn catch_up(&self) -> Result<Bounds, Unavailable> {
            match self {
                Self::Ahead(live) => {
                    write(live, ("core/projector:1", r#"{"id":1,"elements":[{"name":"core/clock"}]}"#));
                    Ok(Bounds { lowest: ChangeId(1), highest: ChangeId(4) })
                }
                Self::Away => Err(Unavailable::Silent("connection refused".to_owned())),
                Self::Stalled => std::future::pending().await,
            }
        }
    }

    /// The first data line of a listener to projector 1, which is written with change id 3 and, in the store, 4.
    async fn check(store: impl FnOnce(&Arc<Live>) -> Store, expected: Value) {
        let live = live();
        write(&live, ("users/group:1", r#"{"id":1,"permissions":["core.can_see_projector"]}"#));
        write(&live, ("core/projector:1", r#"{"id":1,"elements":[]}"#));
        let gate = Gate { catch_up: Arc::new(store(&live)), ..gate(&live, Some(5)) };
        let projectors = Projectors::new(Arc::clone(&live));
        let endpoint = Projector { gate, live, projectors, streams: streams() };
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

    #[tokio::test(start_paused = true)]
    async fn a_stream_begins_with_what_the_store_has() {
        let slides = json!([{"data": {}, "element": {"name": "core/clock"}}]);
        check(|live| Store::Ahead(Arc::clone(live)), json!({"change_id": 4, "data": {"1": slides}})).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_does_not_answer_keeps_nobody_away() {
        check(|_| Store::Away, json!({"change_id": 3, "data": {"1": []}})).await;
        check(|_| Store::Stalled, json!({"change_id": 3, "data": {"1": []}})).await;
    }
}
