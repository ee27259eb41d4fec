//! Who sees what? One rule a collection; what no rule shows is hidden (spec: restriction.md#unknown-collections).
//!
//! Rules are pure and cannot fail. They read facts that were parsed when the element arrived, never its text. There is
//! no other path by which anything becomes visible. A rule that asks for a user gets at it only through the users that
//! the element declares to be about (`rule::Rule`).

mod agenda;
mod assignments;
mod chat;
mod everyone;
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
use crate::element::rule_inputs::RuleInputs;
use crate::ids::UserId;
use crate::permission::PermissionSet;
pub(crate) use rule::About;
use rule::Rule::{self, ByProfile, ByUser};
use rule::{Subject, Ties};
use view::View;
use viewer::{AccessProfile, Viewer};

/// What `viewer` sees of an element that is `required_by` these permissions (which matters for users alone).
pub(crate) fn decide(viewer: &Viewer, element: &Element, required_by: PermissionSet) -> View {
    let subject = Subject { inputs: element.rule_inputs(), required_by };
    match rule(element) {
        ByProfile(decide) => decide(viewer.profile(), &subject),
        ByUser(about, decide) => decide(viewer.profile(), &subject, &Ties::of(viewer, about)),
    }
}

/// The users for whom the rule of the element may decide otherwise than for others with the same access profile.
pub(crate) fn affected_users(element: &Element) -> About<'_> {
    match rule(element) {
        ByProfile(_) => About::NOBODY,
        ByUser(about, _) => about,
    }
}

fn rule(element: &Element) -> Rule<'_> {
    let inputs = element.rule_inputs();
    if *inputs == RuleInputs::Unreadable {
        return ByProfile(nobody);
    }
    match element.key().collection {
        C::AgendaItem => ByProfile(agenda::item),
        C::ListOfSpeakers => ByUser(agenda::speakers_with_notes(inputs), agenda::list_of_speakers),
        C::Assignment => ByProfile(assignments::assignment),
        C::AssignmentOption => ByProfile(|profile, subject| polls::option(profile, subject, &polls::ASSIGNMENTS)),
        C::AssignmentPoll => ByUser(polls::voters(inputs), |profile, subject, ties| {
            polls::poll(profile, subject, ties, &polls::ASSIGNMENTS)
        }),
        C::AssignmentVote => ByUser(polls::users_of_vote(inputs), |profile, subject, ties| {
            polls::vote(profile, subject, ties, &polls::ASSIGNMENTS)
        }),
        C::ChatGroup => ByProfile(chat::group_or_message),
        C::ChatMessage => ByProfile(chat::group_or_message),
        C::Config => ByProfile(everyone::everyone),
        C::Countdown => ByProfile(everyone::on_projectors),
        C::ProjectionDefault => ByProfile(everyone::on_projectors),
        C::Projector => ByProfile(everyone::on_projectors),
        C::ProjectorMessage => ByProfile(everyone::on_projectors),
        C::Tag => ByProfile(everyone::everyone),
        C::Mediafile => ByProfile(mediafiles::mediafile),
        C::Category => ByProfile(motions::of_all_motions),
        C::Motion => ByUser(motions::submitters_with_access(inputs), motions::motion),
        C::MotionBlock => ByProfile(motions::block_or_change_recommendation),
        C::MotionChangeRecommendation => ByProfile(motions::block_or_change_recommendation),
        C::MotionCommentSection => ByProfile(motions::comment_section),
        C::MotionOption => ByProfile(|profile, subject| polls::option(profile, subject, &polls::MOTIONS)),
        C::MotionPoll => {
            ByUser(polls::voters(inputs), |profile, subject, ties| polls::poll(profile, subject, ties, &polls::MOTIONS))
        }
        C::MotionVote => ByUser(polls::users_of_vote(inputs), |profile, subject, ties| {
            polls::vote(profile, subject, ties, &polls::MOTIONS)
        }),
        C::State => ByProfile(motions::of_all_motions),
        C::StatuteParagraph => ByProfile(motions::of_all_motions),
        C::Workflow => ByProfile(motions::of_all_motions),
        C::Topic => ByProfile(topics::topic),
        C::Group => ByProfile(everyone::everyone),
        C::PersonalNote => ByUser(users::owner_of_note(inputs), users::personal_note),
        C::User => ByUser(About::Either([Some(UserId(element.key().id.0)), None]), users::user),
    }
}

/// The rule of what cannot be read.
fn nobody(_: &AccessProfile, _: &Subject<'_>) -> View {
    View::Hidden
}

fn whole_if(visible: bool) -> View {
    if visible { View::Whole } else { View::Hidden }
}
