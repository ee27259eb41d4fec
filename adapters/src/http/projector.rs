//! The route `/system/projector`: what projectors show. (spec: projector.md)

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use domain::line::Encoder;
use domain::live::Live;
use domain::projector::{ProjectorCursor, ProjectorIds};
use domain::right::Right;
use poem::{Endpoint, Request, Response, Result};

use super::connections::Interest;
use super::error::HttpError;
use super::gate::{Admission, Gate};
use super::projectors::{Projectors, Wish};
use super::stream::{Part, Source};
use super::stream_response::{Streams, query_value};

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
        let cursor = ProjectorCursor::new(user, ids.clone());
        let interest = Interest::Projectors(cursor.clone());
        let right = Right::new(&published, session.clone(), user);
        let live = Arc::clone(&self.live);
        let source = ProjectorSource { wish: self.projectors.listen(ids), cursor, live, right };
        Ok(self.streams.respond(&request, "application/json", &session, interest, source))
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
