//! Who sees the agenda and the lists of speakers?

use super::view::View;
use crate::element::facts::Facts;
use crate::permission::Permission;
use crate::restriction::viewer::Viewer;

/// Spec: restriction.md, agenda/item.
pub(super) fn item(viewer: &Viewer, facts: &Facts) -> View {
    let Facts::AgendaItem { is_hidden, is_internal } = facts else {
        return View::Hidden;
    };
    let manages = viewer.has(Permission::AgendaCanManage);
    let sees_internal = viewer.has(Permission::AgendaCanSeeInternalItems);
    if !viewer.has(Permission::AgendaCanSee) || *is_hidden && !manages || *is_internal && !sees_internal {
        return View::Hidden;
    }
    match (sees_internal, manages) {
        (true, true) => View::Whole,
        (true, false) => View::Without(&["comment"]),
        (false, true) => View::Without(&["duration"]),
        (false, false) => View::Without(&["duration", "comment"]),
    }
}

/// Spec: restriction.md, agenda/list-of-speakers.
pub(super) fn list_of_speakers(viewer: &Viewer, facts: &Facts) -> View {
    let Facts::ListOfSpeakers { speakers, has_notes } = facts else {
        return View::Hidden;
    };
    if !viewer.has(Permission::AgendaCanSeeListOfSpeakers) {
        return View::Hidden;
    }
    if !has_notes
        || viewer.standing().speaker_note_for_everyone
        || viewer.has(Permission::AgendaCanManageListOfSpeakers)
    {
        return View::Whole;
    }
    // Who does not speak sees what every other who does not speak sees.
    View::NotesOf(viewer.user().filter(|user| speakers.binary_search(user).is_ok()))
}
