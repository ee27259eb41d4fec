//! What must some clients never see, whatever happens? A mark in a motion.
//!
//! The mark is written by the same change that takes the right to see motions from a group, and is gone with the change
//! that gives the right back. So there is no version in which members of that group, or of one that never has the
//! right, may see it; and while changes are made, lost and repeated, each of them is whole.

use domain::collection::Collection;
use domain::ids::{ElementKey, GroupId};
use domain::testing::generator::{GROUPS, Generated};
use serde_json::{Value, json};

use crate::error::LoadError;
use crate::publisher::Change;

/// The mark: occurs nowhere else.
pub(super) const MARK: &str = "canary-7f3a91";

/// The group whose right comes and goes: the press.
const GROUP: u64 = 7;

/// The group whose members see everything.
const ADMINISTRATORS: u64 = 2;

/// The motion that carries the mark.
const MOTION: u64 = 1;

const PERMISSION: &str = "motions.can_see";

/// The two elements that change together.
#[derive(Clone, Debug)]
pub(super) struct Canary {
    group: Value,
    motion: Value,
}

impl Canary {
    /// Finds them in a meeting.
    ///
    /// # Errors
    /// The meeting has no such elements.
    pub(super) fn new(meeting: &Generated) -> Result<Self, LoadError> {
        let get = |collection, id| {
            let missing = || LoadError::Usage(format!("the meeting has no {}", ElementKey::new(collection, id)));
            meeting.get(collection, id).ok_or_else(missing)
        };
        Ok(Self { group: get(Collection::Group, GROUP)?, motion: get(Collection::Motion, MOTION)? })
    }

    /// Returns the change after which the mark is there, or not.
    pub(super) fn change(&self, is_there: bool) -> Change {
        let (mut group, mut motion) = (self.group.clone(), self.motion.clone());
        if is_there {
            motion["title"] = json!(MARK);
            if let Some(permissions) = group["permissions"].as_array_mut() {
                permissions.retain(|permission| permission != PERMISSION);
            }
        }
        vec![
            (ElementKey::new(Collection::Group, GROUP), Some(wire(&group))),
            (ElementKey::new(Collection::Motion, MOTION), Some(wire(&motion))),
        ]
    }
}

/// Returns whether members of this group may see the mark while it is there.
pub(super) fn may_be_seen_by(group: GroupId) -> bool {
    let has_right = GROUPS.iter().any(|one| one.id == group.0 && one.permissions.contains(&PERMISSION));
    group.0 == ADMINISTRATORS || (has_right && group.0 != GROUP)
}

/// Returns an element as the server writes it.
pub(super) fn wire(element: &Value) -> String {
    let text = element.to_string();
    domain::json::wire_form(text.as_bytes()).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use domain::testing::generator::Plan;

    use super::*;

    #[test]
    fn the_mark_and_the_right_to_see_it_are_never_there_together() {
        let meeting = Generated::new(Plan { elements: 300, users: 40, ..Plan::LARGE });
        let canary = Canary::new(&meeting).expect("a group and a motion");
        let of =
            |is_there| canary.change(is_there).into_iter().map(|(_, text)| text.expect("written")).collect::<Vec<_>>();
        let (there, gone) = (of(true), of(false));
        assert!(!there[0].contains(PERMISSION) && there[1].contains(MARK), "{there:?}");
        assert!(gone[0].contains(PERMISSION) && !gone[1].contains(MARK), "{gone:?}");
        let seeing = [1, 2, 3, 4, 7, 10].map(|group| may_be_seen_by(GroupId(group)));
        assert_eq!(seeing, [false, true, true, true, false, false]);
        assert!(meeting.users().iter().any(|(_, group)| group.0 == GROUP), "somebody loses the right");
    }
}
