//! Who sees the chat?

use super::view::View;
use super::whole_if;
use crate::element::facts::Facts;
use crate::permission::Permission;
use crate::restriction::viewer::Viewer;

/// Spec: restriction.md, Rules by collection.
pub(super) fn group_or_message(viewer: &Viewer, facts: &Facts) -> View {
    let Facts::Chat { groups } = facts else {
        return View::Hidden;
    };
    whole_if(viewer.has(Permission::ChatCanManage) || viewer.is_in(groups))
}
