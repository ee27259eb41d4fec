//! Who sees the files?

use super::rule::Subject;
use super::view::View;
use super::viewer::Standing;
use super::whole_if;
use crate::element::facts::{Facts, MediafileAccess};
use crate::permission::Permission;

/// (spec: restriction.md#mediafiles)
pub(super) fn mediafile(standing: &Standing, subject: &Subject<'_>) -> View {
    let Facts::Mediafile(access) = subject.facts else {
        return View::Hidden;
    };
    let has_access = standing.superadmin
        || match access {
            MediafileAccess::Everybody => true,
            MediafileAccess::Nobody => false,
            MediafileAccess::Groups(groups) => standing.is_in(groups),
        };
    whole_if(standing.has(Permission::MediafilesCanSee) && has_access)
}
