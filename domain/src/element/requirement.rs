//! Which users does an element make visible by naming them? (spec: restriction.md#required-users)

use super::rule_inputs::{PollState, RuleInputs, UserSet, user_set, users_of_objects};
use crate::ids::ElementKey;
use crate::json::{FieldError, Fields};
use crate::permission::Permission;
use crate::reach::{Named, Reach, reach};

/// The users an element makes visible, and the permission by which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// Ascending, each once; at least one.
    pub users: UserSet,
    /// The permission that makes these users visible.
    pub permission: Permission,
}

impl Requirement {
    /// Reads what the element `key` requires; `inputs` are missing if it is hidden from everybody.
    ///
    /// An element that cannot be read as the table needs requires nobody.
    pub(super) fn read(key: ElementKey, fields: &Fields<'_>, inputs: Option<&RuleInputs>) -> Option<Self> {
        let Reach::Required(permission, named) = reach(key.collection) else {
            return None;
        };
        let users = match named {
            Named::Speakers => Ok(speakers(inputs)),
            Named::SubmittersAndSupporters => submitters_and_supporters(fields),
            Named::Voters => published_voters(fields, inputs),
            Named::Candidates => candidates(fields),
            Named::User => option_user(fields),
        };
        let users = users.ok().filter(|users| !users.is_empty())?;
        Some(Self { users, permission })
    }
}

fn speakers(inputs: Option<&RuleInputs>) -> UserSet {
    match inputs {
        Some(RuleInputs::ListOfSpeakers { speakers, .. }) => speakers.clone(),
        _ => UserSet::default(),
    }
}

fn submitters_and_supporters(fields: &Fields<'_>) -> Result<UserSet, FieldError> {
    // Not from the rule inputs: a motion that is hidden because another field cannot be read still requires its users.
    let mut users = fields.users("supporters_id")?;
    users.extend_from_slice(&users_of_objects(fields, "submitters")?);
    Ok(user_set(users))
}

fn published_voters(fields: &Fields<'_>, inputs: Option<&RuleInputs>) -> Result<UserSet, FieldError> {
    match inputs {
        Some(RuleInputs::Poll { state: PollState::Published, voted }) if !fields.boolean("is_pseudoanonymized")? => {
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
