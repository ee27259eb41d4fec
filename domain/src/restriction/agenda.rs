//! Who sees the agenda and the lists of speakers?

use super::rule::{About, Subject, Ties};
use super::view::View;
use super::viewer::Standing;
use crate::element::facts::Facts;
use crate::permission::Permission;

/// (spec: restriction.md#agenda-items)
pub(super) fn item(standing: &Standing, subject: &Subject<'_>) -> View {
    let Facts::AgendaItem { is_hidden, is_internal } = subject.facts else {
        return View::Hidden;
    };
    let manages = standing.has(Permission::AgendaCanManage);
    let sees_internal = standing.has(Permission::AgendaCanSeeInternalItems);
    if !standing.has(Permission::AgendaCanSee) || *is_hidden && !manages || *is_internal && !sees_internal {
        return View::Hidden;
    }
    match (sees_internal, manages) {
        (true, true) => View::Whole,
        (true, false) => View::Without(&["comment"]),
        (false, true) => View::Without(&["duration"]),
        (false, false) => View::Without(&["duration", "comment"]),
    }
}

/// Whom a list of speakers is about: those whose notes they see, if there are notes.
pub(super) fn speakers_with_notes(facts: &Facts) -> About<'_> {
    let Facts::ListOfSpeakers { speakers, has_notes: true } = facts else {
        return About::NOBODY;
    };
    About::Users(speakers)
}

/// (spec: restriction.md#lists-of-speakers)
pub(super) fn list_of_speakers(standing: &Standing, subject: &Subject<'_>, ties: &Ties<'_>) -> View {
    let Facts::ListOfSpeakers { has_notes, .. } = subject.facts else {
        return View::Hidden;
    };
    if !standing.has(Permission::AgendaCanSeeListOfSpeakers) {
        return View::Hidden;
    }
    if !has_notes || standing.speaker_note_for_everyone || standing.has(Permission::AgendaCanManageListOfSpeakers) {
        return View::Whole;
    }
    // Who does not speak sees what every other who does not speak sees.
    View::NotesOf(ties.own())
}
