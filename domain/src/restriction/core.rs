//! Who sees configuration, tags, groups, and what projectors are made of?

use super::rule::Subject;
use super::view::View;
use super::viewer::Standing;
use super::whole_if;
use crate::permission::Permission;

/// Spec: restriction.md, Rules by collection.
pub(super) fn everyone(_: &Standing, _: &Subject<'_>) -> View {
    View::Whole
}

/// Spec: restriction.md, Rules by collection.
pub(super) fn on_projectors(standing: &Standing, _: &Subject<'_>) -> View {
    whole_if(standing.has(Permission::CoreCanSeeProjector))
}
