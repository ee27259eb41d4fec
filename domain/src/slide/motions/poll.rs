//! What does the slide of a vote on a motion show? (spec: projector.md#motion-poll)

use crate::collection::Collection;
use crate::slide::error::SlideError;
use crate::slide::lookup::Lookup;
use crate::slide::node::Node;
use crate::slide::polls::{add_votes, is_published};
use crate::slide::text::{Object, list};
use crate::slide::{Slide, SlideName};

pub(in crate::slide) fn poll(slide: &Slide<'_, '_>) -> Result<String, SlideError> {
    const COPIED: [&str; 7] = [
        "title",
        "type",
        "pollmethod",
        "state",
        "onehundred_percent_base",
        "majority_method",
        "entitled_users_at_stop",
    ];
    let lookup = slide.lookup;
    let poll = slide.named_element(SlideName::MotionPoll, Collection::MotionPoll)?;
    let motion = lookup
        .follow(&poll, "motion_id", Collection::Motion)?
        .ok_or_else(|| SlideError::missing(Collection::Motion, &poll.trail_by("motion_id")))?;

    let mut data = Object::new();
    poll.copy_to(&mut data, &COPIED);
    if is_published(&poll)? {
        data.add("options", &list(first_option(lookup, &poll)?));
        poll.copy_to(&mut data, &["votesvalid", "votesinvalid", "votescast"]);
    }
    Ok(Object::new().with("motion", &motion.copy(&["title", "identifier"])).with("poll", &data.finish()).finish())
}

/// Returns the votes of the only option that a vote on a motion has.
fn first_option(lookup: &Lookup<'_>, poll: &Node<'_>) -> Result<Option<String>, SlideError> {
    const OPTIONS: &str = "options_id";
    let Some(id) = poll.integers(OPTIONS)?.first().copied() else {
        return Ok(None);
    };
    let option = lookup.require(Collection::MotionOption, id, poll.trail_by(OPTIONS))?;
    let mut votes = Object::new();
    add_votes(&mut votes, &option);
    Ok(Some(votes.finish()))
}
