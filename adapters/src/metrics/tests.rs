//! Are all metrics served, over a real socket, and documented for operators?

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use application::autoupdate::start::start_with_everything;
use application::delivery::line::Coding;
use application::ingest::CatchUpCause;
use application::limits::refusals::Refusals;
use application::notify::hub::{BufferLimits, NotifyHub};
use application::publishing::publisher::{MeetingPublisher, RenderCacheLimit};
use application::readiness::Readiness;
use domain::ids::{ChangeId, UserId};
use domain::meeting::history::HistoryLimits;
use domain::meeting::{Change, Meeting, Version};
use domain::notify::channel_id::ProcessTag;
use domain::notify::message::NotifyMessage;
use domain::ports::authenticator::Session;
use domain::ports::clock::Clock;
use domain::ports::element_store::{Bounds, RawElement, Snapshot};
use domain::restriction::viewer::Viewer;
use domain::testing::ManualClock;

use super::*;
use crate::http::acceptor::TcpAcceptor;
use crate::http::listen::bind;
use crate::http::metrics::{Metrics as MetricsText, Scrape, serve_metrics};
use crate::http::router::Router;
use crate::redis::{RedisState, RedisUp};
use application::projector::projectors::Projectors;
use application::streams::registry::{KeepAliveSettings, StreamRegistry, StreamSubscription};

const SECRET_TITLE: &str = "A title that only the hall may see";

/// A service in which nothing has happened yet.
fn sources() -> Sources {
    let limits = BufferLimits { messages_max: 1, ..BufferLimits::default() };
    let readiness = Readiness::not_ready("loading");
    let publisher = Arc::new(MeetingPublisher::new(HistoryLimits::default(), RenderCacheLimit::Automatic));
    Sources {
        projectors: Projectors::new(Arc::clone(&publisher)),
        publisher,
        ingest: Arc::default(),
        registry: StreamRegistry::new(
            KeepAliveSettings { keep_alive_seconds: 0, quiet_line_seconds: 0 },
            Arc::new(ManualClock::new(0)),
        ),
        hub: Arc::new(NotifyHub::new(ProcessTag::from_random(1), limits)),
        readiness: readiness.clone(),
        refusals: Refusals::new(&(Arc::new(ManualClock::new(0)) as Arc<dyn Clock>)),
        http: Arc::clone(Router::new(readiness).into_service().counters()),
        starts: Arc::default(),
        clock: Arc::new(ManualClock::new(0)),
        connections_max: 7,
        outside: Outside {
            redis: Box::new(|| RedisState { failures: 6, up: RedisUp { read: true, write: false } }),
            certificate_ends_at: Box::new(|| Some(1_795_000_000)),
            log_lines_dropped: Box::new(|| 4),
        },
    }
}

/// Publishes a meeting of one element, and then another version of it.
fn publish(publisher: &MeetingPublisher) {
    let raw = || RawElement {
        key: b"topics/topic:1".to_vec(),
        json: Some(format!("{{\"id\":1,\"title\":\"{SECRET_TITLE}\"}}").into()),
    };
    let bounds = Bounds { lowest: ChangeId(7), highest: ChangeId(7) };
    let first = Meeting::load(Snapshot { bounds, elements: vec![raw()] }, None).meeting;
    let second = first.apply(Change { change_id: ChangeId(8), elements: vec![raw()] }).meeting;
    publisher.publish([first, second], Duration::ZERO);
}

/// Returns the values by name and labels.
fn values(text: &str) -> BTreeMap<&str, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let values = lines.map(|line| line.rsplit_once(' ').expect("a name and a value"));
    values.map(|(name, value)| (name, value.parse().expect("a number"))).collect()
}

/// The name of the metric that a value belongs to.
fn family(key: &str) -> &str {
    let name = key.split('{').next().unwrap_or_default();
    let of_histogram = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix));
    of_histogram.filter(|name| NAMES.contains(name)).unwrap_or(name)
}

#[track_caller]
fn check(values: &BTreeMap<&str, f64>, name: &str, expected: u32) {
    assert_eq!(values.get(name), Some(&f64::from(expected)), "{name} in {values:?}");
}

#[test]
fn before_the_meeting_is_there_every_number_is_nought() {
    let text = Metrics::new(sources()).text();
    let mut values = values(&text);
    assert_eq!(values.remove("autoupdate_redis_failures_total"), Some(6.0));
    assert_eq!(values.remove("autoupdate_redis_up{role=\"read\"}"), Some(1.0));
    assert_eq!(values.remove("autoupdate_log_lines_dropped_total"), Some(4.0));
    assert_eq!(values.remove("autoupdate_certificate_expiry_seconds"), Some(1_795_000_000.0));
    let is_other = |name: &str| name.starts_with("process_") || name.contains("_build_info") || name.contains("_max");
    values.retain(|name, _| !is_other(name));
    assert!(values.len() >= NAMES.len() - 15, "{values:?}");
    assert!(values.values().all(|value| *value == 0.0), "{values:?}");
}

#[test]
fn every_part_is_read_on_request() {
    let sources = sources();
    let (publisher, hub, http) = (Arc::clone(&sources.publisher), Arc::clone(&sources.hub), Arc::clone(&sources.http));
    let (registry, ingest) = (Arc::clone(&sources.registry), Arc::clone(&sources.ingest));
    let readiness = sources.readiness.clone();
    let metrics = Metrics::new(sources);

    publish(&publisher);
    readiness.set_ready();
    ingest.loaded();
    ingest.loaded();
    ingest.applied(3);
    ingest.caught_up(CatchUpCause::Gap);
    let published = publisher.published().expect("a meeting");
    let viewer = Viewer::resolve(published.current(), None);
    let started = start_with_everything(&published, Session::anonymous(), viewer, ChangeId(0));
    let subscription = StreamSubscription::Meeting(Arc::clone(started.cursor.seen_version()));
    let anonymous = Viewer::resolve(published.current(), None);
    let version_diff = published.version_diff(Version(0)).expect("the version before");
    assert!(version_diff.difference(&anonymous, &anonymous).is_none(), "hidden from anonymous");
    let stream = registry.enter(&Session::anonymous(), subscription);
    stream.encoded(Coding::Gzip);
    stream.sent(18, 180, true);
    stream.progress().caught_up();
    stream.begins_line();
    stream.tells_of(Duration::ZERO);
    stream.sent(100, 1_000, true);
    stream.progress().caught_up();
    let user = Session { user: Some(UserId(5)), ..Session::anonymous() };
    let ended = registry.enter(&user, StreamSubscription::Messages);
    let _open_too = registry.enter(&user, StreamSubscription::Messages);
    drop(ended);
    http.answered(None, 404);
    let _open = http.opened();
    let _listener = hub.subscribe(Some(UserId(5)));
    let message = br#"{"channel_id":"a:5:0","name":"n","message":1,"to_all":true}"#;
    let message = NotifyMessage::parse(message).expect("a message");
    hub.deliver(&message);
    hub.deliver(&message);

    let text = metrics.text();
    let values = values(&text);
    check(&values, "autoupdate_ready", 1);
    check(&values, "autoupdate_connections_open", 1);
    check(&values, "autoupdate_streams_open{kind=\"autoupdate\"}", 1);
    check(&values, "autoupdate_streams_open{kind=\"notify\"}", 1);
    check(&values, "autoupdate_users{kind=\"notify\"}", 1);
    check(&values, "autoupdate_users{kind=\"autoupdate\"}", 0);
    check(&values, "autoupdate_anonymous_streams_open{kind=\"autoupdate\"}", 1);
    check(&values, "autoupdate_streams_opened_total{kind=\"autoupdate\",coding=\"gzip\"}", 1);
    check(&values, "autoupdate_streams_ended_total{kind=\"notify\",reason=\"client\"}", 1);
    check(&values, "autoupdate_stream_text_bytes_total{kind=\"autoupdate\"}", 1_180);
    check(&values, "autoupdate_first_line_seconds_count{kind=\"autoupdate\"}", 1);
    check(&values, "autoupdate_delivery_seconds_count{kind=\"autoupdate\"}", 1);
    check(&values, "autoupdate_delivery_seconds_bucket{le=\"0.001\",kind=\"autoupdate\"}", 1);
    check(&values, "autoupdate_delivery_seconds_bucket{le=\"+Inf\",kind=\"autoupdate\"}", 1);
    check(&values, "autoupdate_connections_max", 7);
    check(&values, "autoupdate_history_versions_max", 1_001);
    check(&values, "autoupdate_redis_up{role=\"write\"}", 0);
    check(&values, "autoupdate_ready_for_new_clients", 1);
    check(&values, "autoupdate_stream_lines_total{kind=\"autoupdate\"}", 2);
    check(&values, "autoupdate_stream_bytes_total{kind=\"autoupdate\"}", 118);
    check(&values, "autoupdate_requests_total{route=\"other\",status=\"404\"}", 1);
    check(&values, "autoupdate_change_id", 8);
    check(&values, "autoupdate_elements", 1);
    check(&values, "autoupdate_changes_applied_total", 3);
    check(&values, "autoupdate_catch_ups_total{cause=\"gap\"}", 1);
    check(&values, "autoupdate_reloads_total", 1);
    check(&values, "autoupdate_history_versions", 2);
    check(&values, concat!("autoupdate_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"}"), 1);
    check(&values, "autoupdate_differences_kept", 1);
    check(&values, "autoupdate_notify_listeners", 1);
    check(&values, "autoupdate_notify_delivered_total", 1);
    check(&values, "autoupdate_notify_listeners_ended_total", 1);
    check(&values, "autoupdate_redis_failures_total", 6);
    check(&values, "autoupdate_log_lines_dropped_total", 4);
    assert!(!text.contains(SECRET_TITLE));
    let told: BTreeSet<&str> = values.keys().map(|key| family(key)).collect();
    assert_eq!(told, NAMES.into_iter().collect());
}

#[tokio::test]
async fn metrics_are_served_on_a_port_of_their_own() {
    let acceptor = TcpAcceptor::new(bind("127.0.0.1", 0).expect("a free port")).expect("usable");
    let address = acceptor.local_addresses()[0];
    let metrics = Metrics::new(sources());
    let same = metrics.clone();
    let scrape = Scrape {
        open_metrics: MetricsText { text: Box::new(move || metrics.text()), content_type: CONTENT_TYPE },
        classic: MetricsText { text: Box::new(move || same.classic_text()), content_type: CLASSIC_CONTENT_TYPE },
    };
    let serving = tokio::spawn(serve_metrics(acceptor, scrape));
    let ask = async |path: &str, method| {
        let request = reqwest::Client::new().request(method, format!("http://{address}{path}"));
        let request = request.header("accept", "application/openmetrics-text;version=1.0.0,text/plain;q=0.5");
        request.send().await.expect("an answer")
    };
    let answer = ask("/metrics", reqwest::Method::GET).await;
    assert_eq!(answer.status().as_u16(), 200);
    assert_eq!(answer.headers()["content-type"], CONTENT_TYPE);
    let text = answer.text().await.expect("text");
    assert!(text.contains("\nautoupdate_ready 0\n") && text.ends_with("# EOF\n"), "{text}");
    assert_eq!(ask("/metrics", reqwest::Method::HEAD).await.status().as_u16(), 200);
    assert_eq!(ask("/metrics", reqwest::Method::POST).await.status().as_u16(), 405);
    assert_eq!(ask("/system/autoupdate", reqwest::Method::GET).await.status().as_u16(), 404);
    let browser = reqwest::get(format!("http://{address}/metrics")).await.expect("an answer");
    assert_eq!(browser.headers()["content-type"], CLASSIC_CONTENT_TYPE);
    let text = browser.text().await.expect("text");
    assert!(text.contains("# TYPE autoupdate_reloads_total counter\n") && !text.contains("# EOF"), "{text}");
    serving.abort();
}

/// As a checker that knows the conventions reads them. It does not know OpenMetrics: there a real Prometheus is asked, in
/// the tests of the whole service.
#[test]
#[cfg_attr(not(has_promtool), ignore = "there is no `promtool` on the PATH")]
fn the_names_and_texts_follow_the_conventions() {
    let text = Metrics::new(sources()).classic_text();
    let mut promtool = Command::new("promtool");
    promtool.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut promtool = promtool.spawn().expect("promtool");
    promtool.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("promtool reads");
    let output = promtool.wait_with_output().expect("an answer");
    let complaints = [output.stdout, output.stderr].concat();
    assert!(output.status.success() && complaints.is_empty(), "{}", String::from_utf8_lossy(&complaints));
}

#[test]
fn every_metric_is_explained_in_the_operations_manual() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/OPERATIONS.md");
    let text = std::fs::read_to_string(path).expect("docs/OPERATIONS.md");
    for name in NAMES {
        assert!(text.contains(&format!("| `{name}`")), "{name} has no line in docs/OPERATIONS.md");
    }
}
