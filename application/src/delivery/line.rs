//! How does a line of the autoupdate stream come to be, part by part? (spec: stream.md)

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Bound;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::deflate::{self, GzipStream};
use super::piece::{Piece, Pieces};
use super::zstd_frame;
use domain::collection::Collection;
use domain::difference::{Difference, Selection};
use domain::ids::{ChangeId, ElementKey};
use domain::meeting::Meeting;
use domain::meeting::block::{Block, BlockKey};
use domain::restriction::viewer::Viewer;

/// A line that tells the client nothing but that it is connected.
pub const CONNECTED: &str = "{\"connected\":true}\n";

/// What a line tells of the meeting: the same for all clients whose decisions are the same.
#[derive(Debug)]
pub struct Content {
    /// By block, none empty.
    changed: Box<[Selection]>,
    /// The JSON object of the deleted ids.
    deleted: Box<str>,
    /// Whole lines, by the id they go on from.
    lines: Mutex<BTreeMap<(ChangeId, ChangeId), Arc<Piece>>>,
}

/// Lines up to this size are put together once and shared; larger ones are sent in pieces, which are shared too.
const SHARED_LINE_BYTES_MAX: usize = 16 * 1024;

/// Clients with the same content go on from few different ids; beyond this many a line is put together for the one
/// client.
const SHARED_LINES_MAX: usize = 64;

impl Content {
    /// What a difference tells.
    #[must_use]
    pub fn new(difference: Difference) -> Arc<Self> {
        let deleted = deleted_text(&difference.deleted).into();
        Arc::new(Self { changed: difference.changed.into(), deleted, lines: Mutex::default() })
    }

    fn bytes_about(&self) -> usize {
        self.changed.iter().map(Selection::bytes_about).sum()
    }

    /// The whole line, if it is small.
    fn shared_line(&self, ids: (ChangeId, ChangeId)) -> Option<Arc<Piece>> {
        if self.bytes_about() > SHARED_LINE_BYTES_MAX {
            return None;
        }
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = lines.get(&ids) {
            return Some(Arc::clone(line));
        }
        let mut glue = Glue::default();
        let mut text = String::new();
        for selection in &self.changed {
            text.push_str(&glue.before(selection.block.collection()));
            text.push_str(&selection.render());
        }
        text.push_str(&glue.end(&self.deleted, ids, false));
        let line = Arc::new(Piece::new(text));
        if lines.len() < SHARED_LINES_MAX {
            lines.insert(ids, Arc::clone(&line));
        }
        Some(line)
    }
}

/// One line on its way to one client. It is made part by part, when the transport asks for more.
#[derive(Debug)]
pub struct Line {
    from: ChangeId,
    to: ChangeId,
    source: Source,
    glue: Glue,
    /// A part that is ready but was not taken yet.
    ready: Option<Bytes>,
}

#[derive(Debug)]
enum Source {
    /// Everything the viewer sees.
    All { meeting: Arc<Meeting>, viewer: Viewer, after: Option<BlockKey> },
    /// What changed.
    Difference { content: Arc<Content>, next: usize },
    /// The line as a whole.
    Whole(Arc<Piece>),
    /// Nothing but the ids.
    Quiet,
    /// All parts were taken.
    Done,
}

impl Line {
    /// Everything `viewer` sees of `meeting`, for a client that has the id `from`.
    #[must_use]
    pub fn all(meeting: &Arc<Meeting>, viewer: &Viewer, from: ChangeId) -> Self {
        let source = Source::All { meeting: Arc::clone(meeting), viewer: viewer.clone(), after: None };
        Self::new(from, meeting.change_id(), source)
    }

    /// What changed between the ids.
    #[must_use]
    pub fn difference(content: &Arc<Content>, from: ChangeId, to: ChangeId) -> Self {
        let source = match content.shared_line((from, to)) {
            Some(line) => Source::Whole(line),
            None => Source::Difference { content: Arc::clone(content), next: 0 },
        };
        Self::new(from, to, source)
    }

    /// Nothing changed between the ids.
    #[must_use]
    pub fn quiet(from: ChangeId, to: ChangeId) -> Self {
        Self::new(from, to, Source::Quiet)
    }

    fn new(from: ChangeId, to: ChangeId, source: Source) -> Self {
        Self { from, to, source, glue: Glue::default(), ready: None }
    }

    /// The id that the client has after this line.
    #[must_use]
    pub fn to(&self) -> ChangeId {
        self.to
    }

    /// Were all parts taken?
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.ready.is_none() && matches!(self.source, Source::Done)
    }

    /// The next part, encoded; `None` when the line is complete. A part is never empty.
    ///
    /// The work of one call is bounded by one block of the meeting that somebody sees, and by the number of blocks.
    pub fn next_part(&mut self, pieces: &Pieces, encoder: &mut Encoder) -> Option<Bytes> {
        if let Some(ready) = self.ready.take() {
            return Some(ready);
        }
        let (glue, piece) = self.next_glue_and_piece(pieces)?;
        let encoded = encoder.encode(&glue, piece.as_deref());
        self.ready = encoded.1;
        Some(encoded.0)
    }

    fn next_glue_and_piece(&mut self, pieces: &Pieces) -> Option<(String, Option<Arc<Piece>>)> {
        let ids = (self.from, self.to);
        let (deleted, all_data) = match &mut self.source {
            Source::All { meeting, viewer, after } => {
                while let Some((key, block)) = block_after(meeting, *after) {
                    *after = Some(key);
                    if let Some(piece) = pieces.all(block, viewer) {
                        return Some((self.glue.before(block.collection()), Some(piece)));
                    }
                }
                ("{}", true)
            }
            Source::Difference { content, next } => {
                if let Some(selection) = content.changed.get(*next) {
                    *next += 1;
                    return Some((self.glue.before(selection.block.collection()), Some(pieces.of(selection))));
                }
                (&*content.deleted, false)
            }
            Source::Whole(line) => {
                let line = Arc::clone(line);
                self.source = Source::Done;
                return Some((String::new(), Some(line)));
            }
            Source::Quiet => ("{}", false),
            Source::Done => return None,
        };
        let end = self.glue.end(deleted, ids, all_data);
        self.source = Source::Done;
        Some((end, None))
    }
}

fn block_after(meeting: &Meeting, after: Option<BlockKey>) -> Option<(BlockKey, &Arc<Block>)> {
    let bound = after.map_or(Bound::Unbounded, Bound::Excluded);
    meeting.blocks_in((bound, Bound::Unbounded)).next().map(|(key, block)| (*key, block))
}

/// What stands between the pieces of a line.
#[derive(Debug, Default)]
struct Glue {
    collection: Option<Collection>,
}

impl Glue {
    /// What stands before a piece of `collection`.
    fn before(&mut self, collection: Collection) -> String {
        match self.collection.replace(collection) {
            None => format!("{{\"changed\":{{\"{collection}\":["),
            Some(before) if before == collection => ",".to_owned(),
            Some(_) => format!("],\"{collection}\":["),
        }
    }

    /// What stands behind the last piece.
    fn end(&self, deleted: &str, (from, to): (ChangeId, ChangeId), all_data: bool) -> String {
        let changed = if self.collection.is_some() { "]}" } else { "{\"changed\":{}" };
        format!(
            "{changed},\"deleted\":{deleted},\"from_change_id\":{from},\"to_change_id\":{to},\"all_data\":{all_data}}}\n"
        )
    }
}

fn deleted_text(keys: &[ElementKey]) -> String {
    let mut text = String::from("{");
    let mut collection = None;
    for key in keys {
        let separator = match collection.replace(key.collection) {
            Some(before) if before == key.collection => ",",
            Some(_) => {
                text.push_str("],");
                ""
            }
            None => "",
        };
        if separator.is_empty() {
            let _ = write!(text, "\"{}\":[", key.collection);
        }
        let _ = write!(text, "{separator}{}", key.id);
    }
    text.push_str(if keys.is_empty() { "}" } else { "]}" });
    text
}

/// Brings the text of one stream into the form in which it travels.
#[derive(Debug, Default)]
pub struct Encoder {
    coding: Coding,
    text_bytes: u64,
}

/// The compressed ones are made of what is compressed once for all clients.
#[derive(Debug, Default)]
enum Coding {
    #[default]
    Plain,
    Gzip(GzipStream),
    Zstd,
}

impl Encoder {
    /// An encoder that leaves the text as it is.
    #[must_use]
    pub fn plain() -> Self {
        Self::default()
    }

    /// An encoder that makes a gzip stream.
    #[must_use]
    pub fn gzip() -> Self {
        Self { coding: Coding::Gzip(GzipStream::default()), text_bytes: 0 }
    }

    /// An encoder that makes zstd frames.
    #[must_use]
    pub fn zstd() -> Self {
        Self { coding: Coding::Zstd, text_bytes: 0 }
    }

    /// How many bytes of text the stream has carried, before compression: what a client keeps of it.
    #[must_use]
    pub fn text_bytes(&self) -> u64 {
        self.text_bytes
    }

    /// What the stream begins with.
    #[must_use]
    pub fn begin(&mut self, text: &str) -> Bytes {
        let text = self.text(text);
        match self.coding {
            Coding::Gzip(_) => [deflate::GZIP_HEADER, &text].concat().into(),
            Coding::Plain | Coding::Zstd => text,
        }
    }

    /// A short text that only this client gets.
    #[must_use]
    pub fn text(&mut self, text: &str) -> Bytes {
        self.encode(text, None).0
    }

    /// A text that many clients get.
    #[must_use]
    pub fn shared(&mut self, text: &SharedText) -> Bytes {
        self.encode("", Some(&text.0)).0
    }

    /// What the stream ends with.
    #[must_use]
    pub fn end(&mut self) -> Bytes {
        match &self.coding {
            Coding::Gzip(stream) => stream.trailer(),
            Coding::Plain | Coding::Zstd => Bytes::new(),
        }
    }

    /// What to send for the glue and the piece: in two parts if the piece is worth not being copied.
    fn encode(&mut self, glue: &str, piece: Option<&Piece>) -> (Bytes, Option<Bytes>) {
        self.text_bytes += (glue.len() + piece.map_or(0, |piece| piece.plain().len())) as u64;
        let (glue, piece) = match &mut self.coding {
            Coding::Plain => (Bytes::copy_from_slice(glue.as_bytes()), piece.map(|piece| piece.plain().clone())),
            Coding::Gzip(stream) => {
                let mut push = |block: &deflate::Block| {
                    stream.push(block);
                    block.bytes().clone()
                };
                // Pieces are flushed; glue without one ends a line.
                let store = if piece.is_some() { deflate::Block::store } else { deflate::Block::store_flushed };
                let glue = (!glue.is_empty()).then(|| push(&store(glue.as_bytes())));
                (glue.unwrap_or_default(), piece.map(|piece| push(piece.deflated())))
            }
            Coding::Zstd => {
                let glue = (!glue.is_empty()).then(|| zstd_frame::compress(glue.as_bytes()));
                (glue.unwrap_or_default(), piece.map(|piece| piece.zstd_frame().clone()))
            }
        };
        match piece {
            None => (glue, None),
            Some(piece) if glue.is_empty() => (piece, None),
            Some(piece) if piece.len() > COPIED_BYTES_MAX => (glue, Some(piece)),
            Some(piece) => ([glue, piece].concat().into(), None),
        }
    }
}

/// Pieces up to this size are copied behind their glue: cheaper than another part for the transport.
const COPIED_BYTES_MAX: usize = 4 * 1024;

/// A text that many clients get: compressed once for all of them.
#[derive(Clone, Debug)]
pub struct SharedText(Arc<Piece>);

impl SharedText {
    /// Shares `text`, which is not empty.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Arc::new(Piece::new(text)))
    }

    /// The text as it is.
    #[must_use]
    pub fn plain(&self) -> &Bytes {
        self.0.plain()
    }
}
