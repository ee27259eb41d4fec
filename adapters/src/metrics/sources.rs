//! From which parts of the service are the metrics read?

use std::fmt;
use std::sync::Arc;

use application::ingest::IngestCounters;
use application::limits::refusals::Refusals;
use application::notify::hub::NotifyHub;
use application::projector::projectors::Projectors;
use application::publishing::publisher::MeetingPublisher;
use application::readiness::Readiness;
use application::streams::registry::StreamRegistry;

use crate::http::counters::HttpCounters;

/// The parts that metrics are read from.
pub struct Sources {
    /// The meeting, and the text rendered from it.
    pub publisher: Arc<MeetingPublisher>,
    /// How the meeting has followed the store.
    pub ingest: Arc<IngestCounters>,
    /// What projectors show.
    pub projectors: Arc<Projectors>,
    /// Open streams.
    pub registry: Arc<StreamRegistry>,
    /// Listeners to messages.
    pub hub: Arc<NotifyHub>,
    /// Whether the service can be used.
    pub readiness: Readiness,
    /// Requests and connections.
    pub http: Arc<HttpCounters>,
    /// Which limits were met.
    pub refusals: Arc<Refusals>,
    /// How often the store and the bus have failed since startup.
    pub redis_failures: Box<dyn Fn() -> u64 + Send + Sync>,
    /// How many log lines were dropped since startup.
    pub log_lines_dropped: Box<dyn Fn() -> u64 + Send + Sync>,
}

impl fmt::Debug for Sources {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Sources")
    }
}
