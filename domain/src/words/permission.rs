//! Which permissions do the rules ask for? This is the only place with their names (spec: restriction.md#has).

wire_names! {
    /// A permission that some rule of this service asks for. The server knows more; those have no effect here.
    pub enum Permission {
        AgendaCanSee = "agenda.can_see",
        AgendaCanManage = "agenda.can_manage",
        AgendaCanSeeInternalItems = "agenda.can_see_internal_items",
        AgendaCanSeeListOfSpeakers = "agenda.can_see_list_of_speakers",
        AgendaCanManageListOfSpeakers = "agenda.can_manage_list_of_speakers",
        AssignmentsCanSee = "assignments.can_see",
        AssignmentsCanManage = "assignments.can_manage",
        ChatCanManage = "chat.can_manage",
        CoreCanSeeProjector = "core.can_see_projector",
        MediafilesCanSee = "mediafiles.can_see",
        MotionsCanSee = "motions.can_see",
        MotionsCanSeeInternal = "motions.can_see_internal",
        MotionsCanManage = "motions.can_manage",
        MotionsCanManageMetadata = "motions.can_manage_metadata",
        MotionsCanManagePolls = "motions.can_manage_polls",
        UsersCanSeeName = "users.can_see_name",
        UsersCanSeeExtraData = "users.can_see_extra_data",
        UsersCanManage = "users.can_manage",
    }
}

/// A set of [`Permission`]s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PermissionSet(u32);

impl PermissionSet {
    /// No permission.
    pub const EMPTY: Self = Self(0);

    /// Returns the set of just this permission.
    #[must_use]
    pub const fn of(permission: Permission) -> Self {
        Self(1 << permission as u8)
    }

    /// Returns whether `permission` is in the set.
    #[must_use]
    pub const fn contains(self, permission: Permission) -> bool {
        self.0 & Self::of(permission).0 != 0
    }

    /// Returns whether the two sets have a permission in common.
    #[must_use]
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Returns the union of the two sets.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns whether the set is empty.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl FromIterator<Permission> for PermissionSet {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        permissions.into_iter().fold(Self::EMPTY, |set, permission| set.union(Self::of(permission)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_permission() {
        for permission in Permission::ALL {
            assert_eq!(Permission::from_name(permission.name()), Some(permission));
        }
        assert_eq!(Permission::from_name("agenda.can_be_speaker"), None);
    }

    #[test]
    fn a_set_holds_what_was_put_in_and_nothing_else() {
        for permission in Permission::ALL {
            let set: PermissionSet = [permission].into_iter().collect();
            for other in Permission::ALL {
                assert_eq!(set.contains(other), other == permission);
            }
        }
    }
}
