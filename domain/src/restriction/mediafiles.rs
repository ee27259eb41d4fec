//! Who sees the files?

use super::view::View;
use super::whole_if;
use crate::element::facts::{Facts, MediafileAccess};
use crate::permission::Permission;
use crate::restriction::viewer::Viewer;

/// Spec: restriction.md, mediafiles/mediafile.
pub(super) fn mediafile(viewer: &Viewer, facts: &Facts) -> View {
    let Facts::Mediafile(access) = facts else {
        return View::Hidden;
    };
    let has_access = viewer.standing().superadmin
        || match access {
            MediafileAccess::Everybody => true,
            MediafileAccess::Nobody => false,
            MediafileAccess::Groups(groups) => viewer.is_in(groups),
        };
    whole_if(viewer.has(Permission::MediafilesCanSee) && has_access)
}
