//! Who sees the topics of the agenda?

use super::rights::Rights;
use super::rule::Subject;
use super::view::View;
use super::whole_if;
use crate::permission::Permission;

/// (spec: restriction.md#topics)
pub(super) fn topic(rights: &Rights<'_>, _: &Subject<'_>) -> View {
    whole_if(rights.has(Permission::AgendaCanSee))
}
