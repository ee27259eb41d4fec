//! Who sees the users and their notes?

use super::view::View;
use super::whole_if;
use crate::element::facts::Facts;
use crate::ids::UserId;
use crate::permission::{Permission, PermissionSet};
use crate::restriction::viewer::Viewer;

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

/// Spec: restriction.md, users/user.
pub(super) fn user(viewer: &Viewer, user: UserId, required_by: PermissionSet) -> View {
    let is_own = viewer.is(Some(user));
    if viewer.has(Permission::UsersCanSeeName) {
        return View::User(if viewer.has(Permission::UsersCanSeeExtraData) {
            if viewer.has(Permission::UsersCanManage) { ALL } else { MANY }
        } else if is_own {
            OWN
        } else {
            LITTLE
        });
    }
    if is_own {
        View::User(OWN)
    } else if viewer.delegated_from().contains(&user) || viewer.has_one_of(required_by) {
        View::User(LITTLE)
    } else {
        View::Hidden
    }
}

/// Spec: restriction.md, Rules by collection.
pub(super) fn personal_note(viewer: &Viewer, facts: &Facts) -> View {
    match facts {
        Facts::PersonalNote { user } => whole_if(viewer.is(*user)),
        _ => View::Hidden,
    }
}
