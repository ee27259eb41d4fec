//! Who sees the topics of the agenda?

use super::rule::Subject;
use super::view::View;
use super::viewer::Standing;
use super::whole_if;
use crate::permission::Permission;

/// (spec: restriction.md#topics)
pub(super) fn topic(standing: &Standing, _: &Subject<'_>) -> View {
    whole_if(standing.has(Permission::AgendaCanSee))
}
