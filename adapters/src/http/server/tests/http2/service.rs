//! What do the tests of HTTP/2, and of clients that do not read on, ask the service for?

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

/// A line that is told whenever the test says so.
pub(in crate::http::server::tests) const NEWS: &str = "{\"news\":true}\n";

/// The long line.
pub(in crate::http::server::tests) const LONG_BYTES: usize = 1024 * 1024;

/// What the tests see of the service, and let happen.
#[derive(Default)]
pub(in crate::http::server::tests) struct World {
    /// How many times there was news.
    news: AtomicUsize,
    /// How much was taken of long lines, in bytes.
    pub(in crate::http::server::tests) taken: AtomicUsize,
    /// How many requests are being answered.
    pub(in crate::http::server::tests) answering: AtomicUsize,
    /// The most there ever were.
    pub(in crate::http::server::tests) answering_max: AtomicUsize,
    /// How many bytes of the meeting were replaced.
    pub(in crate::http::server::tests) replaced_bytes: AtomicUsize,
}

/// A service with two streams of the meeting: `/system/notify` tells [`NEWS`], `/system/autoupdate` begins with a line of
/// [`LONG_BYTES`] and tells the news too. `/system/notify/send` reads a body, and tells its length. `/system/applause`
/// never answers.
pub(in crate::http::server::tests) struct Scene {
    pub(in crate::http::server::tests) running: Running,
    pub(in crate::http::server::tests) pipes: PipeSender,
    pub(in crate::http::server::tests) world: Arc<World>,
    pub(in crate::http::server::tests) streams: Arc<StreamRegistry>,
    /// How often somebody else was told the news.
    told: Arc<AtomicUsize>,
}

/// How many bytes of the meeting may be replaced while a line is being sent.
pub(in crate::http::server::tests) const REPLACED_BYTES_MAX: usize = 1000;

impl Scene {
    /// Begins to serve, somebody who listens to the news first of all.
    pub(in crate::http::server::tests) async fn start() -> Self {
        Self::start_with(Limits::default()).await
    }

    pub(in crate::http::server::tests) async fn start_with(limits: Limits) -> Self {
        let world = Arc::new(World::default());
        let streams = StreamRegistry::new(KeepAliveSettings { keep_alive_seconds: 0, quiet_line_seconds: 0 });
        let (registry, told) = (Arc::clone(&streams), Arc::clone(&world));
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
        let (running, pipes) = Pipes::start_service(TlsMode::Both, limits, |_: &Drain| service(registry, told));
        let mut other = Client::connect(&pipes, 1024 * 1024, &[]).await;
        other.say(get(1, "/system/notify")).await;
        let told = Arc::<AtomicUsize>::default();
        let telling = Arc::clone(&told);
        tokio::spawn(async move {
            while !other.has_ended {
                other.hear().await;
                telling.store(other.body(1).matches(NEWS).count(), Relaxed);
            }
        });
        Self { running, pipes, world, streams, told }
    }

    /// A client with a connection of its own.
    pub(in crate::http::server::tests) async fn client(&self) -> Client {
        Client::connect(&self.pipes, 1024 * 1024, &[]).await
    }

    /// Lets there be news.
    pub(in crate::http::server::tests) fn tell_news(&self) {
        self.world.news.fetch_add(1, Relaxed);
        self.streams.announce(News { version_diff: None, projectors: &Changes::default() });
    }

    /// Checks that somebody else is still told the news.
    pub(in crate::http::server::tests) async fn check_others_are_served(&self) {
        let before = self.told.load(Relaxed);
        self.tell_news();
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(self.told.load(Relaxed), before + 1, "the others are told nothing");
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

/// A place in the life of a meeting that does not change.
fn seen_version() -> Arc<SeenVersion> {
    let published = application::testing::meeting::publisher().published().expect("there is a meeting");
    let viewer = Viewer::resolve(published.current(), None);
    let started = start_with_everything(&published, Session::anonymous(), viewer, ChangeId(0));
    Arc::clone(started.cursor.seen_version())
}

/// An endpoint whose requests are counted.
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

/// A request that is being answered.
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

/// A long line, if there is any of it left, and then the news.
struct Lines {
    world: Arc<World>,
    long: usize,
    seen: usize,
    #[expect(dead_code, reason = "it counts as long as the stream lives")]
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
            return Poll::Ready(StreamPart::Bytes { bytes: encoder.text(&text), ends_line: self.long == 0 });
        }
        if self.seen == self.world.news.load(Relaxed) {
            return Poll::Pending;
        }
        self.seen = self.world.news.load(Relaxed);
        Poll::Ready(StreamPart::Bytes { bytes: encoder.text(NEWS), ends_line: true })
    }

    fn quiet_line(&mut self, _: &mut Encoder) -> Option<Bytes> {
        None
    }
}
