//! Who sees the elections? (Their polls: `polls`.)

use super::rule::Subject;
use super::view::View;
use super::viewer::AccessProfile;
use super::whole_if;
use crate::permission::Permission;

/// (spec: restriction.md#assignments)
pub(super) fn assignment(profile: &AccessProfile, _: &Subject<'_>) -> View {
    whole_if(profile.has(Permission::AssignmentsCanSee))
}
