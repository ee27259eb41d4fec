//! What would have to be different for a viewer to see more?

use std::collections::BTreeSet;

use crate::ids::{GroupId, UserId};
use crate::meeting::block::BlockEntry;
use crate::permission::{Permission, PermissionSet};
use crate::reach::DecidingConfig;
use crate::restriction::rights::{Answer, Question};
use crate::restriction::view::View;
use crate::restriction::viewer::{AccessProfile, Viewer};
use crate::restriction::{affected_users, explain};

/// A single thing that could be different about a viewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grant {
    /// This permission, in one of the user's groups.
    Permission(Permission),
    /// Membership in this group.
    Group(GroupId),
    /// This configuration value is true.
    Configuration(DecidingConfig),
    /// The viewer is this user, whom the element is about.
    Being(UserId),
    /// This user, whom the element is about, has delegated their vote to the viewer.
    VotingFor(UserId),
}

/// What is enough together; without any one of them it is not.
pub type Remedy = BTreeSet<Grant>;

/// Remedies of more parts than this are not searched for: nobody would follow them.
const GRANTS_MAX: usize = 3;

/// How many sets of each size are tried, so that an element which names a hundred groups takes no longer.
const SETS_MAX: usize = 200;

/// As how many of the users whom an element is about the viewer is tried: a poll may have a thousand voters.
const USERS_MAX: usize = 5;

/// Returns the smallest sets of grants with which the viewer's view of the element would be `wanted`.
///
/// They are found by deciding again as if the viewer had what the rule asked for in vain.
pub(super) fn search(viewer: &Viewer, entry: &BlockEntry, wanted: impl Fn(&View) -> bool) -> Vec<Remedy> {
    let mut found: Vec<Remedy> = Vec::new();
    let mut tried = BTreeSet::from([Remedy::new()]);
    for _ in 0..GRANTS_MAX {
        let mut larger = BTreeSet::new();
        for set in tried {
            let explained = explain(&with(viewer, &set), &entry.element, entry.required_by);
            for grant in
                explained.answers.iter().filter(|answer| !answer.is_yes).flat_map(|it| grants(it, viewer, entry))
            {
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

/// Returns what could be different so that the answer becomes yes.
fn grants(answer: &Answer, viewer: &Viewer, entry: &BlockEntry) -> Vec<Grant> {
    let of_its_users = |grant: fn(UserId) -> Grant| {
        affected_users(&entry.element).iter().take(USERS_MAX).map(grant).collect::<Vec<_>>()
    };
    match &answer.question {
        Question::Permission(permission) => vec![Grant::Permission(*permission)],
        Question::OneOf { permissions, .. } => {
            Permission::ALL.into_iter().filter(|it| permissions.contains(*it)).map(Grant::Permission).collect()
        }
        Question::Groups { groups, .. } => groups.iter().copied().map(Grant::Group).collect(),
        Question::Configuration(config) => vec![Grant::Configuration(*config)],
        Question::OneOfItsUsers => of_its_users(Grant::Being),
        // Nobody delegates their vote to anonymous.
        Question::VotesForOneOfItsUsers if viewer.user().is_some() => of_its_users(Grant::VotingFor),
        // A superadmin, or a user who logs in, gets what other questions ask for.
        Question::VotesForOneOfItsUsers | Question::LoggedIn | Question::Superadmin => Vec::new(),
    }
}

/// Returns the viewer as if this were so in addition.
pub(super) fn with(viewer: &Viewer, grants: &Remedy) -> Viewer {
    let mut profile = AccessProfile::clone(viewer.profile());
    let (mut user, mut delegated_from) = (viewer.user(), viewer.delegated_from().to_vec());
    for grant in grants {
        match grant {
            Grant::Permission(permission) => {
                profile.permissions = profile.permissions.union(PermissionSet::of(*permission));
            }
            Grant::Group(group) => {
                let groups: BTreeSet<GroupId> = profile.groups.iter().copied().chain([*group]).collect();
                profile.groups = groups.into_iter().collect();
            }
            Grant::Configuration(DecidingConfig::SpeakerNoteForEveryone) => profile.speaker_note_for_everyone = true,
            // It decides who is served, and no rule asks for it.
            Grant::Configuration(DecidingConfig::EnableAnonymous) => {}
            Grant::Being(other) => {
                profile.logged_in = true;
                user = Some(*other);
            }
            Grant::VotingFor(other) => delegated_from.push(*other),
        }
    }
    Viewer::new(user, profile, delegated_from.into())
}
