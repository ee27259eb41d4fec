//! Who sees the elections? (Their polls: `polls`.)

use super::rights::Rights;
use super::rule::Subject;
use super::view::View;
use super::whole_if;
use crate::permission::Permission;

/// (spec: restriction.md#assignments)
pub(super) fn assignment(rights: &Rights<'_>, _: &Subject<'_>) -> View {
    whole_if(rights.has(Permission::AssignmentsCanSee))
}
