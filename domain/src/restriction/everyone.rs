//! Who sees configuration, tags, groups, and what projectors are made of?

use super::rule::Subject;
use super::view::View;
use super::viewer::AccessProfile;
use super::whole_if;
use crate::permission::Permission;

/// (spec: restriction.md#everyone)
pub(super) fn everyone(_: &AccessProfile, _: &Subject<'_>) -> View {
    View::Whole
}

/// (spec: restriction.md#projectors)
pub(super) fn on_projectors(profile: &AccessProfile, _: &Subject<'_>) -> View {
    whole_if(profile.has(Permission::CoreCanSeeProjector))
}
