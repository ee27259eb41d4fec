//! What do the tests ask the server for?

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::{FutureExt, future::BoxFuture, stream};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use poem::http::request::Parts;
use poem::http::{Request, StatusCode};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::unconstrained;

use super::start::{HttpResponse, RequestBody, Respond};

/// A response with this body.
pub(super) fn full(body: impl Into<Bytes>) -> HttpResponse {
    HttpResponse::new(Full::new(body.into()).map_err(|never| match never {}).boxed())
}

/// A response whose body comes out of a channel.
fn streamed(mut parts: UnboundedReceiver<io::Result<Bytes>>) -> HttpResponse {
    let parts = stream::poll_fn(move |context| {
        // Whatever is there is handed on at once, without the pauses that the runtime would make.
        pin!(unconstrained(parts.recv())).poll(context).map_ok(Frame::data)
    });
    HttpResponse::new(StreamBody::new(parts).boxed())
}

/// `/wait` never answers, and neither reads the request's body nor drops it; `/echo` answers with it, or 500 if it
/// breaks off; `/large` answers with very much, `/empty` with nothing; everything else with `ok`, without looking at the body.
pub(super) fn standard(request: Request<RequestBody>) -> BoxFuture<'static, HttpResponse> {
    let path = request.uri().path().to_owned();
    async move {
        match path.as_str() {
            "/wait" => {
                let _unread = request;
                std::future::pending().await
            }
            "/echo" => match request.into_body().whole().await {
                Ok(body) => full(body),
                Err(_) => {
                    let mut response = full("broken");
                    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
                    response
                }
            },
            "/large" => full(large()),
            "/empty" => full(""),
            _ => full("ok"),
        }
    }
    .boxed()
}

/// More than any window that a test gives at once.
pub(super) fn large() -> Vec<u8> {
    (0..1_000_000_u32).map(|number| (number % 251) as u8).collect()
}

/// A response whose body has no end and is always there.
fn endless(produced: Arc<AtomicUsize>) -> HttpResponse {
    let part = Bytes::from(vec![b'e'; ENDLESS_PART_BYTES]);
    let parts = stream::repeat_with(move || {
        produced.fetch_add(part.len(), SeqCst);
        Ok(Frame::data(part.clone()))
    });
    HttpResponse::new(StreamBody::new(parts).boxed())
}

/// The size of the parts of an endless body.
pub(super) const ENDLESS_PART_BYTES: usize = 10_000;

/// Answers `/endless` with a body without end, and counts in `produced` how much of all of them was asked for; the rest
/// as [`standard`] does.
pub(super) fn endless_service(produced: &Arc<AtomicUsize>) -> impl Respond {
    let produced = Arc::clone(produced);
    move |request| {
        let produced = Arc::clone(&produced);
        if request.uri().path() == "/endless" { async { endless(produced) }.boxed() } else { standard(request) }
    }
}

/// The senders of response bodies, by the path that was asked for.
#[derive(Clone, Default)]
pub(super) struct Producers(Arc<Mutex<BTreeMap<String, UnboundedSender<io::Result<Bytes>>>>>);

impl Producers {
    /// Answers `/stream/…` with a body that the test feeds, the rest as [`standard`] does.
    pub(super) fn service(&self) -> impl Respond {
        let producers = self.clone();
        move |request| {
            let path = request.uri().path().to_owned();
            if !path.starts_with("/stream/") {
                return standard(request);
            }
            let (sender, receiver) = unbounded_channel();
            producers.0.lock().expect("no panic").insert(path, sender);
            async { streamed(receiver) }.boxed()
        }
    }

    /// What feeds the body of the response to this path. Dropping it ends the body.
    pub(super) fn take(&self, path: &str) -> UnboundedSender<io::Result<Bytes>> {
        self.0.lock().expect("no panic").remove(path).expect("it was asked for")
    }
}

/// A request as it arrived, and its body if that was whole.
pub(super) type Seen = (Parts, Option<Bytes>);

/// Remembers the requests.
#[derive(Clone, Default)]
pub(super) struct Recorder(Arc<Mutex<Vec<Seen>>>);

impl Recorder {
    /// Answers everything with `ok`, after its body was read.
    pub(super) fn service(&self) -> impl Respond {
        let seen = Arc::clone(&self.0);
        move |request| {
            let seen = Arc::clone(&seen);
            async move {
                let (parts, body) = request.into_parts();
                let body = body.whole().await.ok();
                seen.lock().expect("no panic").push((parts, body));
                full("ok")
            }
            .boxed()
        }
    }

    /// The requests so far, which are then forgotten.
    pub(super) fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.0.lock().expect("no panic"))
    }
}
