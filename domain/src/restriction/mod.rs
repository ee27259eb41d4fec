//! Who sees what? One rule a collection; what no rule shows is hidden (spec: restriction.md).
//!
//! Rules are pure and cannot fail. They read facts that were parsed when the element arrived, never its text. There is
//! no other path by which anything becomes visible. A rule that asks for a user gets at it only through the users that
//! the element declares to be about (`rule::Rule`).

mod agenda;
mod assignments;
mod chat;
mod core;
mod mediafiles;
mod motions;
mod polls;
mod rule;
#[cfg(test)]
mod tests;
mod topics;
mod users;
pub mod view;
pub mod viewer;

use crate::collection::Collection as C;
use crate::element::Element;
use crate::element::facts::Facts;
use crate::ids::UserId;
use crate::permission::PermissionSet;
pub(crate) use rule::About;
use rule::Rule::{self, ByRights, ByUser};
use rule::{Subject, Ties};
use view::View;
use viewer::{Standing, Viewer};

/// What `viewer` sees of an element that is `required_by` these permissions (which matters for users alone).
pub(crate) fn decide(viewer: &Viewer, element: &Element, required_by: PermissionSet) -> View {
    let subject = Subject { facts: element.facts(), required_by };
    match rule(element) {
        ByRights(decide) => decide(viewer.standing(), &subject),
        ByUser(about, decide) => decide(viewer.standing(), &subject, &Ties::of(viewer, about)),
    }
}

/// The users for whom the rule of the element may decide otherwise than for others of the same standing.
pub(crate) fn named_users(element: &Element) -> About<'_> {
    match rule(element) {
        ByRights(_) => About::NOBODY,
        ByUser(about, _) => about,
    }
}

fn rule(element: &Element) -> Rule<'_> {
    let facts = element.facts();
    if *facts == Facts::Unreadable {
        return ByRights(nobody);
    }
    match element.key().collection {
        C::AgendaItem => ByRights(agenda::item),
        C::ListOfSpeakers => ByUser(agenda::speakers_with_notes(facts), agenda::list_of_speakers),
        C::Assignment => ByRights(assignments::assignment),
        C::AssignmentOption => ByRights(|standing, subject| polls::option(standing, subject, &polls::ASSIGNMENTS)),
        C::AssignmentPoll => ByUser(polls::voters(facts), |standing, subject, ties| {
            polls::poll(standing, subject, ties, &polls::ASSIGNMENTS)
        }),
        C::AssignmentVote => ByUser(polls::users_of_vote(facts), |standing, subject, ties| {
            polls::vote(standing, subject, ties, &polls::ASSIGNMENTS)
        }),
        C::ChatGroup => ByRights(chat::group_or_message),
        C::ChatMessage => ByRights(chat::group_or_message),
        C::Config => ByRights(core::everyone),
        C::Countdown => ByRights(core::on_projectors),
        C::ProjectionDefault => ByRights(core::on_projectors),
        C::Projector => ByRights(core::on_projectors),
        C::ProjectorMessage => ByRights(core::on_projectors),
        C::Tag => ByRights(core::everyone),
        C::Mediafile => ByRights(mediafiles::mediafile),
        C::Category => ByRights(motions::of_all_motions),
        C::Motion => ByUser(motions::submitters_with_access(facts), motions::motion),
        C::MotionBlock => ByRights(motions::block_or_change_recommendation),
        C::MotionChangeRecommendation => ByRights(motions::block_or_change_recommendation),
        C::MotionCommentSection => ByRights(motions::comment_section),
        C::MotionOption => ByRights(|standing, subject| polls::option(standing, subject, &polls::MOTIONS)),
        C::MotionPoll => ByUser(polls::voters(facts), |standing, subject, ties| {
            polls::poll(standing, subject, ties, &polls::MOTIONS)
        }),
        C::MotionVote => ByUser(polls::users_of_vote(facts), |standing, subject, ties| {
            polls::vote(standing, subject, ties, &polls::MOTIONS)
        }),
        C::State => ByRights(motions::of_all_motions),
        C::StatuteParagraph => ByRights(motions::of_all_motions),
        C::Workflow => ByRights(motions::of_all_motions),
        C::Topic => ByRights(topics::topic),
        C::Group => ByRights(core::everyone),
        C::PersonalNote => ByUser(users::owner_of_note(facts), users::personal_note),
        C::User => ByUser(About::Either([Some(UserId(element.key().id.0)), None]), users::user),
    }
}

/// The rule of what cannot be read.
fn nobody(_: &Standing, _: &Subject<'_>) -> View {
    View::Hidden
}

fn whole_if(visible: bool) -> View {
    if visible { View::Whole } else { View::Hidden }
}
