//! Who sees the users and their notes?

use super::rights::Rights;
use super::rule::{About, Subject, Ties};
use super::view::View;
use super::whole_if;
use crate::element::rule_inputs::RuleInputs;
use crate::permission::Permission;

macro_rules! field_sets {
    ($($(#[$doc:meta])* $name:ident = [$($field:literal),*];)+) => {$(
        $(#[$doc])*
        const $name: &[&str] = &[
            "id", "username", "title", "first_name", "last_name", "structure_level", "number", "about_me",
            "groups_id", "is_present", "is_committee", "vote_weight", "gender" $(, $field)*
        ];
    )+};
}

field_sets! {
    /// *little*
    LITTLE = [];
    /// *own*
    OWN = ["email", "vote_delegated_to_id", "vote_delegated_from_users_id"];
    /// *many*
    MANY = ["email", "last_email_send", "comment", "is_active", "auth_type", "vote_delegated_to_id",
        "vote_delegated_from_users_id"];
    /// *all*
    ALL = ["email", "last_email_send", "comment", "is_active", "auth_type", "vote_delegated_to_id",
        "vote_delegated_from_users_id", "default_password"];
}

/// (spec: restriction.md#users, restriction.md#user-fields)
pub(super) fn user(rights: &Rights<'_>, subject: &Subject<'_>, ties: &Ties<'_>) -> View {
    let is_own = ties.is_own();
    if rights.has(Permission::UsersCanSeeName) {
        return View::User(if rights.has(Permission::UsersCanSeeExtraData) {
            if rights.has(Permission::UsersCanManage) { ALL } else { MANY }
        } else if is_own {
            OWN
        } else {
            LITTLE
        });
    }
    if is_own {
        View::User(OWN)
    } else if ties.delegators().next().is_some() || rights.has_one_of("required by other elements", subject.required_by)
    {
        View::User(LITTLE)
    } else {
        View::Hidden
    }
}

/// Returns whom a personal note is about: its owner.
pub(super) fn owner_of_note(inputs: &RuleInputs) -> About<'_> {
    let RuleInputs::PersonalNote { user } = inputs else {
        return About::NOBODY;
    };
    About::Either([*user, None])
}

/// (spec: restriction.md#personal-notes)
pub(super) fn personal_note(_: &Rights<'_>, _: &Subject<'_>, ties: &Ties<'_>) -> View {
    whole_if(ties.is_own())
}
