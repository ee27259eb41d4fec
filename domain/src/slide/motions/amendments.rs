//! What does the slide of a motion show of its amendments? (spec: projector.md#motion)

use crate::collection::Collection;
use crate::slide::error::SlideError;
use crate::slide::lookup::Lookup;
use crate::slide::node::Node;
use crate::slide::text::{Object, list};

const INTO_FINAL: &str = "merge_amendment_into_final";

/// Returns the change recommendations of a motion that are not internal.
pub(super) fn change_recommendations(lookup: &Lookup<'_>, motion: &Node<'_>) -> Result<String, SlideError> {
    let mut shown = Vec::new();
    for recommendation in
        lookup.follow_existing(motion, "change_recommendations_id", Collection::MotionChangeRecommendation)?
    {
        if !recommendation.boolean("internal")? {
            shown.push(recommendation.json());
        }
    }
    Ok(list(shown))
}

pub(super) fn amendments(lookup: &Lookup<'_>, motion: &Node<'_>) -> Result<String, SlideError> {
    let amendments = lookup.follow_all(motion, "amendments_id", Collection::Motion)?;
    let amendments: Result<Vec<_>, _> = amendments.iter().map(|amendment| entry(lookup, amendment)).collect();
    amendments.map(list)
}

fn entry(lookup: &Lookup<'_>, amendment: &Node<'_>) -> Result<String, SlideError> {
    let merged = merged(lookup, amendment)?;
    let mut entry = Object::new();
    amendment.copy_to(&mut entry, &["id", "identifier", "title", "amendment_paragraphs"]);
    entry.add("change_recommendations", &change_recommendations(lookup, amendment)?);
    entry.add("merge_amendment_into_diff", zero_or_one(merged.into_diff));
    entry.add("merge_amendment_into_final", zero_or_one(merged.into_final));
    Ok(entry.finish())
}

struct Merged {
    into_diff: bool,
    into_final: bool,
}

/// Returns how an amendment is merged into its motion: by its state or, where that leaves it open, by its
/// recommendation.
fn merged(lookup: &Lookup<'_>, amendment: &Node<'_>) -> Result<Merged, SlideError> {
    let Some(state) = lookup.follow(amendment, "state_id", Collection::State)? else {
        return Ok(Merged { into_diff: false, into_final: false });
    };
    Ok(match state.integer(INTO_FINAL)? {
        Some(1) => Merged { into_diff: true, into_final: true },
        Some(-1) => Merged { into_diff: false, into_final: false },
        _ => Merged { into_diff: is_recommended(lookup, amendment)?, into_final: false },
    })
}

fn is_recommended(lookup: &Lookup<'_>, amendment: &Node<'_>) -> Result<bool, SlideError> {
    match lookup.follow(amendment, "recommendation_id", Collection::State)? {
        Some(state) => Ok(state.integer(INTO_FINAL)? == Some(1)),
        None => Ok(false),
    }
}

const fn zero_or_one(value: bool) -> &'static str {
    if value { "1" } else { "0" }
}
