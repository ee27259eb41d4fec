//! Who sees configuration, tags, groups, and what projectors are made of?

use super::rights::Rights;
use super::rule::Subject;
use super::view::View;
use super::whole_if;
use crate::permission::Permission;

/// (spec: restriction.md#everyone)
pub(super) fn everyone(_: &Rights<'_>, _: &Subject<'_>) -> View {
    View::Whole
}

/// (spec: restriction.md#projectors)
pub(super) fn on_projectors(rights: &Rights<'_>, _: &Subject<'_>) -> View {
    whole_if(rights.has(Permission::CoreCanSeeProjector))
}
