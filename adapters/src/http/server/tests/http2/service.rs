//! Which service do the tests of HTTP/2 and of slow clients talk to?

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;

use application::autoupdate::start::start_with_everything;
use application::delivery::line::Encoder;
use application::publishing::cursor::SeenVersion;
use application::readiness::Readiness;
use application::streams::body::{Opened, StreamPart, StreamSource};
use application::streams::registry::{KeepAliveSettings, News, SlowClientLimits, StreamRegistry, StreamSubscription};
use bytes::Bytes;
use domain::ids::ChangeId;
use domain::ports::authenticator::Session;
use domain::projector::Changes;
use domain::restriction::viewer::Viewer;
use domain::testing::ManualClock;
use poem::endpoint::make;
use poem::{Endpoint, Request, Response};

use super::client::Client;
use super::frames::get;
use crate::http::body;
use crate::http::drain::Drain;
use crate::http::limits::{Limits, UNREAD_SECONDS_MAX};
use crate::http::route::ServiceRoute;
use crate::http::router::{HttpService, Router};
use crate::http::server::tests::{PipeSender, Pipes, Running};
use crate::http::stream_response::Streams;
use crate::http::test_support;
use crate::tls::TlsMode;

/// The line that listeners get when a test calls [`Scene::tell_news`].
pub(in crate::http::server::tests) const NEWS: &str = "{\"news\":true}\n";

/// The length of the long line.
pub(in crate::http::server::tests) const LONG_BYTES: usize = 1024 * 1024;

/// What tests observe of the service, and control in it.
#[derive(Default)]
pub(in crate::http::server::tests) struct World {
    /// How many times there was news.
    news: AtomicUsize,
    /// How many bytes of long lines the service was asked for.
    pub(in crate::http::server::tests) taken: AtomicUsize,
    /// How many requests are being answered.
    pub(in crate::http::server::tests) answering: AtomicUsize,
    /// The maximum of `answering` so far.
    pub(in crate::http::server::tests) answering_max: AtomicUsize,
    /// How many bytes of the meeting were replaced.
    pub(in crate::http::server::tests) replaced_bytes: AtomicUsize,
}

/// A service with two streams: `/system/notify` sends [`NEWS`]; `/system/autoupdate` first sends a line of
/// [`LONG_BYTES`], then the news as well. `/system/notify/send` reads a body and answers with its length.
/// `/system/applause` never answers.
pub(in crate::http::server::tests) struct Scene {
    pub(in crate::http::server::tests) running: Running,
    pub(in crate::http::server::tests) pipes: PipeSender,
    pub(in crate::http::server::tests) world: Arc<World>,
    pub(in crate::http::server::tests) streams: Arc<StreamRegistry>,
    /// How often the other client received the news.
    received: Arc<AtomicUsize>,
}

/// How many bytes of the meeting may be replaced while a line is being sent.
pub(in crate::http::server::tests) const REPLACED_BYTES_MAX: usize = 1000;

impl Scene {
    /// Starts the service, with another client that listens to the news from the start.
    pub(in crate::http::server::tests) async fn start() -> Self {
        Self::start_with(Limits::default()).await
    }

    pub(in crate::http::server::tests) async fn start_with(limits: Limits) -> Self {
        let world = Arc::new(World::default());
        let streams = StreamRegistry::new(
            KeepAliveSettings { keep_alive_seconds: 0, quiet_line_seconds: 0 },
            Arc::new(ManualClock::new(0)),
        );
        let (registry, received) = (Arc::clone(&streams), Arc::clone(&world));
        let ticking = Arc::clone(&streams);
        let ticking_world = Arc::clone(&world);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_secs(1)).await;
                ticking.tick();
                let slow_client_limits = SlowClientLimits {
                    line_seconds: UNREAD_SECONDS_MAX,
                    replaced_bytes_max: REPLACED_BYTES_MAX as u64,
                };
                ticking.end_slow_streams(slow_client_limits, ticking_world.replaced_bytes.load(Relaxed) as u64);
            }
        });
        let (running, pipes) = Pipes::start_service(TlsMode::Both, limits, |_: &Drain| service(registry, received));
        let mut other = Client::connect(&pipes, 1024 * 1024, &[]).await;
        other.say(get(1, "/system/notify")).await;
        let received = Arc::<AtomicUsize>::default();
        let counting = Arc::clone(&received);
        tokio::spawn(async move {
            while !other.has_ended {
                other.hear().await;
                counting.store(other.body(1).matches(NEWS).count(), Relaxed);
            }
        });
        Self { running, pipes, world, streams, received }
    }

    /// A client with a connection of its own.
    pub(in crate::http::server::tests) async fn client(&self) -> Client {
        Client::connect(&self.pipes, 1024 * 1024, &[]).await
    }

    /// Sends [`NEWS`] to all listeners.
    pub(in crate::http::server::tests) fn tell_news(&self) {
        self.world.news.fetch_add(1, Relaxed);
        self.streams.announce(News { version_diff: None, projectors: &Changes::default() });
    }

    /// Checks that the other client still receives news.
    pub(in crate::http::server::tests) async fn check_others_are_served(&self) {
        let before = self.received.load(Relaxed);
        self.tell_news();
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(self.received.load(Relaxed), before + 1, "the other client received nothing");
    }
}

fn service(streams: Arc<StreamRegistry>, world: Arc<World>) -> HttpService {
    let readiness = Readiness::not_ready("");
    readiness.set_ready();
    let streams = Streams { registry: streams, ..test_support::streams() };
    let lines = |long: usize| {
        let (streams, world) = (streams.clone(), Arc::clone(&world));
        make(move |request: Request| {
            let source =
                Lines { world: Arc::clone(&world), long, seen: world.news.load(Relaxed), call: Call::of(&world) };
            let opened = Opened {
                session: Session::anonymous(),
                subscription: StreamSubscription::Meeting(seen_version()),
                source,
            };
            let place = streams.place(&request, None).expect("there is no limit");
            let response = streams.respond(&request, "application/json", opened, place);
            async { response }
        })
    };
    let (reading, waiting) = (Arc::clone(&world), Arc::clone(&world));
    Router::new(readiness)
        .with(ServiceRoute::Autoupdate, lines(LONG_BYTES))
        .with(ServiceRoute::Notify, lines(0))
        .with(
            ServiceRoute::NotifySend,
            counted(reading, |request: Request| async {
                let bytes = body::read(request.into_body()).await?;
                Ok(Response::builder().body(bytes.len().to_string()))
            }),
        )
        .with(
            ServiceRoute::Applause,
            counted(waiting, |request: Request| async {
                let _unread = request;
                std::future::pending::<poem::Result<Response>>().await
            }),
        )
        .into_service()
}

/// A seen version in a meeting that does not change.
fn seen_version() -> Arc<SeenVersion> {
    let published = application::testing::meeting::publisher().published().expect("there is a meeting");
    let viewer = Viewer::resolve(published.current(), None);
    let started = start_with_everything(&published, Session::anonymous(), viewer, ChangeId(0));
    Arc::clone(started.cursor.seen_version())
}

/// An endpoint that counts its running requests.
fn counted<F: Future<Output = poem::Result<Response>> + Send + 'static>(
    world: Arc<World>,
    answer: impl Fn(Request) -> F + Send + Sync + 'static,
) -> impl Endpoint<Output = Response> + 'static {
    make(move |request| {
        let call = Call::of(&world);
        let answer = answer(request);
        async move {
            let _call = call;
            answer.await
        }
    })
}

/// Counts a request as running until dropped.
struct Call(Arc<World>);

impl Call {
    fn of(world: &Arc<World>) -> Self {
        let now = world.answering.fetch_add(1, Relaxed) + 1;
        world.answering_max.fetch_max(now, Relaxed);
        Self(Arc::clone(world))
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.0.answering.fetch_sub(1, Relaxed);
    }
}

/// The rest of the long line, if any, and then the news.
struct Lines {
    world: Arc<World>,
    long: usize,
    seen: usize,
    #[expect(dead_code, reason = "counts the stream as running until dropped")]
    call: Call,
}

/// The long line comes in parts of this size.
const PART_BYTES: usize = 8 * 1024;

impl StreamSource for Lines {
    fn poll_part(&mut self, _: &mut Context<'_>, encoder: &mut Encoder) -> Poll<StreamPart> {
        if self.long > 0 {
            self.long -= PART_BYTES;
            self.world.taken.fetch_add(PART_BYTES, Relaxed);
            let mut text = "x".repeat(PART_BYTES);
            if self.long == 0 {
                text.replace_range(PART_BYTES - 1.., "\n");
            }
            return Poll::Ready(StreamPart::Bytes {
                bytes: encoder.text(&text),
                ends_line: self.long == 0,
                written_at: None,
            });
        }
        if self.seen == self.world.news.load(Relaxed) {
            return Poll::Pending;
        }
        self.seen = self.world.news.load(Relaxed);
        Poll::Ready(StreamPart::Bytes { bytes: encoder.text(NEWS), ends_line: true, written_at: None })
    }

    fn quiet_line(&mut self, _: &mut Encoder) -> Option<Bytes> {
        None
    }
}
