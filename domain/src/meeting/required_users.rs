//! Which users do all elements together make visible, and by which permissions? (spec: restriction.md#required-users)

use imbl::OrdMap;

use crate::element::requirement::Requirement;
use crate::ids::UserId;
use crate::permission::{Permission, PermissionSet};

/// How many elements require each user, by permission.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequiredUsers(OrdMap<(UserId, Permission), u32>);

impl RequiredUsers {
    pub(crate) fn add(&mut self, requirement: &Requirement) {
        for user in &requirement.users {
            *self.0.entry((*user, requirement.permission)).or_insert(0) += 1;
        }
    }

    pub(crate) fn remove(&mut self, requirement: &Requirement) {
        for user in &requirement.users {
            let key = (*user, requirement.permission);
            match self.0.get(&key) {
                Some(count) if *count > 1 => {
                    let count = count - 1;
                    self.0.insert(key, count);
                }
                _ => {
                    self.0.remove(&key);
                }
            }
        }
    }

    /// Returns the permissions that make `user` visible.
    pub(crate) fn required_by(&self, user: UserId) -> PermissionSet {
        const REQUIRING: [Permission; 3] =
            [Permission::AgendaCanSeeListOfSpeakers, Permission::MotionsCanSee, Permission::AssignmentsCanSee];
        REQUIRING.into_iter().filter(|permission| self.0.contains_key(&(user, *permission))).collect()
    }
}
