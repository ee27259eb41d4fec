//! Which part is connected to which? The composition root.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use adapters::http::acceptor::Acceptor;
use adapters::http::applause::Applause;
use adapters::http::auth::Gate;
use adapters::http::autoupdate::Autoupdate;
use adapters::http::connection::ConnectionContext;
use adapters::http::drain::drain;
use adapters::http::explain::Explain;
use adapters::http::limits::{Limits, UNREAD_SECONDS_MAX};
use adapters::http::metrics::{Metrics as MetricsText, Scrape, serve_metrics};
use adapters::http::notify::Notify;
use adapters::http::notify_send::NotifySend;
use adapters::http::projector::Projector;
use adapters::http::route::ServiceRoute;
use adapters::http::router::{HttpService, Router};
use adapters::http::server::serve;
use adapters::http::stream_response::{Compression, Streams};
use adapters::http::viewing_as::ViewingAs;
use adapters::metrics::{CLASSIC_CONTENT_TYPE, CONTENT_TYPE, Metrics, Outside, Sources};
use adapters::tls::{TlsMode, TlsServer};
use application::autoupdate::{AutoupdateStreams, StartCounters};
use application::ingest::{Announcer, CatchUpRequests, Ingest, IngestCounters, IngestHandle};
use application::limits::rate::UserRate;
use application::limits::refusals::{Limit, Refusals};
use application::limits::streams::StreamPlaces;
use application::notify::applause::run_applause_loop;
use application::notify::hub::{BufferLimits, NotifyHub};
use application::notify::messages::run_notify_loop;
use application::projector::projectors::Projectors;
use application::projector::source::ProjectorStreams;
use application::publishing::publisher::{MeetingPublisher, RenderCacheLimit};
use application::readiness::{Freshness, Readiness};
use application::sessions::admission::Admissions;
use application::sessions::check::check_sessions;
use application::stopping;
use application::streams::registry::{KeepAliveSettings, SlowClientLimits, StreamRegistry};
use application::streams::ticker::tick;
use domain::applause::Audience;
use domain::meeting::history::HistoryLimits;
use domain::notify::channel_id::ProcessTag;
use domain::ports::applause_store::ApplauseStore;
use domain::ports::authenticator::Authenticator;
use domain::ports::clock::Clock;
use domain::ports::element_store::ElementStore;
use domain::ports::message_bus::MessageBus;
use tokio::task::JoinSet;
use tracing::info;

use crate::service_manager::{ServiceManager, ServiceState};

/// The outside of the service, behind its ports.
#[derive(Clone)]
pub struct Ports {
    /// The meeting.
    pub store: Arc<dyn ElementStore>,
    /// Changes and messages.
    pub bus: Arc<dyn MessageBus>,
    /// Sessions.
    pub authenticator: Arc<dyn Authenticator>,
    /// Applause.
    pub applause: Arc<dyn ApplauseStore>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// How the service is to run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The name of the session cookie.
    pub cookie_name: String,
    /// How often the meeting is compared with the store.
    pub reconcile: Duration,
    /// How often sessions are checked; zero: never.
    pub session_check: Duration,
    /// How often streams are sent something although nothing happened.
    pub keep_alive: KeepAliveSettings,
    /// After how many bytes of text a stream is ended; 0: never.
    pub stream_bytes_max: u64,
    /// How often applause is counted.
    pub applause_interval: Duration,
    /// How far a listener to messages may fall behind.
    pub notify_buffer: BufferLimits,
    /// Makes the channel ids of this process unique: drawn at random.
    pub process_tag: u64,
    /// When streams are compressed.
    pub compression: Compression,
    /// How much of the past is kept.
    pub history: HistoryLimits,
    /// How much rendered text is kept.
    pub render_cache: RenderCacheLimit,
    /// For how long everybody is served as before, while the service reports that it is unhealthy, before it stops.
    pub shutdown_delay: Duration,
    /// Over which time streams are ended when the service stops.
    pub drain: Duration,
    /// What clients may demand of a connection.
    pub limits: Limits,
    /// Which of HTTP and HTTPS is served.
    pub tls: TlsMode,
    /// For how long the meeting may be unconfirmed before new clients should go elsewhere.
    pub unconfirmed_max: Duration,
    /// Whether the page is served that shows what the service does.
    pub page: Page,
}

/// Who may open the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Page {
    /// Nobody: the page is not served.
    Off,
    /// Everybody, each with their own session (spec: inspector.md#page).
    OwnSession,
    /// To everybody, who may use these sessions: for a demonstration only.
    Demo(Vec<&'static str>),
}

/// Where metrics are served, and what is read for them from behind the ports.
pub struct MetricsAccess<A> {
    /// Accepts the connections of those who ask.
    pub acceptor: A,
    /// What is read from behind the ports.
    pub outside: Outside,
}

/// Serves until `stop` returns and everything has ended, or was cut.
pub async fn run<A: Acceptor + 'static>(
    ports: Ports,
    settings: Settings,
    acceptor: A,
    tls: Option<TlsServer>,
    stop: impl Future<Output = ()>,
) {
    let around = Around { metrics: None, manager: ServiceManager::none() };
    run_within(ports, settings, acceptor, tls, around, stop).await;
}

/// Who watches the service.
pub struct Around<A> {
    /// Where metrics are served, until everything has ended; `None`: nowhere.
    pub metrics: Option<MetricsAccess<A>>,
    /// Who is told how the service is doing.
    pub manager: ServiceManager,
}

/// Does the same as [`run`] for a service that is watched.
pub async fn run_within<A: Acceptor + 'static>(
    ports: Ports,
    settings: Settings,
    acceptor: A,
    tls: Option<TlsServer>,
    around: Around<A>,
    stop: impl Future<Output = ()>,
) {
    let Around { metrics, manager } = around;
    info!(addresses = ?acceptor.listening_on(), tls = %settings.tls, "listening");
    let (parts, requests) = Parts::new(ports, &settings);
    // Ended when this function returns.
    let mut background = JoinSet::new();
    parts.spawn_loops(&settings, requests, &mut background);
    let service = parts.service(&settings);
    if let Some(metrics) = metrics {
        parts.spawn_metrics(metrics, &settings, &service, &mut background);
    }

    let state = || ServiceState { readiness: parts.readiness.clone(), registry: Arc::clone(&parts.registry) };
    manager.listening(&state().to_string());
    background.spawn(manager.attend(state(), Arc::clone(&parts.ports.clock)));

    let (trigger, drained) = drain();
    let context = ConnectionContext::new(service, settings.tls, tls, &settings.limits)
        .limiting_addresses(&settings.limits, Arc::clone(&parts.refusals));
    let serving = serve(acceptor, context, settings.limits, drained);
    let stopping = async {
        stop.await;
        let Parts { registry, readiness, ports, .. } = parts;
        manager.stopping(registry.count());
        let (delay, drain) = (settings.shutdown_delay, settings.drain);
        stopping::drain(registry, readiness, || trigger.begin(), ports.clock, delay, drain).await;
    };
    let (served, ()) = tokio::join!(serving, stopping);
    info!(cut_connections = served.cut, "stopped");
}

/// What the loops and the routes share.
struct Parts {
    ports: Ports,
    publisher: Arc<MeetingPublisher>,
    registry: Arc<StreamRegistry>,
    projectors: Arc<Projectors>,
    hub: Arc<NotifyHub>,
    readiness: Readiness,
    catch_up: IngestHandle,
    ingest_counters: Arc<IngestCounters>,
    start_counters: Arc<StartCounters>,
    refusals: Arc<Refusals>,
}

impl Parts {
    /// Creates the parts of a service that has no meeting yet, and what its loop receives requests from.
    fn new(ports: Ports, settings: &Settings) -> (Self, CatchUpRequests) {
        let publisher = MeetingPublisher::new(settings.history, settings.render_cache);
        let publisher = Arc::new(publisher.timed_by(Arc::clone(&ports.clock)));
        let (catch_up, requests) = IngestHandle::new(ports.store.name());
        let process = ProcessTag::from_random(settings.process_tag);
        let ingest_counters = Arc::default();
        let freshness = freshness(&ports, Arc::clone(&ingest_counters), settings.unconfirmed_max);
        let parts = Self {
            registry: StreamRegistry::new(settings.keep_alive, Arc::clone(&ports.clock)),
            refusals: Refusals::new(&ports.clock),
            ports,
            projectors: Projectors::new(Arc::clone(&publisher)),
            publisher,
            hub: Arc::new(NotifyHub::new(process, settings.notify_buffer)),
            readiness: Readiness::not_ready("the meeting is not loaded yet").with_freshness(freshness),
            catch_up,
            ingest_counters,
            start_counters: Arc::default(),
        };
        (parts, requests)
    }

    /// Starts everything that the service does besides answering requests.
    fn spawn_loops(&self, settings: &Settings, requests: CatchUpRequests, background: &mut JoinSet<()>) {
        let clock = || Arc::clone(&self.ports.clock);
        background.spawn(self.ingest(settings, requests).run());
        let slow_client_limits = SlowClientLimits {
            line_seconds: UNREAD_SECONDS_MAX,
            replaced_bytes_max: settings.history.bytes_max as u64,
        };
        background.spawn(tick(Arc::clone(&self.registry), Arc::clone(&self.publisher), slow_client_limits, clock()));
        background.spawn(run_notify_loop(Arc::clone(&self.ports.bus), Arc::clone(&self.hub), clock()));
        let audience = Arc::clone(&self.publisher);
        background.spawn(run_applause_loop(
            Arc::clone(&self.ports.applause),
            Arc::clone(&self.hub),
            clock(),
            settings.applause_interval,
            move || audience.published().map(|published| Audience::of(published.current())),
        ));
        if !settings.session_check.is_zero() {
            background.spawn(check_sessions(
                Arc::clone(&self.registry),
                Arc::clone(&self.ports.authenticator),
                Arc::clone(&self.ports.store),
                clock(),
                settings.session_check,
            ));
        }
    }

    fn ingest(&self, settings: &Settings, requests: CatchUpRequests) -> Ingest {
        let announcer = Announcer::new(
            Arc::clone(&self.publisher),
            Arc::clone(&self.registry),
            Arc::clone(&self.projectors),
            self.readiness.clone(),
        );
        Ingest {
            store: Arc::clone(&self.ports.store),
            bus: Arc::clone(&self.ports.bus),
            publisher: Arc::clone(&self.publisher),
            clock: Arc::clone(&self.ports.clock),
            reconcile_interval: settings.reconcile,
            observer: Arc::new(announcer),
            counters: Arc::clone(&self.ingest_counters),
            requests,
        }
    }

    /// Creates what answers requests.
    fn service(&self, settings: &Settings) -> HttpService {
        let publisher = || Arc::clone(&self.publisher);
        let admissions = Admissions {
            authenticator: Arc::clone(&self.ports.authenticator),
            publisher: publisher(),
            catch_up: Arc::new(self.catch_up.clone()),
        };
        let gate = Gate { admissions: admissions.clone(), cookie_name: settings.cookie_name.as_str().into() };
        let shares = &settings.limits.shares;
        let streams = Streams {
            registry: Arc::clone(&self.registry),
            compression: settings.compression,
            text_bytes_max: settings.stream_bytes_max,
            places: Arc::new(StreamPlaces::new(shares.streams, Arc::clone(&self.refusals))),
            proxies: shares.trusted_proxies.clone(),
        };
        let rate = |limit, per_minute_max| {
            UserRate::new(limit, per_minute_max, Arc::clone(&self.ports.clock), Arc::clone(&self.refusals))
        };
        let notify_send = NotifySend {
            gate: gate.clone(),
            bus: Arc::clone(&self.ports.bus),
            rate: rate(Limit::SendsPerUser, shares.sends_per_minute_max),
        };
        let applause = Applause {
            gate: gate.clone(),
            store: Arc::clone(&self.ports.applause),
            rate: rate(Limit::ClapsPerUser, shares.claps_per_minute_max),
        };
        let autoupdate = AutoupdateStreams::new(admissions.clone(), publisher(), Arc::clone(&self.ports.store))
            .counted_by(Arc::clone(&self.start_counters));
        let projectors = Arc::clone(&self.projectors);
        let projector = ProjectorStreams { admissions, publisher: publisher(), projectors };
        let router = Router::new(self.readiness.clone())
            .with(ServiceRoute::Autoupdate, Autoupdate { gate: gate.clone(), autoupdate, streams: streams.clone() })
            .with(ServiceRoute::Projector, Projector { gate: gate.clone(), projector, streams: streams.clone() })
            .with(
                ServiceRoute::Notify,
                Notify { gate: gate.clone(), publisher: publisher(), hub: Arc::clone(&self.hub), streams },
            )
            .with(ServiceRoute::NotifySend, notify_send)
            .with(ServiceRoute::Applause, applause);
        let explain = Explain { gate };
        match &settings.page {
            Page::Off => router,
            Page::OwnSession => router.with(ServiceRoute::Explain, explain).with_page(),
            Page::Demo(sessions) => {
                let viewing_as = ViewingAs::new(&settings.cookie_name, sessions.clone());
                router.with(ServiceRoute::Explain, explain).with_demo_page(viewing_as)
            }
        }
        .into_service()
    }

    /// Starts serving what `service` and the other parts count.
    fn spawn_metrics<A: Acceptor + 'static>(
        &self,
        access: MetricsAccess<A>,
        settings: &Settings,
        service: &HttpService,
        background: &mut JoinSet<()>,
    ) {
        let MetricsAccess { acceptor, outside } = access;
        info!(addresses = ?acceptor.listening_on(), "serving metrics");
        let metrics = Metrics::new(Sources {
            publisher: Arc::clone(&self.publisher),
            ingest: Arc::clone(&self.ingest_counters),
            projectors: Arc::clone(&self.projectors),
            registry: Arc::clone(&self.registry),
            hub: Arc::clone(&self.hub),
            readiness: self.readiness.clone(),
            http: Arc::clone(service.counters()),
            refusals: Arc::clone(&self.refusals),
            starts: Arc::clone(&self.start_counters),
            clock: Arc::clone(&self.ports.clock),
            connections_max: settings.limits.connections_max,
            outside,
        });
        let same = metrics.clone();
        let scrape = Scrape {
            open_metrics: MetricsText { text: Box::new(move || metrics.text()), content_type: CONTENT_TYPE },
            classic: MetricsText { text: Box::new(move || same.classic_text()), content_type: CLASSIC_CONTENT_TYPE },
        };
        background.spawn(serve_metrics(acceptor, scrape));
    }
}

fn freshness(ports: &Ports, ingest: Arc<IngestCounters>, unconfirmed_max: Duration) -> Freshness {
    let (clock, bus) = (Arc::clone(&ports.clock), Arc::clone(&ports.bus));
    Freshness {
        store: ports.store.name(),
        unconfirmed_for: Box::new(move || ingest.unconfirmed_for(clock.monotonic())),
        unconfirmed_max,
        can_publish: Box::new(move || bus.can_publish()),
    }
}
