//! How is a line of the autoupdate stream assembled, part by part? (spec: stream.md#line)

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Bound;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use super::deflate::{self, GzipStream};
use super::meters::DeliveryMeters;
use super::render_cache::{RenderCache, RenderedText};
use super::zstd_frame;
use domain::collection::Collection;
use domain::difference::{Difference, Selection};
use domain::ids::{ChangeId, ElementKey};
use domain::meeting::Meeting;
use domain::meeting::block::{Block, BlockKey};
use domain::restriction::viewer::Viewer;

/// The line that greets a client, and keeps its connection alive.
pub const CONNECTED: &str = "{\"connected\":true}\n";

/// The content of a line about the meeting, shared by all clients with the same views.
#[derive(Debug)]
pub struct DiffContent {
    /// Ordered by block; none is empty.
    changed: Box<[Selection]>,
    /// The deleted ids, as a JSON object.
    deleted: Box<str>,
    /// Assembled lines, by the ids they lead from and to.
    lines: Mutex<BTreeMap<(ChangeId, ChangeId), Arc<RenderedText>>>,
    meters: Arc<DeliveryMeters>,
}

/// Lines up to this size are assembled once and shared; longer ones are sent as rendered blocks, which are shared too.
const SHARED_LINE_BYTES_MAX: usize = 16 * 1024;

/// Clients with the same content come from few different ids; beyond this many, a line is assembled for one client
/// alone.
const SHARED_LINES_MAX: usize = 64;

impl DiffContent {
    /// Creates the content of a difference.
    #[must_use]
    pub fn new(difference: Difference, meters: &Arc<DeliveryMeters>) -> Arc<Self> {
        let deleted = deleted_text(&difference.deleted).into();
        let meters = Arc::clone(meters);
        let content = Self { changed: difference.changed.into(), deleted, lines: Mutex::default(), meters };
        content.meters.made_difference(content.bytes_about());
        Arc::new(content)
    }

    /// Returns how many assembled lines are kept for sharing, and how many bytes of text they have.
    pub(crate) fn kept(&self) -> (usize, u64) {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        (lines.len(), lines.values().map(|line| line.plain().len() as u64).sum())
    }

    fn bytes_about(&self) -> usize {
        self.changed.iter().map(Selection::bytes_about).sum()
    }

    /// Returns the whole line if it is short.
    fn shared_line(&self, ids: (ChangeId, ChangeId)) -> Option<Arc<RenderedText>> {
        if self.bytes_about() > SHARED_LINE_BYTES_MAX {
            return None;
        }
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = lines.get(&ids) {
            return Some(Arc::clone(line));
        }
        let line = Arc::new(RenderedText::new(self.meters.rendering(|| self.assemble(ids))));
        if lines.len() < SHARED_LINES_MAX {
            lines.insert(ids, Arc::clone(&line));
        }
        Some(line)
    }

    fn assemble(&self, ids: (ChangeId, ChangeId)) -> String {
        let mut delimiters = Delimiters::default();
        let mut text = String::new();
        for selection in &self.changed {
            text.push_str(&delimiters.before(selection.block.collection()));
            text.push_str(&selection.render());
        }
        text.push_str(&delimiters.end(&self.deleted, ids, false));
        text
    }
}

/// One line on its way to one client, made part by part as the transport asks for more.
#[derive(Debug)]
pub struct Line {
    from: ChangeId,
    to: ChangeId,
    source: LineSource,
    delimiters: Delimiters,
    /// A part that was rendered but not yet handed to the transport.
    ready: Option<Bytes>,
    written_at: Option<Duration>,
}

#[derive(Debug)]
enum LineSource {
    /// Everything the viewer sees.
    All { meeting: Arc<Meeting>, viewer: Viewer, after: Option<BlockKey> },
    /// What changed.
    Difference { content: Arc<DiffContent>, next: usize },
    /// The assembled line.
    Whole(Arc<RenderedText>),
    /// Nothing but the ids.
    Quiet,
    /// All parts have been taken.
    Done,
}

impl Line {
    /// Returns a line with everything `viewer` sees of `meeting`, for a client that has the id `from`.
    #[must_use]
    pub fn all(meeting: &Arc<Meeting>, viewer: &Viewer, from: ChangeId) -> Self {
        let source = LineSource::All { meeting: Arc::clone(meeting), viewer: viewer.clone(), after: None };
        Self::new(from, meeting.change_id(), source)
    }

    /// Returns a line with what changed between the ids.
    #[must_use]
    pub fn difference(content: &Arc<DiffContent>, from: ChangeId, to: ChangeId) -> Self {
        let source = match content.shared_line((from, to)) {
            Some(line) => LineSource::Whole(line),
            None => LineSource::Difference { content: Arc::clone(content), next: 0 },
        };
        Self::new(from, to, source)
    }

    /// Returns a line that says that nothing changed between the ids.
    #[must_use]
    pub fn quiet(from: ChangeId, to: ChangeId) -> Self {
        Self::new(from, to, LineSource::Quiet)
    }

    fn new(from: ChangeId, to: ChangeId, source: LineSource) -> Self {
        Self { from, to, source, delimiters: Delimiters::default(), ready: None, written_at: None }
    }

    /// Records when the oldest change in this line was written to the store, a monotonic time; `None`: nobody knows.
    #[must_use]
    pub(crate) fn written_at(self, written_at: Option<Duration>) -> Self {
        Self { written_at, ..self }
    }

    /// Returns when the oldest change in this line was written to the store, if anybody knows.
    #[must_use]
    pub(crate) fn changed_at(&self) -> Option<Duration> {
        self.written_at
    }

    /// Returns the id that the client has after this line.
    #[must_use]
    pub fn to(&self) -> ChangeId {
        self.to
    }

    /// Whether it carries everything its viewer sees, and no part has been taken yet.
    pub(crate) fn is_everything(&self) -> bool {
        matches!(self.source, LineSource::All { after: None, .. })
    }

    /// Whether all parts have been taken.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.ready.is_none() && matches!(self.source, LineSource::Done)
    }

    /// Returns the next part, encoded; `None` when the line is complete. A part is never empty.
    ///
    /// One call does at most the work of one visible block, plus a walk over blocks of which nothing is visible.
    pub fn next_part(&mut self, render_cache: &RenderCache, encoder: &mut Encoder) -> Option<Bytes> {
        if let Some(ready) = self.ready.take() {
            return Some(ready);
        }
        let (delimiters, rendered) = self.next_delimiters_and_text(render_cache)?;
        let encoded = encoder.encode(&delimiters, rendered.as_deref());
        self.ready = encoded.1;
        Some(encoded.0)
    }

    fn next_delimiters_and_text(&mut self, render_cache: &RenderCache) -> Option<(String, Option<Arc<RenderedText>>)> {
        let ids = (self.from, self.to);
        let (deleted, all_data) = match &mut self.source {
            LineSource::All { meeting, viewer, after } => {
                while let Some((key, block)) = block_after(meeting, *after) {
                    *after = Some(key);
                    if let Some(rendered) = render_cache.all(block, viewer) {
                        return Some((self.delimiters.before(block.collection()), Some(rendered)));
                    }
                }
                ("{}", true)
            }
            LineSource::Difference { content, next } => {
                if let Some(selection) = content.changed.get(*next) {
                    *next += 1;
                    return Some((
                        self.delimiters.before(selection.block.collection()),
                        Some(render_cache.of(selection)),
                    ));
                }
                (&*content.deleted, false)
            }
            LineSource::Whole(line) => {
                let line = Arc::clone(line);
                self.source = LineSource::Done;
                return Some((String::new(), Some(line)));
            }
            LineSource::Quiet => ("{}", false),
            LineSource::Done => return None,
        };
        let end = self.delimiters.end(deleted, ids, all_data);
        self.source = LineSource::Done;
        Some((end, None))
    }
}

fn block_after(meeting: &Meeting, after: Option<BlockKey>) -> Option<(BlockKey, &Arc<Block>)> {
    let bound = after.map_or(Bound::Unbounded, Bound::Excluded);
    meeting.blocks_in((bound, Bound::Unbounded)).next().map(|(key, block)| (*key, block))
}

/// What goes between the rendered blocks of a line.
#[derive(Debug, Default)]
struct Delimiters {
    collection: Option<Collection>,
}

impl Delimiters {
    /// Returns what goes before a rendered block of `collection`.
    fn before(&mut self, collection: Collection) -> String {
        match self.collection.replace(collection) {
            None => format!("{{\"changed\":{{\"{collection}\":["),
            Some(before) if before == collection => ",".to_owned(),
            Some(_) => format!("],\"{collection}\":["),
        }
    }

    /// Returns what goes after the last rendered block.
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

/// How a stream is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// As text.
    Plain,
    /// As a gzip stream.
    Gzip,
    /// As zstd frames.
    Zstd,
}

impl Coding {
    /// Every coding.
    pub const ALL: [Self; 3] = [Self::Plain, Self::Gzip, Self::Zstd];
}

/// Encodes the text of one stream: plain, gzip or zstd.
#[derive(Debug, Default)]
pub struct Encoder {
    kind: EncoderKind,
    text_bytes: u64,
}

/// The compressed forms reuse what was compressed once for all clients.
#[derive(Debug, Default)]
enum EncoderKind {
    #[default]
    Plain,
    Gzip(GzipStream),
    Zstd,
}

impl Encoder {
    /// Returns an encoder that leaves the text as it is.
    #[must_use]
    pub fn plain() -> Self {
        Self::default()
    }

    /// Returns an encoder that produces a gzip stream.
    #[must_use]
    pub fn gzip() -> Self {
        Self { kind: EncoderKind::Gzip(GzipStream::default()), text_bytes: 0 }
    }

    /// Returns an encoder that produces zstd frames.
    #[must_use]
    pub fn zstd() -> Self {
        Self { kind: EncoderKind::Zstd, text_bytes: 0 }
    }

    /// Returns how the text is encoded.
    #[must_use]
    pub fn coding(&self) -> Coding {
        match self.kind {
            EncoderKind::Plain => Coding::Plain,
            EncoderKind::Gzip(_) => Coding::Gzip,
            EncoderKind::Zstd => Coding::Zstd,
        }
    }

    /// Returns how many bytes of text the stream has carried, before compression: what a client has to keep of it.
    #[must_use]
    pub fn text_bytes(&self) -> u64 {
        self.text_bytes
    }

    /// Encodes the beginning of a stream.
    #[must_use]
    pub fn begin(&mut self, text: &str) -> Bytes {
        let text = self.text(text);
        match self.kind {
            EncoderKind::Gzip(_) => [deflate::GZIP_HEADER, &text].concat().into(),
            EncoderKind::Plain | EncoderKind::Zstd => text,
        }
    }

    /// Encodes a short text that only this client gets.
    #[must_use]
    pub fn text(&mut self, text: &str) -> Bytes {
        self.encode(text, None).0
    }

    /// Encodes a text that many clients get.
    #[must_use]
    pub fn shared(&mut self, text: &SharedText) -> Bytes {
        self.encode("", Some(&text.0)).0
    }

    /// Returns the end of the stream.
    #[must_use]
    pub fn end(&mut self) -> Bytes {
        match &self.kind {
            EncoderKind::Gzip(stream) => stream.trailer(),
            EncoderKind::Plain | EncoderKind::Zstd => Bytes::new(),
        }
    }

    /// Encodes delimiters and a rendered block: in two parts if the block is too large to be worth copying.
    fn encode(&mut self, delimiters: &str, rendered: Option<&RenderedText>) -> (Bytes, Option<Bytes>) {
        self.text_bytes += (delimiters.len() + rendered.map_or(0, |rendered| rendered.plain().len())) as u64;
        let (delimiters, rendered) = match &mut self.kind {
            EncoderKind::Plain => {
                (Bytes::copy_from_slice(delimiters.as_bytes()), rendered.map(|rendered| rendered.plain().clone()))
            }
            EncoderKind::Gzip(stream) => {
                let mut push = |block: &deflate::DeflateBlock| {
                    stream.push(block);
                    block.bytes().clone()
                };
                // Rendered blocks are flushed; delimiters without one end a line.
                let store = if rendered.is_some() {
                    deflate::DeflateBlock::store
                } else {
                    deflate::DeflateBlock::store_flushed
                };
                let delimiters = (!delimiters.is_empty()).then(|| push(&store(delimiters.as_bytes())));
                (delimiters.unwrap_or_default(), rendered.map(|rendered| push(rendered.deflated())))
            }
            EncoderKind::Zstd => {
                let delimiters = (!delimiters.is_empty()).then(|| zstd_frame::compress(delimiters.as_bytes()));
                (delimiters.unwrap_or_default(), rendered.map(|rendered| rendered.zstd_frame().clone()))
            }
        };
        match rendered {
            None => (delimiters, None),
            Some(rendered) if delimiters.is_empty() => (rendered, None),
            Some(rendered) if rendered.len() > COPIED_BYTES_MAX => (delimiters, Some(rendered)),
            Some(rendered) => ([delimiters, rendered].concat().into(), None),
        }
    }
}

/// Rendered blocks up to this size are copied behind their delimiters, which costs the transport less than another
/// part.
const COPIED_BYTES_MAX: usize = 4 * 1024;

/// A text that many clients get, compressed once for all of them.
#[derive(Clone, Debug)]
pub struct SharedText(Arc<RenderedText>);

impl SharedText {
    /// Shares `text`, which is not empty.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Arc::new(RenderedText::new(text)))
    }

    /// The text as it is.
    #[must_use]
    pub fn plain(&self) -> &Bytes {
        self.0.plain()
    }
}
