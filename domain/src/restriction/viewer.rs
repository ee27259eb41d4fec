//! Who is looking? Everything the restriction rules read of the one who asks, resolved once.

use std::sync::Arc;

use crate::ids::{GroupId, UserId};
use crate::permission::{Permission, PermissionSet};

/// Everything that a rule reads of the one who asks: two equal viewers see the same of every element.
///
/// (spec: restriction.md#groups, restriction.md#superadmin)
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Viewer {
    user: Option<UserId>,
    profile: Arc<AccessProfile>,
    /// `vote_delegated_from_users_id` of the user, in its order.
    delegated_from: Arc<[UserId]>,
}

/// What a viewer may see as one of many: all that the rules read except who exactly it is. Nothing in here may tell two
/// users apart who are not to share what is rendered.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccessProfile {
    /// Is it a logged-in user?
    pub logged_in: bool,
    /// Member of the group that sees everything.
    pub superadmin: bool,
    /// Union of the groups' permissions.
    pub permissions: PermissionSet,
    /// Ascending, each once.
    pub groups: Box<[GroupId]>,
    /// The configuration that shows the notes of speakers to everybody.
    pub speaker_note_for_everyone: bool,
}

impl Viewer {
    /// The viewer `user` (`None`: anonymous) of this access profile, to whom these users delegated their vote.
    #[must_use]
    pub fn new(user: Option<UserId>, profile: AccessProfile, delegated_from: Arc<[UserId]>) -> Self {
        Self { user, profile: Arc::new(profile), delegated_from }
    }

    /// One of this viewer's access profile whom no element names.
    #[must_use]
    pub fn stranger(&self) -> Self {
        // Ids are positive, so nobody is user 0.
        Self { user: self.user.map(|_| UserId(0)), profile: Arc::clone(&self.profile), delegated_from: Arc::default() }
    }

    /// The user; `None`: anonymous.
    #[must_use]
    pub fn user(&self) -> Option<UserId> {
        self.user
    }

    /// What it may see as one of many.
    #[must_use]
    pub fn profile(&self) -> &Arc<AccessProfile> {
        &self.profile
    }

    /// The users who delegated their vote to it, in the order of the field.
    #[must_use]
    pub fn delegated_from(&self) -> &[UserId] {
        &self.delegated_from
    }

    /// Does one of `named` (ascending) decide what this viewer sees beyond its access profile: itself, or one who delegated
    /// the vote to it?
    #[must_use]
    pub fn is_among(&self, users: &[UserId]) -> bool {
        self.user.iter().chain(&*self.delegated_from).any(|user| users.binary_search(user).is_ok())
    }
}

impl AccessProfile {
    /// `has(P)`
    #[must_use]
    pub fn has(&self, permission: Permission) -> bool {
        self.superadmin || self.permissions.contains(permission)
    }

    /// `has(P)` for one of these.
    #[must_use]
    pub fn has_one_of(&self, permissions: PermissionSet) -> bool {
        !permissions.is_empty() && (self.superadmin || self.permissions.intersects(permissions))
    }

    /// `in(G)`
    #[must_use]
    pub fn is_in(&self, groups: &[GroupId]) -> bool {
        self.superadmin || groups.iter().any(|group| self.groups.contains(group))
    }
}
