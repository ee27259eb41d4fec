//! Who sees configuration, tags, groups, and what projectors are made of?

use super::view::View;
use super::whole_if;
use crate::permission::Permission;
use crate::restriction::viewer::Viewer;

/// Spec: restriction.md, Rules by collection.
pub(super) fn everyone() -> View {
    View::Whole
}

/// Spec: restriction.md, Rules by collection.
pub(super) fn on_projectors(viewer: &Viewer) -> View {
    whole_if(viewer.has(Permission::CoreCanSeeProjector))
}
