//! Who sees the topics of the agenda?

use super::rule::Subject;
use super::view::View;
use super::viewer::AccessProfile;
use super::whole_if;
use crate::permission::Permission;

/// (spec: restriction.md#topics)
pub(super) fn topic(profile: &AccessProfile, _: &Subject<'_>) -> View {
    whole_if(profile.has(Permission::AgendaCanSee))
}
