//! Which motions does a recommendation name? (spec: projector.md#motion)

use std::borrow::Cow;

use crate::ids::ElementId;
use crate::json::{Fields, inside};

/// The field that names them.
pub(crate) const EXTENSION: &str = "recommendation_extension";

/// Returns the ids for which the recommendation of a motion contains `[motion:<id>]`; none if it is not a string.
pub(super) fn of_fields(motion: &Fields<'_>) -> Box<[ElementId]> {
    let Some(text) = motion.get(EXTENSION).and_then(decoded) else {
        return Box::default();
    };
    // An id has no leading zeros.
    ids(&text).filter(|id| !id.starts_with('0')).filter_map(|id| id.parse().ok().map(ElementId)).collect()
}

/// Does the same as [`of_fields`] for the text of the element.
pub(crate) fn of_motion(json: &str) -> Box<[ElementId]> {
    Fields::of(json).map(|fields| of_fields(&fields)).unwrap_or_default()
}

/// Returns the content of a JSON string; `None` if it is not one.
pub(crate) fn decoded(json: &str) -> Option<Cow<'_, str>> {
    let raw = inside(json)?;
    // A string with half a surrogate pair cannot be decoded, but what it names is found all the same.
    Some(serde_json::from_str::<String>(json).map_or(Cow::Borrowed(raw), Cow::Owned))
}

/// Returns the digits of every `[motion:<digits>]` in a text, in order.
pub(crate) fn ids(text: &str) -> impl Iterator<Item = &str> {
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
