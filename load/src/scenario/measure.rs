//! What did the work of a scenario cost the service, and when did it arrive?

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::Crowd;
use crate::error::LoadError;
use crate::process::{Memory, Process};
use crate::publisher::Published;
use crate::report::Row;
use crate::statistics::Percentiles;

/// How long the CPU time must not grow before the service counts as idle.
const SETTLED: Duration = Duration::from_millis(150);

/// The longest wait for the service to become idle.
const SETTLE_SECONDS_MAX: u64 = 10;

/// A measurement that has begun.
pub(super) struct Measure {
    process: Option<Process>,
    begin: Instant,
    cpu_micros: Option<u64>,
    memory: Option<Memory>,
    lines: u64,
    wire_bytes: u64,
}

/// What was published, and whom it concerns.
pub(super) struct Sent<'a> {
    /// The changes in their order.
    pub(super) published: &'a [Published],
    /// Whether the change with this index in the list concerns the user.
    pub(super) concerns: &'a dyn Fn(usize, u64) -> bool,
}

impl Measure {
    /// Begins once the service is idle.
    pub(super) async fn begin(process: Option<Process>, crowd: Option<&Crowd>) -> Result<Self, LoadError> {
        settle(process).await?;
        if let Some(process) = process {
            process.forget_peak();
        }
        let (lines, wire_bytes) = crowd.map(received).unwrap_or_default();
        Ok(Self {
            process,
            begin: Instant::now(),
            cpu_micros: process.map(|process| process.cpu_micros()).transpose()?,
            memory: process.map(|process| process.memory()).transpose()?,
            lines,
            wire_bytes,
        })
    }

    /// Ends once the service is idle.
    pub(super) async fn end(self, crowd: Option<&Crowd>, changes: usize) -> Result<Row, LoadError> {
        let wall_seconds = self.begin.elapsed().as_secs_f64();
        settle(self.process).await?;
        let cpu_after = self.process.map(|process| process.cpu_micros()).transpose()?;
        let memory_after = self.process.map(|process| process.memory()).transpose()?;
        let cpu_micros = cpu_after.zip(self.cpu_micros).map(|(after, before)| (after - before) as f64);
        let connections = crowd.map_or(0, |crowd| crowd.members().len());
        let (lines, wire_bytes) = crowd.map(received).unwrap_or_default();
        let deliveries = lines - self.lines;
        let per = |count: u64| cpu_micros.filter(|_| count > 0).map(|micros| micros / count as f64);
        let mut row = Row {
            connections,
            changes,
            deliveries,
            wall_seconds,
            cpu_seconds: cpu_micros.map(|micros| micros / 1e6),
            cpu_micros_per_delivery: per(deliveries),
            cpu_micros_per_connection: per(connections as u64 * changes.max(1) as u64),
            wire_bytes_per_connection: (wire_bytes - self.wire_bytes) / connections.max(1) as u64,
            memory_before_kb: self.memory.map(|memory| memory.proportional_kb),
            memory_after_kb: memory_after.map(|memory| memory.proportional_kb),
            memory_peak_kb: memory_after.map(|memory| memory.peak_kb),
            ..Row::default()
        };
        for member in crowd.map(Crowd::members).into_iter().flatten() {
            member.read(|record| {
                row.gaps += record.gaps;
                row.unjoined += record.unjoined;
                row.bad_lines += record.bad_lines;
                row.ended += usize::from(record.ended.is_some());
                row.coding = row.coding.or(record.coding);
            });
        }
        Ok(row)
    }
}

/// Records in the row when the changes arrived.
pub(super) fn note_latencies(row: &mut Row, crowd: &Crowd, sent: &Sent<'_>) {
    let mut latencies = Vec::new();
    for member in crowd.members() {
        member.read(|record| {
            for (index, published) in sent.published.iter().enumerate() {
                if !(sent.concerns)(index, member.user) {
                    continue;
                }
                match record.had(published.change_id) {
                    Some(at_micros) => latencies.push(at_micros.saturating_sub(published.at_micros)),
                    None => row.missing += 1,
                }
            }
        });
    }
    row.latency = Percentiles::of(latencies);
}

fn received(crowd: &Crowd) -> (u64, u64) {
    let each = crowd.members().iter().map(|member| member.read(|record| (record.line_count, record.wire_bytes)));
    each.fold((0, 0), |(lines, bytes), (more_lines, more_bytes)| (lines + more_lines, bytes + more_bytes))
}

/// Waits until the service is idle.
pub(super) async fn settle(process: Option<Process>) -> Result<(), LoadError> {
    let begin = Instant::now();
    let Some(process) = process else {
        sleep(SETTLED).await;
        return Ok(());
    };
    let mut before = process.cpu_micros()?;
    while begin.elapsed() < Duration::from_secs(SETTLE_SECONDS_MAX) {
        sleep(SETTLED).await;
        let now = process.cpu_micros()?;
        if now == before {
            return Ok(());
        }
        before = now;
    }
    Ok(())
}
