//! Is everything told, over a real socket, and written down for those who run the service?

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use application::autoupdate::start::start_with_everything;
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
        registry: StreamRegistry::new(KeepAliveSettings { keep_alive_seconds: 0, quiet_line_seconds: 0 }),
        hub: Arc::new(NotifyHub::new(ProcessTag::from_random(1), limits)),
        readiness: readiness.clone(),
        refusals: Refusals::new(&(Arc::new(ManualClock::new(0)) as Arc<dyn Clock>)),
        http: Arc::clone(Router::new(readiness).into_service().counters()),
        redis_failures: Box::new(|| 6),
        log_lines_dropped: Box::new(|| 4),
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

/// The values by name and labels.
fn values(text: &str) -> BTreeMap<&str, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let values = lines.map(|line| line.rsplit_once(' ').expect("a name and a value"));
    values.map(|(name, value)| (name, value.parse().expect("a number"))).collect()
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
    assert_eq!(values.remove("autoupdate_log_lines_dropped_total"), Some(4.0));
    values.retain(|name, _| !name.starts_with("process_") && !name.starts_with("autoupdate_build_info"));
    assert!(values.len() >= NAMES.len() - 9, "{values:?}");
    assert!(values.values().all(|value| *value == 0.0), "{values:?}");
}

#[test]
fn every_part_is_read_when_somebody_asks() {
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
    ingest.caught_up();
    let published = publisher.published().expect("a meeting");
    let viewer = Viewer::resolve(published.current(), None);
    let started = start_with_everything(&published, Session::anonymous(), viewer, ChangeId(0));
    let subscription = StreamSubscription::Meeting(Arc::clone(started.cursor.seen_version()));
    let anonymous = Viewer::resolve(published.current(), None);
    let version_diff = published.version_diff(Version(0)).expect("the version before");
    assert!(version_diff.difference(&anonymous, &anonymous).is_none(), "hidden from anonymous");
    let stream = registry.enter(&Session::anonymous(), subscription);
    stream.sent(18, true);
    stream.sent(100, false);
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
    check(&values, "autoupdate_streams_open{kind=\"notify\"}", 0);
    check(&values, "autoupdate_stream_lines_total{kind=\"autoupdate\"}", 1);
    check(&values, "autoupdate_stream_bytes_total{kind=\"autoupdate\"}", 118);
    check(&values, "autoupdate_requests_total{route=\"other\",status=\"404\"}", 1);
    check(&values, "autoupdate_change_id", 8);
    check(&values, "autoupdate_elements", 1);
    check(&values, "autoupdate_changes_applied_total", 3);
    check(&values, "autoupdate_catch_ups_total", 1);
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
    for name in NAMES {
        assert!(values.keys().any(|key| key.split('{').next() == Some(name)), "{name} in {text}");
    }
    for name in values.keys().filter_map(|key| key.split('{').next()) {
        assert!(NAMES.contains(&name), "{name} is not in the list of names");
    }
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

#[test]
fn every_name_is_explained_to_those_who_run_the_service() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/OPERATIONS.md");
    let text = std::fs::read_to_string(path).expect("docs/OPERATIONS.md");
    for name in NAMES {
        assert!(text.contains(&format!("| `{name}`")), "{name} has no line in docs/OPERATIONS.md");
    }
}
