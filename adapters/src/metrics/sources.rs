//! Which parts of the service are the metrics read from?

use std::fmt;
use std::sync::Arc;

use application::ingest::IngestCounters;
use application::notify::hub::NotifyHub;
use application::publishing::live::Live;
use application::readiness::Readiness;
use application::streams::connections::Connections;

use crate::http::counters::HttpCounters;

/// The parts that metrics are read from.
pub struct Sources {
    /// The meeting and what was rendered of it.
    pub live: Arc<Live>,
    /// How the meeting followed the store.
    pub ingest: Arc<IngestCounters>,
    /// Open streams.
    pub connections: Arc<Connections>,
    /// Listeners to messages.
    pub hub: Arc<NotifyHub>,
    /// Whether the service can be used.
    pub readiness: Readiness,
    /// Requests and connections.
    pub http: Arc<HttpCounters>,
    /// How often the store and the bus failed since the start.
    pub redis_failures: Box<dyn Fn() -> u64 + Send + Sync>,
    /// How many lines of the log were dropped since the start.
    pub log_lines_dropped: Box<dyn Fn() -> u64 + Send + Sync>,
}

impl fmt::Debug for Sources {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Sources")
    }
}
