//! How is the server under test started, and what does it hand to a test?
//!
//! The only file of these tests that knows it; all others speak in bytes.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, StreamExt};
use poem::http::Request;
use tokio::io::DuplexStream;
use tokio::task::JoinHandle;

use crate::http::drain::{DrainTrigger, drain};
use crate::http::http2;
use crate::http::limits::Limits;
pub(super) use crate::http::router::HttpResponse;

/// Time passes in the tests whenever nothing happens; nobody shall be asked for a sign of life then.
pub(super) const PING_INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);

/// What answers requests in a test.
pub(super) trait Respond:
    Fn(Request<RequestBody>) -> BoxFuture<'static, HttpResponse> + Send + Sync + 'static
{
}

impl<F: Fn(Request<RequestBody>) -> BoxFuture<'static, HttpResponse> + Send + Sync + 'static> Respond for F {}

/// The body of a request.
pub(super) struct RequestBody(BoxStream<'static, io::Result<Bytes>>);

impl RequestBody {
    fn new(body: poem::Body) -> Self {
        Self(Box::pin(body.into_bytes_stream()))
    }

    pub(super) async fn part(&mut self) -> Option<io::Result<Bytes>> {
        self.0.next().await
    }

    pub(super) async fn whole(mut self) -> io::Result<Bytes> {
        let mut whole = Vec::new();
        while let Some(part) = self.part().await {
            whole.extend_from_slice(&part?);
        }
        Ok(whole.into())
    }
}

/// A connection that is being served.
pub(super) struct Server {
    trigger: DrainTrigger,
    ended: JoinHandle<()>,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    calls: AtomicUsize,
    living: AtomicUsize,
    living_max: AtomicUsize,
}

impl Server {
    /// With a table for header fields, so that the rules for it can be broken.
    pub(super) fn start(io: DuplexStream, respond: impl Respond) -> Self {
        Self::start_with(io, 4096, respond)
    }

    /// As operators do.
    pub(super) fn start_without_table(io: DuplexStream, respond: impl Respond) -> Self {
        Self::start_with(io, Limits::default().http2().header_table_bytes, respond)
    }

    fn start_with(io: DuplexStream, header_table_bytes: u32, respond: impl Respond) -> Self {
        let counts = Arc::<Counts>::default();
        let counting = Arc::clone(&counts);
        let respond = move |request: Request<poem::Body>| {
            let call = Call::begin(&counting);
            let response = respond(request.map(RequestBody::new));
            async move {
                let _call = call;
                response.await
            }
            .boxed()
        };
        let (trigger, drain) = drain();
        let limits = Limits { ping_interval: PING_INTERVAL, ..Limits::default() };
        let options = http2::Options { header_table_bytes, ..limits.http2() };
        let ended = tokio::spawn(async move {
            let _ = http2::speak(io, options, respond, drain).await;
        });
        Self { trigger, ended, counts }
    }

    /// Begins the draining.
    pub(super) fn drain(&self) {
        self.trigger.begin();
    }

    /// How many requests were handed to the test.
    pub(super) fn calls(&self) -> usize {
        self.counts.calls.load(SeqCst)
    }

    /// How many of them have no response yet and were not given up.
    pub(super) fn living(&self) -> usize {
        self.counts.living.load(SeqCst)
    }

    /// How many there were at the same time.
    pub(super) fn living_max(&self) -> usize {
        self.counts.living_max.load(SeqCst)
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended.is_finished()
    }

    /// Waits for the end of the connection.
    ///
    /// # Panics
    /// The server did.
    pub(super) async fn ended(&mut self) {
        (&mut self.ended).await.expect("the server does not panic");
    }
}

/// A request that is being answered.
struct Call(Arc<Counts>);

impl Call {
    fn begin(counts: &Arc<Counts>) -> Self {
        counts.calls.fetch_add(1, SeqCst);
        counts.living_max.fetch_max(counts.living.fetch_add(1, SeqCst) + 1, SeqCst);
        Self(Arc::clone(counts))
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.0.living.fetch_sub(1, SeqCst);
    }
}
