//! What do a start, a new connection and an idle connection cost?

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::crowd::wait;
use super::measure::{Measure, settle};
use super::{Crowd, Stage, Variation};
use crate::error::LoadError;
use crate::report::Row;
use crate::server::Server;
use crate::statistics::Percentiles;

/// The number of times the service is started.
const STARTS: usize = 5;

/// One in this many compressed answers is decompressed: decompressing all would compete with the service for the CPU.
const LINES_OF_EACH: usize = 20;

/// How long no byte must arrive before compressed answers that are only counted are taken as complete.
const QUIET: Duration = Duration::from_millis(400);

/// Measures the time from the start of a process until it is healthy. The service of other scenarios is not touched.
pub(super) async fn start(stage: &mut Stage) -> Result<Vec<Row>, LoadError> {
    let Some(program) = &stage.program else {
        return Ok(vec![Row { note: "skipped: needs --program".to_owned(), ..Row::default() }]);
    };
    let mut micros = Vec::new();
    for _ in 0..STARTS {
        let server = Server::start(program).await?;
        micros.extend(server.started_in.map(|started_in| started_in.as_micros() as u64));
        drop(server);
        // Its Redis connections and its port are closed before the next one begins.
        sleep(SETTLED_AFTER_END).await;
    }
    let wall_seconds = micros.iter().sum::<u64>() as f64 / 1e6 / STARTS as f64;
    Ok(vec![Row { wall_seconds, latency: Percentiles::of(micros), ..Row::default() }])
}

/// How long a stopped service gets to close its connections.
const SETTLED_AFTER_END: Duration = Duration::from_millis(300);

/// Measures what each idle connection adds to the memory of the service.
pub(super) async fn idle(stage: &mut Stage, variation: Variation, count: usize) -> Result<Vec<Row>, LoadError> {
    let users: Vec<u64> = stage.meeting.users().iter().map(|(user, _)| user.0).collect();
    let newest = stage.publisher.newest().await?;
    let settings = stage.settings(variation);
    // One-time allocations for the first connections are not attributed to each connection.
    let first = Crowd::gather(&settings, &users, count.min(10), newest, variation.patience).await?;
    let measure = Measure::begin(stage.server.process, None).await?;
    let crowd = Crowd::gather(&settings, &users, count, newest, variation.patience).await?;
    settle(stage.server.process).await?;
    let mut row = measure.end(Some(&crowd), 0).await?;
    drop(first);
    row.memory_bytes_per_connection = row
        .memory_before_kb
        .zip(row.memory_after_kb)
        .map(|(before, after)| (after as f64 - before as f64) * 1024.0 / count.max(1) as f64);
    Ok(vec![row])
}

/// Measures many clients that connect at once and get everything: first to a fresh service, then again.
pub(super) async fn connect(stage: &mut Stage, variation: Variation, count: usize) -> Result<Vec<Row>, LoadError> {
    let users: Vec<u64> = stage.meeting.users().iter().map(|(user, _)| user.0).collect();
    let mut rows = Vec::new();
    for name in ["", " again"] {
        let settings = stage.settings(variation);
        let measure = Measure::begin(stage.server.process, None).await?;
        let begin = Instant::now();
        let crowd = Crowd::rush(&settings, &users, count, LINES_OF_EACH);
        let complete = wait(variation.patience, "all data", crowd.members(), |member| {
            member.read(|record| record.resets > 0 || (record.counted && record.wire_bytes > 0))
        })
        .await;
        wait_until_quiet(&crowd, begin, variation.patience).await;
        let mut row = measure.end(Some(&crowd), 0).await?;
        let mut micros = Vec::new();
        for member in crowd.members() {
            // With nothing else happening the last bytes are the end of the first line.
            let got = member.read(|record| {
                (record.resets > 0 || record.counted)
                    .then(|| record.last_byte_micros.saturating_sub(record.started_micros))
            });
            micros.extend(got);
        }
        row.missing = (count - micros.len()) as u64;
        row.wall_seconds = micros.iter().max().copied().unwrap_or_default() as f64 / 1e6;
        row.latency = Percentiles::of(micros);
        row.scenario = name.to_owned();
        if let Err(error) = complete {
            row.note = error.to_string();
        }
        rows.push(row);
    }
    Ok(rows)
}

async fn wait_until_quiet(crowd: &Crowd, begin: Instant, patience: Duration) {
    let bytes = || crowd.members().iter().map(|member| member.read(|record| record.wire_bytes)).sum::<u64>();
    let mut before = bytes();
    while begin.elapsed() < patience {
        sleep(QUIET).await;
        let now = bytes();
        if now == before {
            return;
        }
        before = now;
    }
}
