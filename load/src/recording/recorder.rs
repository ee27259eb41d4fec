//! How is a meeting recorded? Its content at one moment, then the entries of the stream from that moment on.
//!
//! Only reading commands are sent.

use std::collections::BTreeMap;
use std::path::Path;
use std::pin::pin;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::pipe;
use redis::streams::{StreamId, StreamRangeReply, StreamReadReply};
use serde_json::Value;
use tokio::time::{Instant, sleep_until};

use super::format::{Change, Content, Entry, VERSION, Writer};
use super::{Disguise, LOWEST, connect, place};
use crate::error::LoadError;

/// How long Redis waits for the next change before the recorder looks whether the cache was rebuilt, in milliseconds.
const WAIT_MS: u64 = 1_000;

/// The most changes that are read at once.
const BATCH: usize = 100;

/// What was recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// The number of elements.
    pub elements: u64,
    /// The number of changes.
    pub changes: u64,
    /// Whether it ended early because the server rebuilt its cache.
    pub was_rebuilt: bool,
}

/// The content of Redis at one moment.
struct Snapshot {
    /// The newest entry of the stream just before.
    stream_id: String,
    /// When it was, in milliseconds by the clock of Redis.
    at_ms: u64,
    elements: BTreeMap<String, Vec<u8>>,
    change_ids: Vec<(String, f64)>,
}

/// Records a meeting for some time, or until `stop` completes.
///
/// # Errors
/// Returns an error if Redis does not answer or holds no complete meeting, or if the file exists or cannot be written.
pub async fn record(
    redis: &str,
    file: &Path,
    time: Duration,
    stop: impl Future<Output = ()>,
) -> Result<Recorded, LoadError> {
    let mut connection = connect(redis).await?;
    let snapshot = read_snapshot(&mut connection, &place(redis)?).await?;
    let mut recorder = Recorder {
        disguise: Disguise::new()?,
        writer: Writer::create(file)?,
        begin_ms: snapshot.at_ms,
        newest: 0,
        lowest: 0,
        recorded: Recorded::default(),
    };
    let mut stream_id = snapshot.stream_id.clone();
    recorder.write_snapshot(snapshot)?;
    let begin = Instant::now();
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            reply = read_changes(&mut connection, &stream_id) => {
                for entry in reply? {
                    stream_id.clone_from(&entry.id);
                    recorder.write_change(&entry)?;
                }
                if lowest(&mut connection).await? != Some(recorder.lowest) {
                    recorder.recorded.was_rebuilt = true;
                    break;
                }
            }
            () = sleep_until(begin + time) => break,
            () = &mut stop => break,
        }
    }
    let changes = recorder.recorded.changes;
    recorder.writer.write(&Entry::End { at_ms: begin.elapsed().as_millis() as u64, changes })?;
    recorder.writer.finish()?;
    Ok(recorder.recorded)
}

async fn read_snapshot(connection: &mut MultiplexedConnection, place: &str) -> Result<Snapshot, LoadError> {
    // What is appended after this is read from the stream, so nothing is lost in between.
    let mut newest = redis::cmd("XREVRANGE");
    newest.arg("autoupdate").arg("+").arg("-").arg("COUNT").arg(1);
    let newest: StreamRangeReply = newest.query_async(connection).await?;
    let stream_id = newest.ids.first().map_or_else(|| "0-0".to_owned(), |entry| entry.id.clone());
    let mut commands = pipe();
    commands.atomic().get("cache_ready").hgetall("full_data").zrange_withscores("change_id", 0, -1).cmd("TIME");
    type Answer = (Option<String>, BTreeMap<String, Vec<u8>>, Vec<(String, f64)>, (u64, u64));
    let (ready, elements, change_ids, (seconds, micros)): Answer = commands.query_async(connection).await?;
    if ready.as_deref() != Some("ok") || elements.is_empty() {
        return Err(LoadError::Usage(format!(
            "Redis at {place} holds no complete meeting: cache_ready is not \"ok\", or full_data is empty"
        )));
    }
    Ok(Snapshot { stream_id, at_ms: seconds * 1_000 + micros / 1_000, elements, change_ids })
}

async fn read_changes(connection: &mut MultiplexedConnection, after: &str) -> Result<Vec<StreamId>, LoadError> {
    let mut read = redis::cmd("XREAD");
    read.arg("COUNT").arg(BATCH).arg("BLOCK").arg(WAIT_MS).arg("STREAMS").arg("autoupdate").arg(after);
    let reply: Option<StreamReadReply> = read.query_async(connection).await?;
    Ok(reply.into_iter().flat_map(|reply| reply.keys).flat_map(|key| key.ids).collect())
}

async fn lowest(connection: &mut MultiplexedConnection) -> Result<Option<u64>, LoadError> {
    let mut score = redis::cmd("ZSCORE");
    let score: Option<f64> = score.arg("change_id").arg(LOWEST).query_async(connection).await?;
    Ok(score.map(|score| score as u64))
}

struct Recorder {
    disguise: Disguise,
    writer: Writer,
    begin_ms: u64,
    /// The newest change id of the snapshot, and the one with which the cache was built.
    newest: u64,
    lowest: u64,
    recorded: Recorded,
}

impl Recorder {
    fn write_snapshot(&mut self, mut snapshot: Snapshot) -> Result<(), LoadError> {
        let lowest = snapshot.change_ids.iter().find(|(member, _)| member == LOWEST);
        let lowest = lowest.ok_or_else(|| LoadError::Usage("there is no lowest change id in this Redis".to_owned()))?;
        self.lowest = lowest.1 as u64;
        self.newest = snapshot.change_ids.iter().map(|(_, score)| *score as u64).max().unwrap_or_default();
        self.writer.write(&Entry::AutoupdateRecording { version: VERSION, lowest_change_id: self.lowest })?;
        for (key, score) in &snapshot.change_ids {
            if !key.starts_with("_config:") {
                let content = snapshot.elements.remove(key);
                self.write_element(key, *score as u64, content.as_deref())?;
            }
        }
        // An element without a change id is a fault, which the recording keeps.
        for (key, content) in &snapshot.elements {
            self.write_element(key, 0, Some(content))?;
        }
        Ok(())
    }

    fn write_element(&mut self, key: &str, change_id: u64, content: Option<&[u8]>) -> Result<(), LoadError> {
        let element = content.map(|content| match serde_json::from_slice(content) {
            Ok(value) => Content::Json(self.disguise.element(key, value)),
            Err(_) => Content::UnreadableBytes(content.len()),
        });
        self.recorded.elements += u64::from(element.is_some());
        self.writer.write(&Entry::Element { key: self.disguise.key(key), change_id, element })
    }

    fn write_change(&mut self, entry: &StreamId) -> Result<(), LoadError> {
        let content: Vec<u8> = entry.get("content").unwrap_or_default();
        let change = self.change(&content);
        // The snapshot already holds those that were late.
        if matches!(&change, Change::Elements { change_id, .. } if *change_id <= self.newest) {
            return Ok(());
        }
        let ms: u64 = entry.id.split('-').next().and_then(|ms| ms.parse().ok()).unwrap_or_default();
        self.recorded.changes += 1;
        self.writer.write(&Entry::Change { at_ms: ms.saturating_sub(self.begin_ms), change })
    }

    fn change(&self, content: &[u8]) -> Change {
        #[derive(serde::Deserialize)]
        struct Written {
            elements: BTreeMap<String, Option<Value>>,
            change_id: u64,
        }
        let Ok(written) = serde_json::from_slice::<Written>(content) else {
            return Change::UnreadableBytes(content.len());
        };
        let elements = written.elements.into_iter();
        let elements = elements.map(|(key, value)| {
            let value = value.map(|value| self.disguise.element(&key, value));
            (self.disguise.key(&key), value)
        });
        Change::Elements { change_id: written.change_id, elements: elements.collect() }
    }
}
