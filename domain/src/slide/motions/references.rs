//! What does a slide show of the motions that a recommendation names? (spec: projector.md#motion)

use std::collections::BTreeMap;

use crate::collection::Collection;
use crate::element::references::{EXTENSION, decoded, ids};
use crate::json::FieldError;
use crate::slide::error::SlideError;
use crate::slide::lookup::Lookup;
use crate::slide::node::Node;
use crate::slide::text::Object;

/// The title and identifier of motions, by id.
pub(super) type ReferencedMotions = BTreeMap<u64, String>;

/// Adds the motions that the recommendation of `motion` names, if they exist.
pub(super) fn add_referenced_motions(
    lookup: &Lookup<'_>,
    motion: &Node<'_>,
    referenced: &mut ReferencedMotions,
) -> Result<(), SlideError> {
    let extension = motion.copied(EXTENSION);
    if extension == "null" {
        return Ok(());
    }
    let text = decoded(extension).ok_or_else(|| motion.wrong(&FieldError::new(EXTENSION, "is not a string")))?;
    for id in ids(&text).filter_map(|id| id.parse().ok()) {
        if referenced.contains_key(&id) {
            continue;
        }
        let id_as_read = i64::try_from(id).unwrap_or_default();
        if let Some(named) = lookup.find_id(Collection::Motion, id_as_read, motion.trail_by(EXTENSION))? {
            referenced.insert(id, named.copy(&["title", "identifier"]));
        }
    }
    Ok(())
}

/// Returns the object of referenced motions.
pub(super) fn referenced_motions(referenced: &ReferencedMotions) -> String {
    let mut object = Object::new();
    for (id, motion) in referenced {
        object.add(&id.to_string(), motion);
    }
    object.finish()
}
