//! Who sees the elections? (Their polls: `polls`.)

use super::rule::Subject;
use super::view::View;
use super::viewer::Standing;
use super::whole_if;
use crate::permission::Permission;

/// (spec: restriction.md#assignments)
pub(super) fn assignment(standing: &Standing, _: &Subject<'_>) -> View {
    whole_if(standing.has(Permission::AssignmentsCanSee))
}
