//! Who is looking? Everything that restriction rules read about the viewer, resolved once.

use std::sync::Arc;

use crate::ids::{GroupId, UserId};
use crate::permission::{Permission, PermissionSet};

/// Everything that a rule reads about the viewer: two equal viewers see the same of every element.
///
/// (spec: restriction.md#groups, restriction.md#superadmin)
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Viewer {
    user: Option<UserId>,
    profile: Arc<AccessProfile>,
    /// `vote_delegated_from_users_id` of the user, in order.
    delegated_from: Arc<[UserId]>,
}

/// What a viewer may see as one of many: all that the rules read except who exactly it is. Nothing in here may
/// distinguish two users who are not to share rendered text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccessProfile {
    /// Whether it is a logged-in user.
    pub logged_in: bool,
    /// Whether the user is in the group that sees everything.
    pub superadmin: bool,
    /// The union of the groups' permissions.
    pub permissions: PermissionSet,
    /// Ascending, each once.
    pub groups: Box<[GroupId]>,
    /// Whether the configuration shows the notes of speakers to everybody.
    pub speaker_note_for_everyone: bool,
}

impl Viewer {
    /// Creates the viewer `user` (`None`: anonymous) with this access profile, to whom these users delegated their
    /// vote.
    #[must_use]
    pub fn new(user: Option<UserId>, profile: AccessProfile, delegated_from: Arc<[UserId]>) -> Self {
        Self { user, profile: Arc::new(profile), delegated_from }
    }

    /// Returns a viewer with the same access profile whom no element affects individually.
    #[must_use]
    pub fn stranger(&self) -> Self {
        // Ids are positive, so nobody is user 0.
        Self { user: self.user.map(|_| UserId(0)), profile: Arc::clone(&self.profile), delegated_from: Arc::default() }
    }

    /// Returns the user; `None`: anonymous.
    #[must_use]
    pub fn user(&self) -> Option<UserId> {
        self.user
    }

    /// Returns what the viewer may see as one of many.
    #[must_use]
    pub fn profile(&self) -> &Arc<AccessProfile> {
        &self.profile
    }

    /// Returns the users who delegated their vote to the viewer, in the order of the field.
    #[must_use]
    pub fn delegated_from(&self) -> &[UserId] {
        &self.delegated_from
    }

    /// Returns whether one of `users` (ascending) is the viewer, or delegated their vote to the viewer: then the access
    /// profile alone does not decide what is seen.
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
