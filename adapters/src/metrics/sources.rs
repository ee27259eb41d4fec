//! From which parts of the service are the metrics read?

use std::fmt;
use std::sync::Arc;

use application::autoupdate::StartCounters;
use application::ingest::IngestCounters;
use application::limits::refusals::Refusals;
use application::notify::hub::NotifyHub;
use application::projector::projectors::Projectors;
use application::publishing::publisher::MeetingPublisher;
use application::readiness::Readiness;
use application::streams::registry::StreamRegistry;
use domain::ports::clock::Clock;

use crate::http::counters::HttpCounters;
use crate::redis::RedisState;

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
    /// With what autoupdate streams have begun.
    pub starts: Arc<StartCounters>,
    /// The source of time.
    pub clock: Arc<dyn Clock>,
    /// The maximum number of simultaneous connections.
    pub connections_max: usize,
    /// What is known only outside of these parts.
    pub outside: Outside,
}

/// What metrics tell of the process and of what it is connected to.
pub struct Outside {
    /// How Redis is doing.
    pub redis: Box<dyn Fn() -> RedisState + Send + Sync>,
    /// When the certificate that is served ends, in Unix seconds; `None`: there is none.
    pub certificate_ends_at: Box<dyn Fn() -> Option<u64> + Send + Sync>,
    /// How many log lines were dropped since startup.
    pub log_lines_dropped: Box<dyn Fn() -> u64 + Send + Sync>,
}

impl fmt::Debug for Outside {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Outside")
    }
}

impl fmt::Debug for Sources {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Sources")
    }
}
