//! Who sees the agenda and the lists of speakers?

use super::rights::Rights;
use super::rule::{About, Subject, Ties};
use super::view::View;
use crate::element::rule_inputs::RuleInputs;
use crate::permission::Permission;

/// (spec: restriction.md#agenda-items)
pub(super) fn item(rights: &Rights<'_>, subject: &Subject<'_>) -> View {
    let RuleInputs::AgendaItem { is_hidden, is_internal } = subject.inputs else {
        return View::Hidden;
    };
    let manages = rights.has(Permission::AgendaCanManage);
    let sees_internal = rights.has(Permission::AgendaCanSeeInternalItems);
    if !rights.has(Permission::AgendaCanSee) || *is_hidden && !manages || *is_internal && !sees_internal {
        return View::Hidden;
    }
    match (sees_internal, manages) {
        (true, true) => View::Whole,
        (true, false) => View::Without(&["comment"]),
        (false, true) => View::Without(&["duration"]),
        (false, false) => View::Without(&["duration", "comment"]),
    }
}

/// Returns the users whom a list of speakers is about: those whose notes they see, if there are notes.
pub(super) fn speakers_with_notes(inputs: &RuleInputs) -> About<'_> {
    let RuleInputs::ListOfSpeakers { speakers, has_notes: true } = inputs else {
        return About::NOBODY;
    };
    About::Users(speakers)
}

/// (spec: restriction.md#lists-of-speakers)
pub(super) fn list_of_speakers(rights: &Rights<'_>, subject: &Subject<'_>, ties: &Ties<'_>) -> View {
    let RuleInputs::ListOfSpeakers { has_notes, .. } = subject.inputs else {
        return View::Hidden;
    };
    if !rights.has(Permission::AgendaCanSeeListOfSpeakers) {
        return View::Hidden;
    }
    if !has_notes || rights.shows_all_notes() || rights.has(Permission::AgendaCanManageListOfSpeakers) {
        return View::Whole;
    }
    // Everybody who does not speak sees the same.
    View::NotesOf(ties.own())
}
