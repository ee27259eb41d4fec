//! What does the slide of a motion show? (spec: projector.md#motion)

use super::amendments::{amendments, change_recommendations};
use super::references::{ReferencedMotions, add_referenced_motions, referenced_motions};
use crate::collection::Collection;
use crate::json::inside;
use crate::slide::error::SlideError;
use crate::slide::lookup::Lookup;
use crate::slide::node::Node;
use crate::slide::text::{Object, boolean, list};
use crate::slide::users::names_by_weight;
use crate::slide::{Slide, SlideName};

const SHOWS_EXTENSION: &str = "show_recommendation_extension_field";

pub(in crate::slide) fn motion(slide: &Slide<'_, '_>) -> Result<String, SlideError> {
    let lookup = slide.lookup;
    let motion = slide.named_element(SlideName::Motion, Collection::Motion)?;
    let mut data = Object::new();
    motion.copy_to(&mut data, &["identifier", "title", "amendment_paragraphs"]);
    data.add("submitters", &list(names_by_weight(lookup, &motion, "submitters")?));
    add_relations(lookup, &motion, &mut data)?;
    data.add("show_meta_box", boolean(!lookup.config_is_true("motions_disable_sidebox_on_projector")));
    data.add("line_length", lookup.config("motions_line_length"));
    data.add("preamble", lookup.config("motions_preamble"));
    data.add("line_numbering_mode", lookup.config("motions_default_line_numbering"));
    add_referring_motions(lookup, &motion, &mut data)?;
    if is_final(slide)? {
        data.add("modified_final_version", motion.copied("modified_final_version"));
    }
    if !lookup.config_is_true("motions_disable_text_on_projector") {
        data.add("text", motion.copied("text"));
    }
    if !lookup.config_is_true("motions_disable_reason_on_projector") {
        data.add("reason", motion.copied("reason"));
    }
    if !lookup.config_is_true("motions_disable_recommendation_on_projector") {
        add_recommendation(lookup, &motion, &mut data)?;
    }
    Ok(data.finish())
}

/// Adds what the motion amends, and what amends it.
fn add_relations(lookup: &Lookup<'_>, motion: &Node<'_>, data: &mut Object) -> Result<(), SlideError> {
    let is_child = motion.has("parent_id");
    let is_statute_amendment = motion.has("statute_paragraph_id");
    let is_paragraph_amendment = is_child && motion.has("amendment_paragraphs");

    data.add("is_child", boolean(is_child));
    let statute = lookup.follow(motion, "statute_paragraph_id", Collection::StatuteParagraph)?;
    data.add("base_statute", &copy_or_null(statute.as_ref(), &["title", "text"]));
    let parent = if is_paragraph_amendment && !is_statute_amendment {
        lookup.follow(motion, "parent_id", Collection::Motion)?
    } else {
        None
    };
    data.add("base_motion", &copy_or_null(parent.as_ref(), &["identifier", "title", "text"]));
    data.add("change_recommendations", &change_recommendations(lookup, motion)?);
    let amendments =
        if is_statute_amendment || is_paragraph_amendment { "[]".to_owned() } else { amendments(lookup, motion)? };
    data.add("amendments", &amendments);
    Ok(())
}

fn copy_or_null(node: Option<&Node<'_>>, names: &[&str]) -> String {
    node.map_or_else(|| "null".to_owned(), |node| node.copy(names))
}

fn add_referring_motions(lookup: &Lookup<'_>, motion: &Node<'_>, data: &mut Object) -> Result<(), SlideError> {
    let shown = !lookup.config_is_true("motions_hide_referring_motions");
    data.add("show_referring_motions", boolean(shown));
    if !shown {
        return Ok(());
    }
    let mut referring = Vec::new();
    for other in lookup.motions_referring_to(motion.key().id)? {
        if shows_its_extension(lookup, &other)? {
            referring.push(other.copy(&["title", "identifier"]));
        }
    }
    let referring = if referring.is_empty() { "null".to_owned() } else { list(referring) };
    data.add("recommendation_referencing_motions", &referring);
    Ok(())
}

/// Returns whether the motion has a recommendation whose state shows the extension. A problem with another motion, or
/// its state, must not make this slide fail: then it has none.
fn shows_its_extension(lookup: &Lookup<'_>, motion: &Node<'_>) -> Result<bool, SlideError> {
    let Ok(Some(id)) = motion.integer("recommendation_id") else {
        return Ok(false);
    };
    let state = lookup.find_id(Collection::State, id, motion.trail_by("recommendation_id"))?;
    Ok(state.is_some_and(|state| state.boolean(SHOWS_EXTENSION) == Ok(true)))
}

fn is_final(slide: &Slide<'_, '_>) -> Result<bool, SlideError> {
    const FINAL: &str = "final";
    let mode = slide.entry.string("mode");
    let mode = mode.map_err(|error| SlideError::Internal(format!("the entry: {error}")))?.unwrap_or_default();
    Ok(match mode.as_str() {
        "" => inside(slide.lookup.config("motions_recommendation_text_mode")) == Some(FINAL),
        mode => mode == FINAL,
    })
}

fn add_recommendation(lookup: &Lookup<'_>, motion: &Node<'_>, data: &mut Object) -> Result<(), SlideError> {
    let Some(state) = lookup.follow(motion, "recommendation_id", Collection::State)? else {
        return Ok(());
    };
    let recommender = if motion.has("statute_paragraph_id") {
        "motions_statute_recommendations_by"
    } else {
        "motions_recommendations_by"
    };
    data.add("recommendation", state.copied("recommendation_label"));
    data.add("recommender", lookup.config(recommender));
    if state.boolean(SHOWS_EXTENSION)? {
        let mut referenced = ReferencedMotions::new();
        add_referenced_motions(lookup, motion, &mut referenced)?;
        data.add("recommendation_extension", motion.copied("recommendation_extension"));
        data.add("referenced_motions", &referenced_motions(&referenced));
    }
    Ok(())
}
