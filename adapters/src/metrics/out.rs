//! How are numbers written as metrics?

use std::fmt::Error;

use application::histogram::HistogramCounts;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// Writes the metrics one after the other.
pub(super) struct Out<'a>(pub(super) DescriptorEncoder<'a>);

/// A name and a value each.
pub(super) type Labels<const N: usize> = [(&'static str, String); N];

/// How many units of a histogram make one of its metric.
#[derive(Clone, Copy, Debug)]
pub(super) enum Unit {
    /// Counted in microseconds, told in seconds.
    Microseconds,
    /// Counted and told in bytes.
    Bytes,
}

impl Unit {
    fn per_unit(self) -> f64 {
        match self {
            Self::Microseconds => 1_000_000.0,
            Self::Bytes => 1.0,
        }
    }
}

impl Out<'_> {
    pub(super) fn gauge(&mut self, name: &str, help: &str, value: u64) -> Result<(), Error> {
        ConstGauge::new(value).encode(self.0.encode_descriptor(name, help, None, MetricType::Gauge)?)
    }

    pub(super) fn float_gauge(&mut self, name: &str, help: &str, value: f64) -> Result<(), Error> {
        ConstGauge::new(value).encode(self.0.encode_descriptor(name, help, None, MetricType::Gauge)?)
    }

    pub(super) fn float_counter(&mut self, name: &str, help: &str, value: f64) -> Result<(), Error> {
        ConstCounter::new(value).encode(self.0.encode_descriptor(name, help, None, MetricType::Counter)?)
    }

    /// The format appends `_total` to the name of a counter.
    pub(super) fn counter(&mut self, name: &str, help: &str, value: u64) -> Result<(), Error> {
        ConstCounter::new(value).encode(self.0.encode_descriptor(name, help, None, MetricType::Counter)?)
    }

    pub(super) fn gauges<const N: usize>(
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

    pub(super) fn counters<const N: usize>(
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

    pub(super) fn histogram(
        &mut self,
        name: &str,
        help: &str,
        unit: Unit,
        counts: &HistogramCounts,
    ) -> Result<(), Error> {
        encode_histogram(self.0.encode_descriptor(name, help, None, MetricType::Histogram)?, unit, counts)
    }

    pub(super) fn histograms<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        unit: Unit,
        values: impl IntoIterator<Item = (Labels<N>, HistogramCounts)>,
    ) -> Result<(), Error> {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Histogram)?;
        for (labels, counts) in values {
            encode_histogram(family.encode_family(&labels)?, unit, &counts)?;
        }
        Ok(())
    }
}

fn encode_histogram(mut encoder: MetricEncoder<'_>, unit: Unit, counts: &HistogramCounts) -> Result<(), Error> {
    let buckets: Vec<(f64, u64)> = counts
        .by_bound
        .iter()
        .map(|(bound, count)| (*bound as f64 / unit.per_unit(), *count))
        .chain([(f64::INFINITY, counts.above)])
        .collect();
    let count = buckets.iter().map(|(_, count)| count).sum();
    encoder.encode_histogram::<NoLabelSet>(counts.sum as f64 / unit.per_unit(), count, &buckets, None)
}
