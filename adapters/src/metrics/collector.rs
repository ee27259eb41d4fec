//! Which metrics are read from which part?

use std::fmt::Error;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

use super::labels::{cause_name, coding_name, kind_label, reason_name, start_name};
use super::out::{Out, Unit};
use super::process::Process;
use super::sources::{Outside, Sources};
use application::autoupdate::StartKind;
use application::delivery::line::Coding;
use application::ingest::CatchUpCause;
use application::publishing::CHANGED_KEYS_BYTES_MAX;
use application::streams::counters::{EndReason, StreamTotals};
use application::streams::registry::StreamKind;

impl Collector for Sources {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let mut out = Out(encoder);
        self.encode_clients(&mut out)?;
        self.encode_streams(&mut out)?;
        self.encode_waits(&mut out)?;
        self.encode_meeting(&mut out)?;
        self.encode_history(&mut out)?;
        self.encode_rendering(&mut out)?;
        self.encode_sharing(&mut out)?;
        self.encode_messages(&mut out)?;
        self.outside.encode(&mut out)?;
        out.gauges("autoupdate_build_info", "The version of the service", [([("version", VERSION.to_owned())], 1)])?;
        encode_process(&mut out)
    }
}

impl Sources {
    fn encode_clients(&self, out: &mut Out<'_>) -> Result<(), Error> {
        let is_ready = self.readiness.problem().is_none();
        out.gauge("autoupdate_ready", "1 if the service can be used, else 0", u64::from(is_ready))?;
        let is_open = self.readiness.problem_of_new_clients().is_none();
        let help = "1 if new clients are welcome, else 0";
        out.gauge("autoupdate_ready_for_new_clients", help, u64::from(is_open))?;
        let open = self.http.open_connections();
        out.gauge("autoupdate_connections_open", "Connections of clients", open)?;
        let help = "How many connections of clients may be open";
        out.gauge("autoupdate_connections_max", help, self.connections_max as u64)?;
        let users = StreamKind::ALL.map(|kind| (kind, self.registry.users(kind)));
        let by_kind = users.map(|(kind, users)| (kind_label(kind), users.known as u64));
        out.gauges("autoupdate_users", "Users who have streams open, each counted once", by_kind)?;
        let by_kind = users.map(|(kind, users)| (kind_label(kind), users.anonymous_streams as u64));
        out.gauges("autoupdate_anonymous_streams_open", "Open streams of anonymous users", by_kind)?;
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

    fn encode_streams(&self, out: &mut Out<'_>) -> Result<(), Error> {
        let totals = StreamKind::ALL.map(|kind| (kind, self.registry.totals(kind)));
        let streams = |value: fn(&StreamTotals) -> u64| {
            totals.each_ref().map(|(kind, totals)| (kind_label(*kind), value(totals)))
        };
        out.gauges("autoupdate_streams_open", "Open streams", streams(|totals| totals.open))?;
        let opened = totals.iter().flat_map(|(kind, totals)| {
            let codings = Coding::ALL.into_iter().zip(totals.opened);
            codings.map(|(coding, count)| ([kind_label(*kind)[0].clone(), ("coding", coding_name(coding))], count))
        });
        out.counters("autoupdate_streams_opened", "Streams opened, by how they are compressed", opened)?;
        let ended = totals.iter().flat_map(|(kind, totals)| {
            let reasons = EndReason::ALL.into_iter().zip(totals.ended);
            reasons.map(|(reason, count)| ([kind_label(*kind)[0].clone(), ("reason", reason_name(reason))], count))
        });
        out.counters("autoupdate_streams_ended", "Streams that have ended, by reason", ended)?;
        let help = "Lines sent on streams, keep-alives included";
        out.counters("autoupdate_stream_lines", help, streams(|totals| totals.lines))?;
        let help = "Bytes sent on streams, after compression and before TLS";
        out.counters("autoupdate_stream_bytes", help, streams(|totals| totals.bytes))?;
        let help = "Bytes of text sent on streams, before compression";
        out.counters("autoupdate_stream_text_bytes", help, streams(|totals| totals.text_bytes))
    }

    fn encode_waits(&self, out: &mut Out<'_>) -> Result<(), Error> {
        let waits = StreamKind::ALL.map(|kind| (kind, self.registry.waits_microseconds(kind)));
        let help = "Time from the request for a stream until its first line was written, in seconds";
        let first = waits.iter().map(|(kind, [first, _])| (kind_label(*kind), first.clone()));
        out.histograms("autoupdate_first_line_seconds", help, Unit::Microseconds, first)?;
        let help = "Time from the entry of a change in Redis until a line with it was written, in seconds";
        // Nobody knows when a message between clients was written.
        let changes = waits.iter().filter(|(kind, _)| *kind != StreamKind::Notify);
        let changes = changes.map(|(kind, [_, changes])| (kind_label(*kind), changes.clone()));
        out.histograms("autoupdate_delivery_seconds", help, Unit::Microseconds, changes)?;
        let help = "Times that a change was not sent on a stream, because it does not affect its user";
        out.counter("autoupdate_deliveries_suppressed", help, self.registry.suppressed())?;
        let starts = StartKind::ALL.map(|kind| ([("with", start_name(kind))], self.starts.count(kind)));
        out.counters("autoupdate_starts", "Autoupdate streams that have begun, by what they begin with", starts)
    }

    fn encode_meeting(&self, out: &mut Out<'_>) -> Result<(), Error> {
        // Without a meeting everything is 0, so that the names are always present.
        let published = self.publisher.published();
        let current = published.as_ref().map(|published| published.current());
        let change_id = current.map_or(0, |meeting| meeting.change_id().0);
        out.gauge("autoupdate_change_id", "Change id of the meeting served", change_id)?;
        let elements = current.map_or(0, |meeting| meeting.len());
        out.gauge("autoupdate_elements", "Elements of the meeting served", elements as u64)?;
        let help = "Seconds since the meeting was last known to be that of Redis";
        let unconfirmed = self.ingest.unconfirmed_for(self.clock.monotonic());
        out.float_gauge("autoupdate_meeting_unconfirmed_seconds", help, unconfirmed.as_secs_f64())?;
        let help = "Changes applied from the stream of changes";
        out.counter("autoupdate_changes_applied", help, self.ingest.changes())?;
        let help = "Times that missed changes were read from the store, by cause";
        let catch_ups = CatchUpCause::ALL.map(|cause| ([("cause", cause_name(cause))], self.ingest.catch_ups(cause)));
        out.counters("autoupdate_catch_ups", help, catch_ups)?;
        let help = "Times that the whole meeting was read again";
        out.counter("autoupdate_reloads", help, self.ingest.reloads())
    }

    fn encode_history(&self, out: &mut Out<'_>) -> Result<(), Error> {
        let published = self.publisher.published();
        let (versions, bytes) = published.as_ref().map_or((0, 0), |published| published.history().size());
        let limits = self.publisher.history_limits();
        let help = "Versions of the meeting kept, the present one included";
        out.gauge("autoupdate_history_versions", help, versions as u64)?;
        let help = "How many versions of the meeting are kept at most, the present one included";
        out.gauge("autoupdate_history_versions_max", help, limits.versions_max as u64 + 1)?;
        let help = "Bytes that only past versions of the meeting hold, about";
        out.gauge("autoupdate_history_bytes", help, bytes as u64)?;
        let help = "How many bytes past versions of the meeting may hold";
        out.gauge("autoupdate_history_bytes_max", help, limits.bytes_max as u64)
    }

    fn encode_rendering(&self, out: &mut Out<'_>) -> Result<(), Error> {
        let meters = self.publisher.meters();
        let help = "Time to render a block or a short line, once for all who get it, in seconds";
        let rendering = meters.rendering_microseconds();
        out.histogram("autoupdate_rendering_seconds", help, Unit::Microseconds, &rendering)?;
        let render_cache = self.publisher.render_cache().usage();
        let help = "Bytes of rendered text kept for sharing, about";
        out.gauge("autoupdate_render_cache_bytes", help, render_cache.bytes)?;
        let help = "How many bytes of rendered text are kept for sharing at most";
        out.gauge("autoupdate_render_cache_bytes_max", help, self.publisher.render_cache_bytes_max())?;
        out.counter("autoupdate_render_cache_hits", "Rendered blocks that were rendered already", render_cache.hits)?;
        out.counter("autoupdate_render_cache_misses", "Rendered blocks that had to be rendered", render_cache.misses)
    }

    fn encode_sharing(&self, out: &mut Out<'_>) -> Result<(), Error> {
        let help =
            "Sizes of the differences between versions, each made once for all who get it, about, in bytes of text";
        let sizes = self.publisher.meters().difference_bytes();
        out.histogram("autoupdate_difference_bytes", help, Unit::Bytes, &sizes)?;
        let published = self.publisher.published();
        let kept = published.as_ref().map(|published| published.kept()).unwrap_or_default();
        let help = "Differences between two versions that are kept for sharing";
        out.gauge("autoupdate_differences_kept", help, kept.differences as u64)?;
        let help = "Short lines of these differences that are kept for sharing";
        out.gauge("autoupdate_lines_kept", help, kept.lines as u64)?;
        out.gauge("autoupdate_lines_kept_bytes", "Bytes of text in these lines", kept.line_bytes)?;
        let changed_keys_bytes = published.map_or(0, |published| published.changed_keys_bytes());
        let help = "Bytes of answers of the store about changed keys, about";
        out.gauge("autoupdate_changed_keys_bytes", help, changed_keys_bytes)?;
        let help = "How many bytes of answers about changed keys are kept at most";
        out.gauge("autoupdate_changed_keys_bytes_max", help, CHANGED_KEYS_BYTES_MAX)?;
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

impl Outside {
    fn encode(&self, out: &mut Out<'_>) -> Result<(), Error> {
        let redis = (self.redis)();
        let up = [("read", redis.up.read), ("write", redis.up.write)];
        let up = up.map(|(role, is_up)| ([("role", role.to_owned())], u64::from(is_up)));
        out.gauges("autoupdate_redis_up", "1 if Redis answered when it was last asked, else 0", up)?;
        out.counter("autoupdate_redis_failures", "Requests to Redis that failed", redis.failures)?;
        let help = "Unix time at which the certificate that is served ends; 0 if there is none";
        let ends_at = (self.certificate_ends_at)().unwrap_or_default();
        out.gauge("autoupdate_certificate_expiry_seconds", help, ends_at)?;
        let help = "Lines of the log that were not read or could not be written";
        out.counter("autoupdate_log_lines_dropped", help, (self.log_lines_dropped)())
    }
}

/// The version of the service.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What every process reports, under the names that Prometheus prescribes; 0 if the system does not report it.
fn encode_process(out: &mut Out<'_>) -> Result<(), Error> {
    let process = Process::now();
    out.float_counter("process_cpu_seconds", "CPU time used, user and system, in seconds", process.cpu_seconds)?;
    out.gauge("process_resident_memory_bytes", "Resident memory in bytes", process.resident_bytes)?;
    out.gauge("process_virtual_memory_bytes", "Virtual memory in bytes", process.virtual_bytes)?;
    out.gauge("process_open_fds", "Open file descriptors", process.open_descriptors)?;
    out.gauge("process_max_fds", "Limit of open file descriptors", process.descriptors_max)?;
    out.gauge("process_threads", "Threads of the process", process.threads)?;
    out.float_gauge("process_start_time_seconds", "Unix time of the start, in seconds", process.started_at_seconds)
}
