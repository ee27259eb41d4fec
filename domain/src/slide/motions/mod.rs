//! Which slides show motions? (spec: projector.md#motion, projector.md#motion-block, projector.md#motion-poll)

mod amendments;
pub(super) mod block;
pub(super) mod motion;
pub(super) mod poll;
pub(super) mod references;
