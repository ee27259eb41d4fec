//! What changed between two versions of the meeting for those who listen to projectors?

use crate::collection::Collection;
use crate::element::rule_inputs::RuleInputs;
use crate::ids::{ElementKey, GroupId, ProjectorId, UserId};
use crate::meeting::Meeting;
use crate::permission::Permission;
use crate::slide::dependencies::{Dependencies, differs};

/// Which elements were written between two versions of the meeting.
#[derive(Clone, Copy, Debug)]
pub enum Written<'a> {
    /// Unknown, or the meeting was reset.
    Everything,
    /// At least these: the union of `written` of every step between the two, in any order.
    Keys(&'a [ElementKey]),
}

/// How two boards differ, as far as a listener may have to be sent a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Projectors that show something else, began or ceased to exist, or were newly asked for; ascending.
    pub projectors: Vec<ProjectorId>,
    /// Whether anybody may have gained or lost the permission to see projectors.
    pub everybody: bool,
    /// Users who may have gained or lost the permission to see projectors; ascending.
    pub users: Vec<UserId>,
}

impl Changes {
    /// Adds what changed in the following step.
    pub fn extend(&mut self, later: Self) {
        self.projectors = union(std::mem::take(&mut self.projectors), later.projectors);
        self.everybody |= later.everybody;
        self.users = union(std::mem::take(&mut self.users), later.users);
    }
}

/// Two versions of the meeting, and what was written between them.
pub(super) struct Between<'a> {
    pub(super) before: &'a Meeting,
    pub(super) after: &'a Meeting,
    pub(super) written: Written<'a>,
}

impl Between<'_> {
    /// Returns whether something with these dependencies may look different.
    pub(super) fn touches(&self, dependencies: &Dependencies) -> bool {
        match self.written {
            Written::Everything => true,
            Written::Keys(keys) => dependencies.touched(keys, self.before, self.after),
        }
    }

    /// Returns whether the element differs.
    pub(super) fn touches_element(&self, key: ElementKey) -> bool {
        match self.written {
            Written::Everything => true,
            Written::Keys(keys) => keys.contains(&key) && differs(key, self.before, self.after),
        }
    }

    /// Returns whose permission to see projectors may have changed; no projectors yet.
    pub(super) fn permission_changes(&self) -> Changes {
        let Written::Keys(keys) = self.written else {
            return Changes { everybody: true, ..Changes::default() };
        };
        let of = |collection| keys.iter().filter(move |key| key.collection == collection);
        let everybody = of(Collection::Group).any(|key| self.grants(key, self.before) != self.grants(key, self.after));
        let users = of(Collection::User).filter(|key| groups(key, self.before) != groups(key, self.after));
        let mut users: Vec<_> = users.map(|key| UserId(key.id.0)).collect();
        users.sort_unstable();
        users.dedup();
        Changes { projectors: Vec::new(), everybody, users }
    }

    fn grants(&self, group: &ElementKey, meeting: &Meeting) -> bool {
        match meeting.get(*group).map(|element| element.rule_inputs()) {
            Some(RuleInputs::Group { permissions }) => permissions.contains(Permission::CoreCanSeeProjector),
            _ => false,
        }
    }
}

fn union<T: Ord>(mut one: Vec<T>, other: Vec<T>) -> Vec<T> {
    one.extend(other);
    one.sort_unstable();
    one.dedup();
    one
}

fn groups<'m>(user: &ElementKey, meeting: &'m Meeting) -> Option<&'m [GroupId]> {
    match meeting.get(*user).map(|element| element.rule_inputs()) {
        Some(RuleInputs::User(user)) => Some(&user.groups),
        _ => None,
    }
}
