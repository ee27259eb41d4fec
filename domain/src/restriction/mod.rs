//! Who sees what? One rule a collection; what no rule shows is hidden (spec: restriction.md).
//!
//! Rules are pure and cannot fail. They read facts that were parsed when the element arrived, never its text. There is
//! no other path by which anything becomes visible.

mod agenda;
mod assignments;
mod chat;
mod core;
mod mediafiles;
mod motions;
mod polls;
#[cfg(test)]
mod tests;
mod topics;
mod users;
pub mod view;
pub mod viewer;

use std::slice;

use crate::collection::Collection as C;
use crate::element::Element;
use crate::element::facts::Facts;
use crate::ids::UserId;
use crate::permission::PermissionSet;
use view::View;
use viewer::Viewer;

/// What `viewer` sees of an element that is `required_by` these permissions (which matters for users alone).
pub(crate) fn rule(viewer: &Viewer, element: &Element, required_by: PermissionSet) -> View {
    let facts = element.facts();
    if *facts == Facts::Unreadable {
        return View::Hidden;
    }
    match element.key().collection {
        C::AgendaItem => agenda::item(viewer, facts),
        C::ListOfSpeakers => agenda::list_of_speakers(viewer, facts),
        C::Assignment => assignments::assignment(viewer),
        C::AssignmentOption => polls::option(viewer, facts, &polls::ASSIGNMENTS),
        C::AssignmentPoll => polls::poll(viewer, facts, &polls::ASSIGNMENTS),
        C::AssignmentVote => polls::vote(viewer, facts, &polls::ASSIGNMENTS),
        C::ChatGroup => chat::group_or_message(viewer, facts),
        C::ChatMessage => chat::group_or_message(viewer, facts),
        C::Config => core::everyone(),
        C::Countdown => core::on_projectors(viewer),
        C::ProjectionDefault => core::on_projectors(viewer),
        C::Projector => core::on_projectors(viewer),
        C::ProjectorMessage => core::on_projectors(viewer),
        C::Tag => core::everyone(),
        C::Mediafile => mediafiles::mediafile(viewer, facts),
        C::Category => motions::of_all_motions(viewer),
        C::Motion => motions::motion(viewer, facts),
        C::MotionBlock => motions::block_or_change_recommendation(viewer, facts),
        C::MotionChangeRecommendation => motions::block_or_change_recommendation(viewer, facts),
        C::MotionCommentSection => motions::comment_section(viewer, facts),
        C::MotionOption => polls::option(viewer, facts, &polls::MOTIONS),
        C::MotionPoll => polls::poll(viewer, facts, &polls::MOTIONS),
        C::MotionVote => polls::vote(viewer, facts, &polls::MOTIONS),
        C::State => motions::of_all_motions(viewer),
        C::StatuteParagraph => motions::of_all_motions(viewer),
        C::Workflow => motions::of_all_motions(viewer),
        C::Topic => topics::topic(viewer),
        C::Group => core::everyone(),
        C::PersonalNote => users::personal_note(viewer, facts),
        C::User => users::user(viewer, UserId(element.key().id.0), required_by),
    }
}

/// The users for whom the rule of the element may decide otherwise than for others of the same standing: those it asks
/// about with `u` (and with the users who delegated their vote to `u`).
#[must_use]
pub fn named_users(element: &Element) -> Vec<UserId> {
    match element.facts() {
        Facts::ListOfSpeakers { speakers, has_notes } if *has_notes => speakers.to_vec(),
        Facts::Motion(motion) if motion.opened_to_submitters => motion.submitters.to_vec(),
        Facts::Poll { voted, .. } => voted.to_vec(),
        Facts::Vote { user, delegated_user, .. } => user.iter().chain(delegated_user).copied().collect(),
        Facts::PersonalNote { user } => user.iter().copied().collect(),
        Facts::User(_) => slice::from_ref(&UserId(element.key().id.0)).to_vec(),
        _ => Vec::new(),
    }
}

fn whole_if(visible: bool) -> View {
    if visible { View::Whole } else { View::Hidden }
}
