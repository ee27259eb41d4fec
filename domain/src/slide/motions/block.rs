//! What does the slide of a motion block show? (spec: projector.md#motion-block)

use super::references::{ReferencedMotions, add_referenced_motions, referenced_motions};
use crate::collection::Collection;
use crate::slide::error::SlideError;
use crate::slide::lookup::Lookup;
use crate::slide::node::Node;
use crate::slide::text::{Object, list};
use crate::slide::{Slide, SlideName};

pub(in crate::slide) fn block(slide: &Slide<'_, '_>) -> Result<String, SlideError> {
    let lookup = slide.lookup;
    let block = slide.named_element(SlideName::MotionBlock, Collection::MotionBlock)?;
    let mut referenced = ReferencedMotions::new();
    let motions = lookup.follow_all(&block, "motions_id", Collection::Motion)?;
    let motions: Result<Vec<_>, _> = motions.iter().map(|motion| entry(lookup, motion, &mut referenced)).collect();
    Ok(Object::new()
        .with("title", block.copied("title"))
        .with("motions", &list(motions?))
        .with("referenced_motions", &referenced_motions(&referenced))
        .finish())
}

fn entry(lookup: &Lookup<'_>, motion: &Node<'_>, referenced: &mut ReferencedMotions) -> Result<String, SlideError> {
    let mut entry = Object::new();
    motion.copy_to(&mut entry, &["title", "identifier"]);
    if let Some(state) = lookup.follow(motion, "recommendation_id", Collection::State)? {
        let recommendation = Object::new()
            .with("name", state.copied("recommendation_label"))
            .with("css_class", state.copied("css_class"))
            .finish();
        entry.add("recommendation", &recommendation);
        if state.boolean("show_recommendation_extension_field")? {
            entry.add("recommendation_extension", motion.copied("recommendation_extension"));
            add_referenced_motions(lookup, motion, referenced)?;
        }
    }
    Ok(entry.finish())
}
