//! How does the service itself fare meanwhile? Its metrics, read at regular intervals.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Limited};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::client::ask;
use super::{Address, Rehearsal};

/// The interval between two readings.
const PAUSE: Duration = Duration::from_secs(1);

/// How long a reading may take.
const READING_SECONDS_MAX: u64 = 5;

/// The most bytes of metrics that are read.
const BYTES_MAX: usize = 4 * 1024 * 1024;

/// What is kept of them.
const NAMES: [&str; 5] = [
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
    "autoupdate_connections_open",
    "autoupdate_streams_open",
    "autoupdate_redis_failures_total",
];

/// The metrics of one instance over time.
#[derive(Clone, Debug)]
pub struct Series {
    /// Where they are read.
    pub address: Address,
    /// What was read.
    pub samples: Vec<Sample>,
    /// Why the last reading failed, if it did.
    pub trouble: Option<String>,
}

/// One reading: values by name, summed over labels.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sample {
    /// Seconds since the beginning.
    pub second: f64,
    /// The values.
    pub values: BTreeMap<&'static str, f64>,
}

impl Series {
    /// Returns a value over time.
    #[must_use]
    pub fn gauge(&self, name: &str) -> Vec<(f64, f64)> {
        self.samples.iter().filter_map(|sample| Some((sample.second, *sample.values.get(name)?))).collect()
    }

    /// Returns how fast a counter rose, in units per second. A restart of the service is left out.
    #[must_use]
    pub fn rate(&self, name: &str) -> Vec<(f64, f64)> {
        let values = self.gauge(name);
        let steps = values.windows(2).filter(|pair| pair[1].1 >= pair[0].1 && pair[1].0 > pair[0].0);
        steps.map(|pair| (pair[1].0, (pair[1].1 - pair[0].1) / (pair[1].0 - pair[0].0))).collect()
    }
}

/// All series, while they grow.
pub(super) struct Following(Vec<Arc<Mutex<Series>>>);

impl Following {
    /// Takes out what was read.
    pub(super) fn take(self) -> Vec<Series> {
        let each = self.0.iter().map(|series| series.lock().unwrap_or_else(PoisonError::into_inner).clone());
        each.collect()
    }
}

/// Begins to read the metrics at all addresses.
pub(super) fn follow(rehearsal: &Arc<Rehearsal>, tasks: &mut JoinSet<()>) -> Following {
    let mut following = Following(Vec::new());
    for address in &rehearsal.plan.metrics {
        let series = Series { address: address.clone(), samples: Vec::new(), trouble: None };
        let series = Arc::new(Mutex::new(series));
        tasks.spawn(follow_one(Arc::clone(rehearsal), address.clone(), Arc::clone(&series)));
        following.0.push(series);
    }
    following
}

async fn follow_one(rehearsal: Arc<Rehearsal>, address: Address, series: Arc<Mutex<Series>>) {
    let begin = Instant::now();
    let mut ticks = interval(PAUSE);
    // Readings in a burst would have rates of nonsense.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let reading = timeout(Duration::from_secs(READING_SECONDS_MAX), read(&rehearsal, &address)).await;
        let reading = reading.unwrap_or_else(|_| Err(format!("{address}: no answer after {READING_SECONDS_MAX} s")));
        let mut series = series.lock().unwrap_or_else(PoisonError::into_inner);
        match reading {
            Ok(values) => {
                series.trouble = None;
                series.samples.push(Sample { second: begin.elapsed().as_secs_f64(), values });
            }
            Err(trouble) => series.trouble = Some(trouble),
        }
    }
}

async fn read(rehearsal: &Rehearsal, address: &Address) -> Result<BTreeMap<&'static str, f64>, String> {
    let link = rehearsal.dialer.connect(address).await.map_err(|trouble| trouble.to_string())?;
    let path = if address.path.is_empty() { "/metrics" } else { "" };
    let (answer, _) = ask(link, Request::builder(), address, path, Bytes::new()).await.map_err(|t| t.to_string())?;
    if !answer.status().is_success() {
        return Err(format!("{address}{path}: {}", answer.status()));
    }
    let body = Limited::new(answer.into_body(), BYTES_MAX).collect().await;
    let bytes = body.map_err(|error| format!("{address}{path}: {error}"))?.to_bytes();
    Ok(parse(&String::from_utf8_lossy(&bytes)))
}

/// Reads the text format of Prometheus.
fn parse(text: &str) -> BTreeMap<&'static str, f64> {
    let mut values = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let end = line.find(['{', ' ']).unwrap_or(line.len());
        let Some(name) = NAMES.into_iter().find(|name| *name == &line[..end]) else { continue };
        let behind_labels = line.rfind('}').map_or(end, |brace| brace + 1);
        let value = line[behind_labels..].split_whitespace().next().and_then(|value| value.parse::<f64>().ok());
        if let Some(value) = value {
            *values.entry(name).or_default() += value;
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_summed_over_their_labels() {
        let text = "# TYPE autoupdate_streams_open gauge\n\
                    autoupdate_streams_open{kind=\"autoupdate\"} 3\nautoupdate_streams_open{kind=\"notify\"} 4\n\
                    process_cpu_seconds_total 1.5 1700000000\nsomething_else 7\nautoupdate_streams_open_more 9\n";
        let expected = [("autoupdate_streams_open", 7.0), ("process_cpu_seconds_total", 1.5)];
        assert_eq!(parse(text), expected.into());
    }

    #[test]
    fn a_restart_is_no_rate() {
        let sample = |second, value| Sample { second, values: [(NAMES[0], value)].into() };
        let address = "http://localhost:1".parse().expect("an address");
        let samples = vec![sample(0.0, 1.0), sample(2.0, 2.0), sample(3.0, 0.5), sample(4.0, 1.0)];
        let series = Series { address, samples, trouble: None };
        assert_eq!(series.rate(NAMES[0]), [(2.0, 0.5), (4.0, 0.5)]);
    }
}
