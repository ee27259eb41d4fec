//! How do others see how the service is doing? In the text format of Prometheus, read on demand.
//!
//! Nothing is measured here: what the parts of the service count anyway is read at that moment. The metrics say how
//! many and how much, never what: no data of the meeting, no user, no session.

mod collector;
mod labels;
mod names;
mod out;
mod process;
mod sources;

use std::sync::Arc;

use prometheus_client::encoding::{prometheus_text, text};
use prometheus_client::registry::Registry;

pub use names::NAMES;
pub use sources::{Outside, Sources};

/// The content type of [`Metrics::text`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The content type of [`Metrics::classic_text`].
pub const CLASSIC_CONTENT_TYPE: &str = prometheus_text::CONTENT_TYPE;

/// The metrics of one service. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<Registry>);

impl Metrics {
    /// Creates the metrics that are read from these parts.
    #[must_use]
    pub fn new(sources: Sources) -> Self {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(sources));
        Self(Arc::new(registry))
    }

    /// Returns the current metrics as text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::new();
        text::encode(&mut out, &self.0).expect("writing to a string does not fail");
        out
    }

    /// Returns the current metrics in the classic text format, for readers that do not ask for OpenMetrics.
    #[must_use]
    pub fn classic_text(&self) -> String {
        let mut out = String::new();
        prometheus_text::encode(&mut out, &self.0).expect("writing to a string does not fail");
        out
    }
}

#[cfg(test)]
mod tests;
