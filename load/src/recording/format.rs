//! What is in a recording? Lines of JSON, compressed as the name of the file says.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::Path;

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

use crate::error::LoadError;

/// The version of the format that is written, and the only one that is read.
pub(super) const VERSION: u32 = 1;

/// The longest line that is read, in bytes: longer than any change of a meeting.
const LINE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// The most bytes that are made up for a text of which only the size is known.
const UNREADABLE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The level of zstd: good compression at a speed that keeps up with any meeting.
const ZSTD_LEVEL: i32 = 9;

/// One line of a recording. Lines are in this order: one beginning, the elements, the changes, one end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Entry {
    /// The first line.
    AutoupdateRecording {
        /// The version of the format.
        version: u32,
        /// The change id with which the cache was built.
        lowest_change_id: u64,
    },
    /// An element of the meeting when the recording began.
    Element {
        /// The element key.
        key: String,
        /// The change id of its last change.
        change_id: u64,
        /// Its content; `None` if it was deleted.
        #[serde(default)]
        element: Option<Content>,
    },
    /// An entry of the stream of changes.
    Change {
        /// When it was appended, in milliseconds since the recording began.
        at_ms: u64,
        /// What it holds.
        change: Change,
    },
    /// The last line. A recording without it was cut off.
    End {
        /// How long was recorded, in milliseconds.
        at_ms: u64,
        /// The number of changes.
        changes: u64,
    },
}

/// The content of an element.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// JSON.
    Json(Value),
    /// Something else; only its size is known.
    UnreadableBytes(usize),
}

/// An entry of the stream of changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Elements with their change id; `None`: deleted.
    Elements {
        /// The change id.
        change_id: u64,
        /// The elements by key.
        elements: BTreeMap<String, Option<Value>>,
    },
    /// Something that is not a change; only its size is known.
    UnreadableBytes(usize),
}

impl Content {
    /// Returns the text as it is written to Redis.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Self::Json(value) => value.to_string(),
            Self::UnreadableBytes(size) => unreadable(*size),
        }
    }
}

/// Returns a text of this size that is not JSON.
#[must_use]
pub(super) fn unreadable(size: usize) -> String {
    "#".repeat(size.min(UNREADABLE_BYTES_MAX))
}

/// Writes a recording.
pub struct Writer {
    out: Out,
    name: String,
}

enum Out {
    Plain(BufWriter<File>),
    Gzip(BufWriter<GzEncoder<File>>),
    Zstd(BufWriter<zstd::stream::write::Encoder<'static, File>>),
}

impl Writer {
    /// Creates a file, compressed if its name ends with `.gz` or `.zst`.
    ///
    /// # Errors
    /// Returns an error if the file exists or cannot be created.
    pub fn create(path: &Path) -> Result<Self, LoadError> {
        let name = path.display().to_string();
        let file = File::create_new(path).map_err(LoadError::io(name.clone()))?;
        let out = match extension(path) {
            "gz" => Out::Gzip(BufWriter::new(GzEncoder::new(file, Compression::default()))),
            "zst" => {
                let encoder = zstd::stream::write::Encoder::new(file, ZSTD_LEVEL);
                Out::Zstd(BufWriter::new(encoder.map_err(LoadError::io(name.clone()))?))
            }
            _ => Out::Plain(BufWriter::new(file)),
        };
        Ok(Self { out, name })
    }

    /// Appends a line.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written.
    pub fn write(&mut self, entry: &Entry) -> Result<(), LoadError> {
        let out: &mut dyn Write = match &mut self.out {
            Out::Plain(out) => out,
            Out::Gzip(out) => out,
            Out::Zstd(out) => out,
        };
        let written = serde_json::to_writer(&mut *out, entry).map_err(io::Error::from);
        written.and_then(|()| out.write_all(b"\n")).map_err(LoadError::io(self.name.clone()))
    }

    /// Completes the file.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written.
    pub fn finish(self) -> Result<(), LoadError> {
        let finished = match self.out {
            Out::Plain(out) => out.into_inner().map_err(io::IntoInnerError::into_error).map(|_| ()),
            Out::Gzip(out) => {
                out.into_inner().map_err(io::IntoInnerError::into_error).and_then(GzEncoder::finish).map(|_| ())
            }
            Out::Zstd(out) => {
                let encoder = out.into_inner().map_err(io::IntoInnerError::into_error);
                encoder.and_then(zstd::stream::write::Encoder::finish).map(|_| ())
            }
        };
        finished.map_err(LoadError::io(self.name))
    }
}

/// Reads a recording.
pub struct Reader {
    lines: Box<dyn BufRead>,
    name: String,
    number: u64,
}

impl Reader {
    /// Opens a file, decompressing it if its name ends with `.gz` or `.zst`.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read.
    pub fn open(path: &Path) -> Result<Self, LoadError> {
        let name = path.display().to_string();
        let file = File::open(path).map_err(LoadError::io(name.clone()))?;
        let lines: Box<dyn BufRead> = match extension(path) {
            "gz" => Box::new(BufReader::new(MultiGzDecoder::new(file))),
            "zst" => {
                let decoder = zstd::stream::read::Decoder::new(file).map_err(LoadError::io(name.clone()))?;
                Box::new(BufReader::new(decoder))
            }
            _ => Box::new(BufReader::new(file)),
        };
        Ok(Self { lines, name, number: 0 })
    }

    /// Returns the next line, or `None` at the end of the file.
    ///
    /// # Errors
    /// Returns an error that names the file and the line if it cannot be read.
    pub fn read(&mut self) -> Result<Option<Entry>, LoadError> {
        let mut line = Vec::new();
        self.number += 1;
        let read = (&mut self.lines).take(LINE_BYTES_MAX).read_until(b'\n', &mut line);
        if read.map_err(LoadError::io(format!("{}, line {}", self.name, self.number)))? == 0 {
            return Ok(None);
        }
        serde_json::from_slice(&line).map(Some).map_err(|error| self.wrong(&error.to_string()))
    }

    /// Returns an error about the line that was read last.
    #[must_use]
    pub fn wrong(&self, text: &str) -> LoadError {
        LoadError::Usage(format!("{}, line {}: {text}", self.name, self.number))
    }
}

fn extension(path: &Path) -> &str {
    path.extension().and_then(|extension| extension.to_str()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_line_is_read_as_it_was_written_however_the_file_is_compressed() {
        let entries = [
            Entry::AutoupdateRecording { version: VERSION, lowest_change_id: 1 },
            Entry::Element { key: "core/tag:1".to_owned(), change_id: 3, element: None },
            Entry::Element {
                key: "core/tag:2".to_owned(),
                change_id: 4,
                element: Some(Content::Json(json!({"id": 2, "a": 1.50, "name": "ü🗳\n"}))),
            },
            Entry::Element { key: "a".to_owned(), change_id: 4, element: Some(Content::UnreadableBytes(3)) },
            Entry::Change { at_ms: 5, change: Change::UnreadableBytes(7) },
            Entry::Change {
                at_ms: 6,
                change: Change::Elements { change_id: 9, elements: [("core/tag:2".to_owned(), None)].into() },
            },
            Entry::End { at_ms: 10, changes: 2 },
        ];
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["a.jsonl", "a.jsonl.gz", "a.jsonl.zst"] {
            let path = folder.path().join(name);
            let mut writer = Writer::create(&path).expect("a new file");
            entries.iter().for_each(|entry| writer.write(entry).expect("space"));
            writer.finish().expect("space");
            assert!(Writer::create(&path).is_err(), "{name} is overwritten");
            let mut reader = Reader::open(&path).expect("the file");
            for entry in &entries {
                assert_eq!(reader.read().expect("readable").as_ref(), Some(entry), "{name}");
            }
            assert_eq!(reader.read().expect("readable"), None, "{name}");
        }
    }

    #[test]
    fn a_line_that_cannot_be_read_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a");
        std::fs::write(&path, "{\"end\":{\"at_ms\":1,\"changes\":0}}\nnonsense\n").expect("a file");
        let mut reader = Reader::open(&path).expect("the file");
        assert!(reader.read().is_ok());
        assert!(reader.read().expect_err("nonsense").to_string().contains("line 2"));
    }
}
