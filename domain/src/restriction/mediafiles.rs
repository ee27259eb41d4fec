//! Who sees the files?

use super::rights::Rights;
use super::rule::Subject;
use super::view::View;
use super::whole_if;
use crate::element::rule_inputs::{MediafileAccess, RuleInputs};
use crate::permission::Permission;

/// (spec: restriction.md#mediafiles)
pub(super) fn mediafile(rights: &Rights<'_>, subject: &Subject<'_>) -> View {
    let RuleInputs::Mediafile(access) = subject.inputs else {
        return View::Hidden;
    };
    let has_access = rights.is_superadmin()
        || match access {
            MediafileAccess::Everybody => true,
            MediafileAccess::Nobody => false,
            MediafileAccess::Groups(groups) => rights.is_in("inherited_access_groups_id", groups),
        };
    whole_if(rights.has(Permission::MediafilesCanSee) && has_access)
}
