//! Which motions does a recommendation name? (spec: projector.md, `[motion:<id>]`)

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::collection::Collection;
use crate::ids::ElementId;
use crate::json::{FieldError, Fields};
use crate::slide::error::SlideError;
use crate::slide::lookup::Lookup;
use crate::slide::node::Node;
use crate::slide::text::{Object, inside};

const EXTENSION: &str = "recommendation_extension";

/// The title and identifier of motions, by their id.
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

/// The object of referenced motions.
pub(super) fn referenced_motions(referenced: &ReferencedMotions) -> String {
    let mut object = Object::new();
    for (id, motion) in referenced {
        object.add(&id.to_string(), motion);
    }
    object.finish()
}

/// The ids for which the recommendation of a motion contains `[motion:<id>]`; none if it is not a text.
pub(crate) fn of_fields(motion: &Fields<'_>) -> Box<[ElementId]> {
    let Some(text) = motion.get(EXTENSION).and_then(decoded) else {
        return Box::default();
    };
    // An id is written without zeros in front of it.
    ids(&text).filter(|id| !id.starts_with('0')).filter_map(|id| id.parse().ok().map(ElementId)).collect()
}

/// As [`of_fields`], of the text of the element.
pub(crate) fn of_motion(json: &str) -> Box<[ElementId]> {
    Fields::of(json).map(|fields| of_fields(&fields)).unwrap_or_default()
}

fn decoded(json: &str) -> Option<Cow<'_, str>> {
    let raw = inside(json)?;
    // A text with half a surrogate pair cannot be decoded; what it names is found all the same.
    Some(serde_json::from_str::<String>(json).map_or(Cow::Borrowed(raw), Cow::Owned))
}

/// The digits of every `[motion:<digits>]` of a text, in its order.
fn ids(text: &str) -> impl Iterator<Item = &str> {
    text.split("[motion:").skip(1).filter_map(|rest| {
        let (id, _) = rest.split_once(']')?;
        (!id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit())).then_some(id)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        assert_eq!(ids(text).collect::<Vec<_>>(), expected, "{text:?}");
    }

    #[test]
    fn references_are_found_wherever_they_stand() {
        check("", &[]);
        check("[motion:1]", &["1"]);
        check("if [motion:2] is accepted, [motion:2] and [motion:130]", &["2", "2", "130"]);
        check("[motion:[motion:5]]", &["5"]);
        check("[motion:][motion:x][motion:1x][motion:-1][motion: 1][motion:1", &[]);
        check("[Motion:1] motion:1] [motions:1]", &[]);
        check("[motion:007][motion:99999999999999999999999]", &["007", "99999999999999999999999"]);
    }

    #[test]
    fn a_motion_refers_by_the_text_of_its_extension() {
        let of = |json: &str| of_motion(json).iter().map(|id| id.0).collect::<Vec<_>>();
        assert_eq!(of(r#"{"recommendation_extension":"a [motion:3] [motion:007] [motion:4]"}"#), [3, 4]);
        assert_eq!(of(r#"{"recommendation_extension":"\u005bmotion:3\u005d"}"#), [3]);
        assert_eq!(of(r#"{"recommendation_extension":"\ud800[motion:3]"}"#), [3]);
        assert_eq!(of(r#"{"recommendation_extension":["[motion:3]"]}"#), [] as [u64; 0]);
        assert_eq!(of(r#"{"recommendation_extension":null,"text":"[motion:3]"}"#), [] as [u64; 0]);
        assert_eq!(of("null"), [] as [u64; 0]);
    }
}
