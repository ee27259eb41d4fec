//! Who sees the topics of the agenda?

use super::rule::Subject;
use super::view::View;
use super::whole_if;
use crate::permission::Permission;
use super::viewer::Standing;

/// Spec: restriction.md, Rules by collection.
pub(super) fn topic(standing: &Standing, _: &Subject<'_>) -> View {
    whole_if(standing.has(Permission::AgendaCanSee))
}
