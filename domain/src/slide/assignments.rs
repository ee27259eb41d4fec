//! What do the slides of elections and their polls show? (spec: projector.md#assignment, projector.md#assignment-poll)

use std::cmp::Reverse;

use super::error::SlideError;
use super::lookup::Lookup;
use super::node::Node;
use super::polls::{add_votes, amount, is_published};
use super::text::{Object, list, quoted};
use super::users::{full_name_of, names_by_weight};
use super::{Slide, SlideName};
use crate::collection::Collection;

pub(super) fn assignment(slide: &Slide<'_, '_>) -> Result<String, SlideError> {
    let assignment = slide.named_element(SlideName::Assignment, Collection::Assignment)?;
    let mut data = Object::new();
    assignment.copy_to(&mut data, &["title", "phase", "open_posts", "description", "number_poll_candidates"]);
    let users = names_by_weight(slide.lookup, &assignment, "assignment_related_users")?;
    let users = users.iter().map(|name| Object::new().with("user", name).finish());
    data.add("assignment_related_users", &list(users));
    Ok(data.finish())
}

pub(super) fn poll(slide: &Slide<'_, '_>) -> Result<String, SlideError> {
    const COPIED: [&str; 10] = [
        "title",
        "type",
        "pollmethod",
        "min_votes_amount",
        "max_votes_amount",
        "description",
        "state",
        "onehundred_percent_base",
        "majority_method",
        "entitled_users_at_stop",
    ];
    let lookup = slide.lookup;
    let poll = slide.named_element(SlideName::AssignmentPoll, Collection::AssignmentPoll)?;
    let assignment = lookup
        .follow(&poll, "assignment_id", Collection::Assignment)?
        .ok_or_else(|| SlideError::missing(Collection::Assignment, &poll.trail_by("assignment_id")))?;

    let published = is_published(&poll)?;
    let mut data = Object::new();
    poll.copy_to(&mut data, &COPIED);
    data.add("options", &list(options(lookup, &poll, published)?));
    if published {
        for name in ["amount_global_yes", "amount_global_no", "amount_global_abstain"] {
            data.add(name, amount(poll.copied(name)));
        }
        poll.copy_to(&mut data, &["votesvalid", "votesinvalid", "votescast"]);
    }
    Ok(Object::new().with("assignment", &assignment.copy(&["title"])).with("poll", &data.finish()).finish())
}

fn options(lookup: &Lookup<'_>, poll: &Node<'_>, with_votes: bool) -> Result<Vec<String>, SlideError> {
    let mut options = Vec::new();
    for option in lookup.follow_existing(poll, "options_id", Collection::AssignmentOption)? {
        let weight = option.integer("weight")?.unwrap_or_default();
        let user = option.integer("user_id")?.unwrap_or_default();
        options.push((weight, Reverse(user), option));
    }
    options.sort_by_key(|(weight, user, _)| (*weight, *user));
    options.iter().map(|(_, _, option)| candidate(lookup, option, with_votes)).collect()
}

fn candidate(lookup: &Lookup<'_>, option: &Node<'_>, with_votes: bool) -> Result<String, SlideError> {
    let name = match lookup.follow_if_exists(option, "user_id", Collection::User)? {
        Some(user) => full_name_of(&user)?,
        None => String::new(),
    };
    let user = Object::new().with("short_name", &quoted(&name)).finish();
    let mut data = Object::new().with("user", &user);
    if with_votes {
        add_votes(&mut data, option);
    }
    Ok(data.finish())
}
