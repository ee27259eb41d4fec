//! Which rights would a viewer need to see more?

use std::collections::BTreeSet;

use crate::ids::GroupId;
use crate::meeting::block::BlockEntry;
use crate::permission::{Permission, PermissionSet};
use crate::restriction::explain;
use crate::restriction::rights::{Answer, Question};
use crate::restriction::view::View;
use crate::restriction::viewer::{AccessProfile, Viewer};

/// A right that an administrator can give to a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grant {
    /// This permission, in one of the user's groups.
    Permission(Permission),
    /// Membership in this group.
    Group(GroupId),
}

/// Rights that are enough together; without any one of them they are not.
pub type Remedy = BTreeSet<Grant>;

/// Remedies of more rights than this are not searched for: nobody would follow them.
const GRANTS_MAX: usize = 3;

/// How many sets of rights of each size are tried, so that an element which names a hundred groups takes no longer.
const SETS_MAX: usize = 200;

/// Returns the smallest sets of rights with which the viewer's view of the element would be `wanted`.
///
/// They are found by deciding again as if the viewer had what the rule asked for in vain.
pub(super) fn search(viewer: &Viewer, entry: &BlockEntry, wanted: impl Fn(&View) -> bool) -> Vec<Remedy> {
    let mut found: Vec<Remedy> = Vec::new();
    let mut tried = BTreeSet::from([Remedy::new()]);
    for _ in 0..GRANTS_MAX {
        let mut larger = BTreeSet::new();
        for set in tried {
            let explained = explain(&with(viewer, &set), &entry.element, entry.required_by);
            for grant in explained.answers.iter().filter(|answer| !answer.is_yes).flat_map(grants) {
                let mut more = set.clone();
                more.insert(grant);
                if found.iter().any(|remedy| remedy.is_subset(&more)) || larger.contains(&more) {
                    continue;
                }
                if wanted(&explain(&with(viewer, &more), &entry.element, entry.required_by).view) {
                    found.push(more);
                } else if larger.len() < SETS_MAX {
                    larger.insert(more);
                }
            }
        }
        tried = larger;
    }
    found
}

/// Returns what an administrator could grant so that the answer becomes yes.
fn grants(answer: &Answer) -> Vec<Grant> {
    match &answer.question {
        Question::Permission(permission) => vec![Grant::Permission(*permission)],
        Question::OneOf { permissions, .. } => {
            Permission::ALL.into_iter().filter(|it| permissions.contains(*it)).map(Grant::Permission).collect()
        }
        Question::Groups { groups, .. } => groups.iter().copied().map(Grant::Group).collect(),
        // Who a user is, and what is configured, cannot be granted.
        Question::Configuration(_)
        | Question::LoggedIn
        | Question::Superadmin
        | Question::OneOfItsUsers
        | Question::VotesForOneOfItsUsers => Vec::new(),
    }
}

/// Returns the viewer with these rights in addition.
pub(super) fn with(viewer: &Viewer, grants: &Remedy) -> Viewer {
    let mut profile = AccessProfile::clone(viewer.profile());
    for grant in grants {
        match grant {
            Grant::Permission(permission) => {
                profile.permissions = profile.permissions.union(PermissionSet::of(*permission));
            }
            Grant::Group(group) => {
                let groups: BTreeSet<GroupId> = profile.groups.iter().copied().chain([*group]).collect();
                profile.groups = groups.into_iter().collect();
            }
        }
    }
    Viewer::new(viewer.user(), profile, viewer.delegated_from().into())
}
