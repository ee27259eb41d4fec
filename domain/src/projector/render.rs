//! What does a projector show, slide by slide?

use std::sync::Arc;

use serde_json::value::RawValue;

use crate::ids::{ElementKey, ProjectorId};
use crate::json::Fields;
use crate::meeting::Meeting;
use crate::slide::dependencies::Dependencies;
use crate::slide::{RenderedSlide, refused_slide, render_slide};

/// How many slides a projector shows. An entry beyond that is not rendered: it shows `Internal error`, which is logged.
pub const SLIDES_PER_PROJECTOR_MAX: usize = 256;

/// How many bytes of slides a projector shows. An entry that begins beyond that is not rendered: it shows `Internal
/// error`, which is logged. (Together with the limit on what one slide may read, this bounds a projector: otherwise
/// slides of the largest size could take all memory, and a line longer than a stream may be would end every stream,
/// over and over.)
pub const PROJECTOR_BYTES_MAX: usize = 32 << 20;

/// A projector as it is shown, and what it depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderedProjector {
    /// The list of its slides, as compact ASCII JSON. `None`: there is no such projector.
    pub json: Option<Arc<str>>,
    /// What it depends on, including the projector itself.
    pub dependencies: Dependencies,
    /// What is wrong with its slides.
    pub diagnostics: Vec<Diagnostic>,
}

/// Why a projector does not show what it should; for the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("projector {projector}, entry {entry} of `elements`: {problem}")]
pub struct Diagnostic {
    /// The first projector on which it was seen; the same slide may be on others.
    pub projector: ProjectorId,
    /// The position of the entry in the projector's `elements`, counted from 0.
    pub entry: usize,
    /// What is missing or wrong, and by which chain of references it was needed; names keys and fields, never values.
    pub problem: String,
}

/// Renders a projector with all its slides.
#[must_use]
pub fn render_projector(meeting: &Meeting, projector: ProjectorId) -> RenderedProjector {
    let key = ElementKey::projector(projector);
    let mut dependencies = Dependencies::of_element(key);
    let mut diagnostics = Vec::new();
    let json = composed(meeting, projector, &mut diagnostics, |_, entry| {
        let slide = Arc::new(render_slide(meeting, key, entry));
        dependencies.extend(&slide.dependencies);
        Slide { diagnostic: slide.diagnostic.clone(), rendered: slide }
    });
    RenderedProjector { json, dependencies, diagnostics }
}

/// A slide for an entry, and any new problem with it.
pub(super) struct Slide {
    pub(super) rendered: Arc<RenderedSlide>,
    pub(super) diagnostic: Option<String>,
}

/// Returns the list of the slides of a projector; `None` if there is no such projector. `slide` provides the slide for
/// an entry.
pub(super) fn composed(
    meeting: &Meeting,
    projector: ProjectorId,
    diagnostics: &mut Vec<Diagnostic>,
    mut slide: impl FnMut(usize, &str) -> Slide,
) -> Option<Arc<str>> {
    if !exists(meeting, projector) {
        return None;
    }
    let element = meeting.get(ElementKey::projector(projector))?;
    let mut note = |entry, problem| diagnostics.push(Diagnostic { projector, entry, problem });
    let Some(entries) = entries(element.json()) else {
        note(0, "field `elements` is not a list".to_owned());
        return Some("[]".into());
    };
    let mut json = "[".to_owned();
    let mut is_complete = true;
    for (index, entry) in entries.iter().map(|entry| entry.get()).enumerate() {
        if index > 0 {
            json.push(',');
        }
        let refusal = if index >= SLIDES_PER_PROJECTOR_MAX {
            format!("only {SLIDES_PER_PROJECTOR_MAX} slides are rendered, of {}", entries.len())
        } else if json.len() >= PROJECTOR_BYTES_MAX {
            format!("only {PROJECTOR_BYTES_MAX} bytes of slides are rendered, {index} slides of {}", entries.len())
        } else {
            let slide = slide(index, entry);
            json.push_str(&slide.rendered.json);
            if let Some(problem) = slide.diagnostic {
                note(index, problem);
            }
            continue;
        };
        json.push_str(&refused_slide(entry).json);
        if std::mem::take(&mut is_complete) {
            note(index, refusal);
        }
    }
    json.push(']');
    Some(json.into())
}

/// Returns whether there is a projector with that id. One that is not a JSON object cannot be read, and counts as
/// missing.
pub(super) fn exists(meeting: &Meeting, projector: ProjectorId) -> bool {
    meeting.get(ElementKey::projector(projector)).is_some_and(|element| element.json().starts_with('{'))
}

/// Returns the texts of the projector's entries; `None` if they cannot be read.
fn entries(projector: &str) -> Option<Vec<&RawValue>> {
    match Fields::of(projector)?.get("elements") {
        None => Some(Vec::new()),
        Some(list) => serde_json::from_str(list).ok(),
    }
}
