//! Which users does an element make visible by naming them? (spec: restriction.md, Required users)

use imbl::OrdMap;

use crate::element::Element;
use crate::facts::{Facts, PollState, UserSet, user_set, users_of_objects};
use crate::ids::UserId;
use crate::json::{FieldError, Fields};
use crate::permission::{Permission, PermissionSet};
use crate::reach::{Named, Reach, reach};

/// The users an element requires, and the permission by which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// Ascending, each once.
    pub users: UserSet,
    /// Who has it sees the users.
    pub permission: Permission,
}

/// What an element requires; `None` for elements of the other collections.
///
/// An element that cannot be read as the table needs requires nobody.
#[must_use]
pub fn requirement(element: &Element) -> Option<Requirement> {
    let Reach::Required(permission, named) = reach(element.key().collection) else {
        return None;
    };
    let users = match named {
        Named::Speakers => speakers(element),
        Named::SubmittersAndSupporters => submitters_and_supporters(element),
        Named::Voters => published_voters(element),
        Named::Candidates => candidates(element),
        Named::User => option_user(element),
    };
    Some(Requirement { users: users.unwrap_or_default(), permission })
}

fn fields(element: &Element) -> Result<Fields<'_>, FieldError> {
    Fields::of(element.json()).ok_or_else(|| FieldError::new("", "is not there"))
}

fn speakers(element: &Element) -> Result<UserSet, FieldError> {
    match element.facts() {
        Facts::ListOfSpeakers { speakers, .. } => Ok(speakers.clone()),
        _ => Ok(UserSet::default()),
    }
}

fn submitters_and_supporters(element: &Element) -> Result<UserSet, FieldError> {
    // Not from the facts: a motion that is hidden because another field cannot be read still requires its users.
    let fields = fields(element)?;
    let mut users = fields.users("supporters_id")?;
    users.extend_from_slice(&users_of_objects(&fields, "submitters")?);
    Ok(user_set(users))
}

fn published_voters(element: &Element) -> Result<UserSet, FieldError> {
    match element.facts() {
        Facts::Poll { state: PollState::Published, voted } if !fields(element)?.boolean("is_pseudoanonymized")? => {
            Ok(voted.clone())
        }
        _ => Ok(UserSet::default()),
    }
}

fn candidates(element: &Element) -> Result<UserSet, FieldError> {
    users_of_objects(&fields(element)?, "assignment_related_users")
}

fn option_user(element: &Element) -> Result<UserSet, FieldError> {
    Ok(fields(element)?.user("user_id")?.into_iter().collect())
}

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

    /// The permissions by which `user` is required.
    pub(crate) fn required_by(&self, user: UserId) -> PermissionSet {
        const REQUIRING: [Permission; 3] =
            [Permission::AgendaCanSeeListOfSpeakers, Permission::MotionsCanSee, Permission::AssignmentsCanSee];
        REQUIRING.into_iter().filter(|permission| self.0.contains_key(&(user, *permission))).collect()
    }
}
