//! Which slides show motions? (spec: projector.md, motions/…)

mod amendments;
pub(super) mod block;
pub(super) mod motion;
pub(super) mod poll;
pub(super) mod references;
