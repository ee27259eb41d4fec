//! Who sees what? One rule per collection; what no rule shows is hidden (spec: restriction.md#unknown-collections).
//!
//! Rules are pure and cannot fail. They read rule inputs that were parsed when the element arrived, never its text.
//! Nothing becomes visible in any other way. A rule that depends on the user only gets at it through the users that the
//! element declares to be about (`rule::Rule`).

mod agenda;
mod assignments;
mod chat;
mod everyone;
mod mediafiles;
mod motions;
mod polls;
pub mod rights;
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
use rights::{Answer, Rights, Trace};
pub(crate) use rule::About;
use rule::{Decides, Rule, Subject};
use view::View;
use viewer::Viewer;

/// Returns what `viewer` sees of an element that is `required_by` these permissions (which matters for users only).
pub(crate) fn decide(viewer: &Viewer, element: &Element, required_by: PermissionSet) -> View {
    rule(element).decide(viewer, &Subject { inputs: element.rule_inputs(), required_by }, Trace::OFF)
}

/// A decision, and how the rule came to it.
#[derive(Debug)]
pub(crate) struct Explained {
    pub(crate) view: View,
    /// The anchor of the rule in `docs/spec/restriction.md`.
    pub(crate) anchor: &'static str,
    /// What the rule asked, in order.
    pub(crate) answers: Vec<Answer>,
}

/// Decides as [`decide`] does, by the same rule, and records what it asked.
pub(crate) fn explain(viewer: &Viewer, element: &Element, required_by: PermissionSet) -> Explained {
    let (rule, trace) = (rule(element), Trace::on());
    let view = rule.decide(viewer, &Subject { inputs: element.rule_inputs(), required_by }, &trace);
    Explained { view, anchor: rule.anchor, answers: trace.answers() }
}

/// Returns the users for whom the rule of the element may decide differently than for others with the same access
/// profile.
pub(crate) fn affected_users(element: &Element) -> About<'_> {
    match rule(element).decides {
        Decides::ByProfile(_) => About::NOBODY,
        Decides::ByUser(about, _) => about,
    }
}

fn rule(element: &Element) -> Rule<'_> {
    let inputs = element.rule_inputs();
    if *inputs == RuleInputs::Unreadable {
        return Rule::by_profile("unreadable", nobody);
    }
    match element.key().collection {
        C::AgendaItem => Rule::by_profile("agenda-items", agenda::item),
        C::ListOfSpeakers => {
            Rule::by_user("lists-of-speakers", agenda::speakers_with_notes(inputs), agenda::list_of_speakers)
        }
        C::Assignment => Rule::by_profile("assignments", assignments::assignment),
        C::AssignmentOption => {
            Rule::by_profile("options", |rights, subject| polls::option(rights, subject, &polls::ASSIGNMENTS))
        }
        C::AssignmentPoll => Rule::by_user("polls", polls::voters(inputs), |rights, subject, ties| {
            polls::poll(rights, subject, ties, &polls::ASSIGNMENTS)
        }),
        C::AssignmentVote => Rule::by_user("votes", polls::users_of_vote(inputs), |rights, subject, ties| {
            polls::vote(rights, subject, ties, &polls::ASSIGNMENTS)
        }),
        C::ChatGroup => Rule::by_profile("chat", chat::group_or_message),
        C::ChatMessage => Rule::by_profile("chat", chat::group_or_message),
        C::Config => Rule::by_profile("everyone", everyone::everyone),
        C::Countdown => Rule::by_profile("projectors", everyone::on_projectors),
        C::ProjectionDefault => Rule::by_profile("projectors", everyone::on_projectors),
        C::Projector => Rule::by_profile("projectors", everyone::on_projectors),
        C::ProjectorMessage => Rule::by_profile("projectors", everyone::on_projectors),
        C::Tag => Rule::by_profile("everyone", everyone::everyone),
        C::Mediafile => Rule::by_profile("mediafiles", mediafiles::mediafile),
        C::Category => Rule::by_profile("motion-settings", motions::of_all_motions),
        C::Motion => Rule::by_user("motions", motions::submitters_with_access(inputs), motions::motion),
        C::MotionBlock => Rule::by_profile("motion-blocks", motions::block_or_change_recommendation),
        C::MotionChangeRecommendation => Rule::by_profile("motion-blocks", motions::block_or_change_recommendation),
        C::MotionCommentSection => Rule::by_profile("comment-sections", motions::comment_section),
        C::MotionOption => {
            Rule::by_profile("options", |rights, subject| polls::option(rights, subject, &polls::MOTIONS))
        }
        C::MotionPoll => Rule::by_user("polls", polls::voters(inputs), |rights, subject, ties| {
            polls::poll(rights, subject, ties, &polls::MOTIONS)
        }),
        C::MotionVote => Rule::by_user("votes", polls::users_of_vote(inputs), |rights, subject, ties| {
            polls::vote(rights, subject, ties, &polls::MOTIONS)
        }),
        C::State => Rule::by_profile("motion-settings", motions::of_all_motions),
        C::StatuteParagraph => Rule::by_profile("motion-settings", motions::of_all_motions),
        C::Workflow => Rule::by_profile("motion-settings", motions::of_all_motions),
        C::Topic => Rule::by_profile("topics", topics::topic),
        C::Group => Rule::by_profile("everyone", everyone::everyone),
        C::PersonalNote => Rule::by_user("personal-notes", users::owner_of_note(inputs), users::personal_note),
        C::User => Rule::by_user("users", About::Either([Some(UserId(element.key().id.0)), None]), users::user),
    }
}

/// The rule of an element that cannot be read.
fn nobody(_: &Rights<'_>, _: &Subject<'_>) -> View {
    View::Hidden
}

fn whole_if(visible: bool) -> View {
    if visible { View::Whole } else { View::Hidden }
}
