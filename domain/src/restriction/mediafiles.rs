//! Who sees the files?

use super::rule::Subject;
use super::view::View;
use super::viewer::AccessProfile;
use super::whole_if;
use crate::element::rule_inputs::{MediafileAccess, RuleInputs};
use crate::permission::Permission;

/// (spec: restriction.md#mediafiles)
pub(super) fn mediafile(profile: &AccessProfile, subject: &Subject<'_>) -> View {
    let RuleInputs::Mediafile(access) = subject.inputs else {
        return View::Hidden;
    };
    let has_access = profile.superadmin
        || match access {
            MediafileAccess::Everybody => true,
            MediafileAccess::Nobody => false,
            MediafileAccess::Groups(groups) => profile.is_in(groups),
        };
    whole_if(profile.has(Permission::MediafilesCanSee) && has_access)
}
