//! Which slides show the agenda and who speaks? (spec: projector.md#item-list, projector.md#list-of-speakers)

pub(super) mod current;
mod instant;
pub(super) mod item_list;
pub(super) mod list_of_speakers;
