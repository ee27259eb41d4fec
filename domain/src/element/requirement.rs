//! Which users does an element make visible by naming them? (spec: restriction.md, Required users)

use super::facts::{Facts, PollState, UserSet, user_set, users_of_objects};
use crate::collection::Collection as C;
use crate::ids::ElementKey;
use crate::json::{FieldError, Fields};
use crate::permission::Permission;

/// The users an element requires, and the permission by which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// Ascending, each once; at least one.
    pub users: UserSet,
    /// Who has it sees the users.
    pub permission: Permission,
}

impl Requirement {
    /// What the element `key` requires; `facts` are missing if it is hidden from everybody.
    ///
    /// An element that cannot be read as the table needs requires nobody.
    pub(super) fn read(key: ElementKey, fields: &Fields<'_>, facts: Option<&Facts>) -> Option<Self> {
        let (permission, users) = match key.collection {
            C::ListOfSpeakers => (Permission::AgendaCanSeeListOfSpeakers, Ok(speakers(facts))),
            C::Motion => (Permission::MotionsCanSee, submitters_and_supporters(fields)),
            C::MotionPoll => (Permission::MotionsCanSee, published_voters(fields, facts)),
            C::Assignment => (Permission::AssignmentsCanSee, candidates(fields)),
            C::AssignmentOption => (Permission::AssignmentsCanSee, option_user(fields)),
            C::AssignmentPoll => (Permission::AssignmentsCanSee, published_voters(fields, facts)),
            _ => return None,
        };
        let users = users.ok().filter(|users| !users.is_empty())?;
        Some(Self { users, permission })
    }
}

fn speakers(facts: Option<&Facts>) -> UserSet {
    match facts {
        Some(Facts::ListOfSpeakers { speakers, .. }) => speakers.clone(),
        _ => UserSet::default(),
    }
}

fn submitters_and_supporters(fields: &Fields<'_>) -> Result<UserSet, FieldError> {
    // Not from the facts: a motion that is hidden because another field cannot be read still requires its users.
    let mut users = fields.users("supporters_id")?;
    users.extend_from_slice(&users_of_objects(fields, "submitters")?);
    Ok(user_set(users))
}

fn published_voters(fields: &Fields<'_>, facts: Option<&Facts>) -> Result<UserSet, FieldError> {
    match facts {
        Some(Facts::Poll { state: PollState::Published, voted }) if !fields.boolean("is_pseudoanonymized")? => {
            Ok(voted.clone())
        }
        _ => Ok(UserSet::default()),
    }
}

fn candidates(fields: &Fields<'_>) -> Result<UserSet, FieldError> {
    users_of_objects(fields, "assignment_related_users")
}

fn option_user(fields: &Fields<'_>) -> Result<UserSet, FieldError> {
    Ok(fields.user("user_id")?.into_iter().collect())
}
