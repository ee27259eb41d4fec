//! Who sees the elections? (Their polls: `polls`.)

use super::view::View;
use super::whole_if;
use crate::permission::Permission;
use crate::restriction::viewer::Viewer;

/// Spec: restriction.md, Rules by collection.
pub(super) fn assignment(viewer: &Viewer) -> View {
    whole_if(viewer.has(Permission::AssignmentsCanSee))
}
