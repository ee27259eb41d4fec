//! Which metrics are there, and under which names?

use std::fmt::Error;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::process::Process;
use super::sources::Sources;
use application::streams::registry::{StreamKind, StreamTotals};

/// The names of all metrics as they appear in the text; `docs/OPERATIONS.md` says what each means.
pub const NAMES: [&str; 31] = [
    "autoupdate_build_info",
    "autoupdate_ready",
    "autoupdate_connections_open",
    "autoupdate_streams_open",
    "autoupdate_stream_lines_total",
    "autoupdate_stream_bytes_total",
    "autoupdate_requests_total",
    "autoupdate_refusals_total",
    "autoupdate_change_id",
    "autoupdate_elements",
    "autoupdate_changes_applied_total",
    "autoupdate_catch_ups_total",
    "autoupdate_reloads_total",
    "autoupdate_history_versions",
    "autoupdate_history_bytes",
    "autoupdate_render_cache_bytes",
    "autoupdate_render_cache_hits_total",
    "autoupdate_render_cache_misses_total",
    "autoupdate_differences_kept",
    "autoupdate_changed_keys_bytes",
    "autoupdate_projector_lines_kept",
    "autoupdate_notify_listeners",
    "autoupdate_notify_delivered_total",
    "autoupdate_notify_listeners_ended_total",
    "autoupdate_redis_failures_total",
    "autoupdate_log_lines_dropped_total",
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
    "process_open_fds",
    "process_max_fds",
    "process_start_time_seconds",
];

impl Collector for Sources {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let mut out = Out(encoder);
        self.encode_clients(&mut out)?;
        self.encode_meeting(&mut out)?;
        self.encode_sharing(&mut out)?;
        self.encode_messages(&mut out)?;
        out.counter("autoupdate_redis_failures", "Requests to Redis that failed", (self.redis_failures)())?;
        let help = "Lines of the log that were not read or could not be written";
        out.counter("autoupdate_log_lines_dropped", help, (self.log_lines_dropped)())?;
        out.gauges("autoupdate_build_info", "The version of the service", [([("version", VERSION.to_owned())], 1)])?;
        encode_process(&mut out)
    }
}

impl Sources {
    fn encode_clients(&self, out: &mut Out<'_>) -> Result<(), Error> {
        let is_ready = self.readiness.problem().is_none();
        out.gauge("autoupdate_ready", "1 if the service can be used, else 0", u64::from(is_ready))?;
        let open = self.http.open_connections();
        out.gauge("autoupdate_connections_open", "Connections of clients", open)?;
        let streams = |value: fn(StreamTotals) -> u64| {
            StreamKind::ALL.map(|kind| ([("kind", kind_name(kind).to_owned())], value(self.registry.totals(kind))))
        };
        out.gauges("autoupdate_streams_open", "Open streams", streams(|totals| totals.open))?;
        let help = "Lines sent on streams, keep-alives included";
        out.counters("autoupdate_stream_lines", help, streams(|totals| totals.lines))?;
        let help = "Bytes sent on streams, after compression and before TLS";
        out.counters("autoupdate_stream_bytes", help, streams(|totals| totals.bytes))?;
        let requests = self.http.requests().map(|requests| {
            let route = requests.route.map_or("other", |route| route.path()).to_owned();
            let status = if requests.status == 0 { "other".to_owned() } else { requests.status.to_string() };
            ([("route", route), ("status", status)], requests.count)
        });
        out.counters("autoupdate_requests", "Requests answered; streams count when they begin", requests)?;
        let help = "Connections, streams, messages and applause refused because of a limit";
        let refusals = self.refusals.counts().map(|(limit, count)| ([("limit", limit.variable().to_owned())], count));
        out.counters("autoupdate_refusals", help, refusals)
    }

    fn encode_meeting(&self, out: &mut Out<'_>) -> Result<(), Error> {
        // Without a meeting everything is 0, so that the names are always present.
        let published = self.publisher.published();
        let current = published.as_ref().map(|published| published.current());
        let (versions, bytes) = published.as_ref().map_or((0, 0), |published| published.history().size());
        let change_id = current.map_or(0, |meeting| meeting.change_id().0);
        out.gauge("autoupdate_change_id", "Change id of the meeting served", change_id)?;
        let elements = current.map_or(0, |meeting| meeting.len());
        out.gauge("autoupdate_elements", "Elements of the meeting served", elements as u64)?;
        let help = "Changes applied as the stream of changes told them";
        out.counter("autoupdate_changes_applied", help, self.ingest.changes())?;
        let help = "Times that missed changes were read from the store";
        out.counter("autoupdate_catch_ups", help, self.ingest.catch_ups())?;
        let help = "Times that the whole meeting was read again";
        out.counter("autoupdate_reloads", help, self.ingest.reloads())?;
        let help = "Versions of the meeting kept, the present one included";
        out.gauge("autoupdate_history_versions", help, versions as u64)?;
        let help = "Bytes that only past versions of the meeting hold, about";
        out.gauge("autoupdate_history_bytes", help, bytes as u64)
    }

    fn encode_sharing(&self, out: &mut Out<'_>) -> Result<(), Error> {
        let render_cache = self.publisher.render_cache().usage();
        out.gauge(
            "autoupdate_render_cache_bytes",
            "Bytes of rendered text kept for sharing, about",
            render_cache.bytes,
        )?;
        out.counter("autoupdate_render_cache_hits", "Rendered blocks that were rendered already", render_cache.hits)?;
        out.counter("autoupdate_render_cache_misses", "Rendered blocks that had to be rendered", render_cache.misses)?;
        let (differences, changed_keys_bytes) = self.publisher.published().map_or((0, 0), |published| published.kept());
        let help = "Differences between two versions that are kept for sharing";
        out.gauge("autoupdate_differences_kept", help, differences as u64)?;
        let help = "Bytes of answers of the store about changed keys, about";
        out.gauge("autoupdate_changed_keys_bytes", help, changed_keys_bytes)?;
        let help = "Lines of projectors that are kept for sharing";
        out.gauge("autoupdate_projector_lines_kept", help, self.projectors.lines_kept() as u64)
    }

    fn encode_messages(&self, out: &mut Out<'_>) -> Result<(), Error> {
        let delivered = self.hub.delivered();
        let listeners = self.hub.listeners_count() as u64;
        out.gauge("autoupdate_notify_listeners", "Connections that listen for messages", listeners)?;
        let help = "Messages given to listeners, each listener counted; applause included";
        out.counter("autoupdate_notify_delivered", help, delivered.reached as u64)?;
        let help = "Listeners that were ended because they did not read fast enough";
        out.counter("autoupdate_notify_listeners_ended", help, delivered.ended as u64)
    }
}

/// The version of the service.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What every process reports, under the names that Prometheus prescribes; 0 where the system does not tell.
fn encode_process(out: &mut Out<'_>) -> Result<(), Error> {
    let process = Process::now();
    out.float_counter("process_cpu_seconds", "CPU time used, user and system, in seconds", process.cpu_seconds)?;
    out.gauge("process_resident_memory_bytes", "Resident memory in bytes", process.resident_bytes)?;
    out.gauge("process_open_fds", "Open file descriptors", process.open_descriptors)?;
    out.gauge("process_max_fds", "Limit of open file descriptors", process.descriptors_max)?;
    out.float_gauge("process_start_time_seconds", "Unix time of the start, in seconds", process.started_at_seconds)
}

const fn kind_name(kind: StreamKind) -> &'static str {
    match kind {
        StreamKind::Autoupdate => "autoupdate",
        StreamKind::Projector => "projector",
        StreamKind::Notify => "notify",
    }
}

/// Writes the metrics one after the other.
struct Out<'a>(DescriptorEncoder<'a>);

/// A name and a value each.
type Labels<const N: usize> = [(&'static str, String); N];

impl Out<'_> {
    fn gauge(&mut self, name: &str, help: &str, value: u64) -> Result<(), Error> {
        ConstGauge::new(value).encode(self.0.encode_descriptor(name, help, None, MetricType::Gauge)?)
    }

    fn float_gauge(&mut self, name: &str, help: &str, value: f64) -> Result<(), Error> {
        ConstGauge::new(value).encode(self.0.encode_descriptor(name, help, None, MetricType::Gauge)?)
    }

    fn float_counter(&mut self, name: &str, help: &str, value: f64) -> Result<(), Error> {
        ConstCounter::new(value).encode(self.0.encode_descriptor(name, help, None, MetricType::Counter)?)
    }

    /// The format appends `_total` to the name of a counter.
    fn counter(&mut self, name: &str, help: &str, value: u64) -> Result<(), Error> {
        ConstCounter::new(value).encode(self.0.encode_descriptor(name, help, None, MetricType::Counter)?)
    }

    fn gauges<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (Labels<N>, u64)>,
    ) -> Result<(), Error> {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (labels, value) in values {
            ConstGauge::new(value).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn counters<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (Labels<N>, u64)>,
    ) -> Result<(), Error> {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, value) in values {
            ConstCounter::new(value).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}
