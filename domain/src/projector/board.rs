//! What do the watched projectors show, and which must be rendered again after a change?

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hasher};
use std::sync::Arc;

use super::changes::{Between, Changes, Written};
use super::render::{Diagnostic, Slide, composed, exists};
use super::request::ProjectorIds;
use crate::collection::Collection;
use crate::ids::{ElementKey, ProjectorId};
use crate::meeting::Meeting;
use crate::slide::text::Object;
use crate::slide::{RenderedSlide, render_slide, slide_name};

/// What the projectors show in one version of the meeting. A value: [`ProjectorBoard::advance`] returns the next one,
/// which shares everything that did not change.
#[derive(Debug)]
pub struct ProjectorBoard {
    meeting: Arc<Meeting>,
    shown: Arc<Shown>,
}

#[derive(Debug, Default)]
struct Shown {
    /// A slide that is on several projectors is rendered once.
    slides: BTreeMap<SlideKey, Arc<RenderedSlide>>,
    projectors: BTreeMap<ProjectorId, ShownProjector>,
}

/// What a slide depends on besides the meeting.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct SlideKey {
    /// `None`: it looks the same on all of them.
    projector: Option<ProjectorId>,
    entry: Arc<str>,
}

#[derive(Clone, Debug)]
struct ShownProjector {
    json: Arc<str>,
    digest: Digest,
    slides: Arc<[SlideKey]>,
}

/// Stands for the content of a projector: all that is remembered of it for each connection. (Keeping the content itself
/// would let every slow connection keep it alive.)
pub(super) type Digest = [u64; 2];

/// What a line says about a board. Listeners differ in which projectors they ask for, which is a handful of
/// combinations.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ProjectorLine(pub(super) Box<[LinePart]>);

/// One projector in a line: with its content, or `null`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct LinePart {
    pub(super) projector: ProjectorId,
    pub(super) is_null: bool,
}

/// What the board knows about a projector.
pub(super) enum Projection {
    /// There is no such projector.
    Missing,
    /// Unknown, because it had no listeners when the board was made.
    NotRendered,
    /// It shows something with this digest.
    Shown(Digest),
}

/// The next board, and what changed on it.
#[derive(Debug)]
pub struct Advanced {
    /// The board of the newer version.
    pub board: ProjectorBoard,
    /// The listeners whose next line may be affected.
    pub changes: Changes,
    /// What is wrong with slides that were just rendered.
    pub diagnostics: Vec<Diagnostic>,
}

impl ProjectorBoard {
    /// Returns a board on which nothing is rendered, because nobody listens.
    #[must_use]
    pub fn new(meeting: Arc<Meeting>) -> Self {
        Self { meeting, shown: Arc::default() }
    }

    /// Returns the meeting that it shows.
    #[must_use]
    pub fn meeting(&self) -> &Arc<Meeting> {
        &self.meeting
    }

    /// Returns the board of a newer version, with the projectors `wanted` by those who listen now.
    ///
    /// Only slides are rendered that are new or depend on something that changed. With the same meeting, and
    /// [`Written::Keys`] of nothing, this adds projectors to the board that nobody asked for before.
    #[must_use]
    pub fn advance(&self, meeting: Arc<Meeting>, written: Written<'_>, wanted: &BTreeSet<ProjectorId>) -> Advanced {
        let between = Between { before: &self.meeting, after: &meeting, written };
        let ids: Vec<ProjectorId> = meeting
            .elements(Collection::Projector)
            .map(|element| ProjectorId(element.key().id.0))
            .filter(|id| wanted.contains(id) && exists(&meeting, *id))
            .collect();
        let slides = self.shown.slides.iter();
        let stale: BTreeSet<&SlideKey> =
            slides.filter(|(_, slide)| between.touches(&slide.dependencies)).map(|(key, _)| key).collect();
        let mut diagnostics = Vec::new();
        let mut changes = between.permission_changes();

        let is_as_before = stale.is_empty()
            && self.shown.projectors.keys().eq(&ids)
            && !ids.iter().any(|id| between.touches_element(ElementKey::projector(*id)));
        let shown = if is_as_before {
            Arc::clone(&self.shown)
        } else {
            let shown = self.shown.renewed(&between, &ids, &stale, &mut diagnostics);
            changes.projectors = self.shown.differences(&shown, wanted);
            Arc::new(shown)
        };
        let board = Self { meeting, shown };
        Advanced { board, changes, diagnostics }
    }

    /// Returns whether all of `ids` that exist are on the board. If not, it must be advanced with them for a new
    /// connection.
    #[must_use]
    pub fn shows(&self, ids: &ProjectorIds) -> bool {
        !ids.iter().any(|id| matches!(self.projection(id), Projection::NotRendered))
    }

    /// Returns the list of slides that a projector shows; `None` if there is no such projector, or nobody asked for it.
    #[must_use]
    pub fn json(&self, projector: ProjectorId) -> Option<&Arc<str>> {
        self.shown.json(projector)
    }

    pub(super) fn projection(&self, projector: ProjectorId) -> Projection {
        match self.shown.projectors.get(&projector) {
            Some(shown) => Projection::Shown(shown.digest),
            None if exists(&self.meeting, projector) => Projection::NotRendered,
            None => Projection::Missing,
        }
    }

    /// Returns the text of a line, ended by `\n`.
    #[must_use]
    pub fn text(&self, line: &ProjectorLine) -> String {
        let mut data = Object::new();
        for part in &line.0 {
            let json = self.shown.json(part.projector).filter(|_| !part.is_null);
            data.add(&part.projector.to_string(), json.map_or("null", |json| json));
        }
        let change_id = self.meeting.change_id().to_string();
        Object::new().with("change_id", &change_id).with("data", &data.finish()).finish() + "\n"
    }
}

impl Shown {
    fn renewed(
        &self,
        between: &Between<'_>,
        ids: &[ProjectorId],
        stale: &BTreeSet<&SlideKey>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Self {
        let mut renewed = Self::default();
        for id in ids {
            let old = self.projectors.get(id);
            let projector = match old {
                Some(old) if !between.touches_element(ElementKey::projector(*id)) && !old.shows_one_of(stale) => {
                    let slides = old.slides.iter();
                    let slides = slides.filter_map(|key| self.slides.get_key_value(key));
                    renewed.slides.extend(slides.map(|(key, slide)| (key.clone(), Arc::clone(slide))));
                    old.clone()
                }
                _ => {
                    let reusable = |key: &SlideKey| self.slides.get(key).filter(|_| !stale.contains(key));
                    let Some(new) = renewed.render(between.after, *id, reusable, diagnostics) else { continue };
                    match old {
                        Some(old) if old.json == new.json => ShownProjector { slides: new.slides, ..old.clone() },
                        _ => new,
                    }
                }
            };
            renewed.projectors.insert(*id, projector);
        }
        renewed
    }

    /// Renders a projector, using the slides that are there already or are `reusable`.
    fn render<'a>(
        &mut self,
        meeting: &Meeting,
        id: ProjectorId,
        reusable: impl Fn(&SlideKey) -> Option<&'a Arc<RenderedSlide>>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<ShownProjector> {
        let mut keys = Vec::new();
        let json = composed(meeting, id, diagnostics, |_, entry| {
            let key = SlideKey::new(id, entry);
            keys.push(key.clone());
            if let Some(known) = self.slides.get(&key).or_else(|| reusable(&key)) {
                let known = Slide { rendered: Arc::clone(known), diagnostic: None };
                self.slides.insert(key, Arc::clone(&known.rendered));
                return known;
            }
            let rendered = Arc::new(render_slide(meeting, ElementKey::projector(id), entry));
            self.slides.insert(key, Arc::clone(&rendered));
            Slide { diagnostic: rendered.diagnostic.clone(), rendered }
        })?;
        Some(ShownProjector { digest: digest(json.as_bytes()), json, slides: keys.into() })
    }

    fn differences(&self, newer: &Self, wanted: &BTreeSet<ProjectorId>) -> Vec<ProjectorId> {
        let ids: BTreeSet<_> = self.projectors.keys().chain(newer.projectors.keys()).copied().collect();
        ids.into_iter().filter(|id| wanted.contains(id) && self.json(*id) != newer.json(*id)).collect()
    }

    fn json(&self, projector: ProjectorId) -> Option<&Arc<str>> {
        self.projectors.get(&projector).map(|shown| &shown.json)
    }
}

impl ShownProjector {
    fn shows_one_of(&self, slides: &BTreeSet<&SlideKey>) -> bool {
        self.slides.iter().any(|key| slides.contains(key))
    }
}

impl SlideKey {
    fn new(projector: ProjectorId, entry: &str) -> Self {
        let reads_its_projector = slide_name(entry).is_some_and(|name| name.reads_its_projector());
        Self { projector: reads_its_projector.then_some(projector), entry: entry.into() }
    }
}

fn digest(bytes: &[u8]) -> Digest {
    // Not `RandomState`: equal content must have equal digests on every board.
    [0, 1].map(|seed| {
        let mut hasher = DefaultHasher::new();
        hasher.write_u8(seed);
        hasher.write(bytes);
        hasher.finish()
    })
}
