//! What did a real server write during a meeting? Reads the recorded traces, and replays them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use domain::ids::ChangeId;
use domain::ports::message_bus::Channel;
use flate2::read::GzDecoder;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::openslides::OpenSlides;

/// A recorded meeting.
#[derive(Debug, Deserialize)]
pub struct Trace {
    /// The state before the first change.
    pub initial: RecordedState,
    /// What the server put on the stream, in order.
    messages: Vec<TraceEntry>,
    /// The state after the last change.
    #[serde(rename = "final")]
    pub end: RecordedState,
}

/// The contents of Redis at one moment.
#[derive(Debug, Deserialize)]
pub struct RecordedState {
    /// The elements as JSON texts.
    pub full_data: BTreeMap<String, String>,
    /// The change id at which each member last changed.
    pub change_id: Vec<(String, u64)>,
}

#[derive(Debug, Deserialize)]
struct TraceEntry {
    content: String,
}

/// A change, parsed from its stream entry.
#[derive(Debug)]
pub struct Change {
    /// Its change id.
    pub id: ChangeId,
    /// The new JSON texts of its elements; `None`: deleted.
    pub elements: BTreeMap<String, Option<String>>,
    /// The content of the stream entry, unchanged.
    pub content: String,
}

impl Trace {
    /// Reads a trace of `fixtures/traces`.
    pub fn read(name: &str) -> io::Result<Self> {
        Ok(serde_json::from_slice(&read_text(name)?)?)
    }

    /// Returns its changes in stream order, which is not always the order of their ids.
    pub fn changes(&self) -> io::Result<Vec<Change>> {
        self.messages.iter().map(|entry| Change::read(&entry.content)).collect()
    }

    /// Writes the initial state.
    pub async fn write_initial(&self, server: &OpenSlides) {
        let lowest = self.initial.change_id.iter().find(|(member, _)| member == "_config:lowest_change_id");
        let lowest = ChangeId(lowest.expect("a trace has a lowest change id").1);
        let elements: Vec<_> = self.initial.full_data.iter().map(|(key, json)| (key.as_str(), json.as_str())).collect();
        server.rebuild(lowest, &elements).await;
        for (member, id) in &self.initial.change_id {
            server.set_score(member, &id.to_string()).await;
        }
    }
}

impl Change {
    fn read(content: &str) -> io::Result<Self> {
        #[derive(Deserialize)]
        struct Content<'a> {
            #[serde(borrow)]
            elements: BTreeMap<String, &'a RawValue>,
            change_id: u64,
        }
        let read: Content<'_> = serde_json::from_str(content)?;
        let text = |json: &RawValue| (!matches!(json.get(), "null" | "{}")).then(|| json.get().to_owned());
        Ok(Self {
            id: ChangeId(read.change_id),
            elements: read.elements.into_iter().map(|(key, json)| (key, text(json))).collect(),
            content: content.to_owned(),
        })
    }
}

/// Reads the text of a recorded trace. `fixtures/traces/README.md` says how it was made.
pub fn read_text(name: &str) -> io::Result<Vec<u8>> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/traces"));
    let mut text = Vec::new();
    GzDecoder::new(File::open(folder.join(format!("{name}.gz")))?).read_to_end(&mut text)?;
    Ok(text)
}

/// Replays the changes of a trace: to the data in the order of their ids, as the server's script did, and to the stream
/// in the recorded order. So the data is never behind the stream.
pub struct Replay<'a> {
    server: &'a OpenSlides,
    by_id: Vec<&'a Change>,
    written: usize,
}

impl<'a> Replay<'a> {
    /// Prepares to replay `changes` through `server`.
    #[must_use]
    pub fn new(server: &'a OpenSlides, changes: &'a [Change]) -> Self {
        let mut by_id: Vec<_> = changes.iter().collect();
        by_id.sort_by_key(|change| change.id);
        Self { server, by_id, written: 0 }
    }

    /// Writes the data of all changes up to `change`, then its stream entry.
    pub async fn write(&mut self, change: &Change) {
        while let Some(next) = self.by_id.get(self.written).filter(|next| next.id <= change.id) {
            let elements: Vec<_> = next.elements.iter().map(|(key, json)| (key.as_str(), json.as_deref())).collect();
            self.server.write_as(next.id, &elements).await;
            self.written += 1;
        }
        self.server.append(Channel::Autoupdate, &[change.content.as_bytes()]).await;
    }
}
