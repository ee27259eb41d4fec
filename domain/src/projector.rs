//! What do projectors show, and what of it is sent to a listener? (spec: projector.md#projector-elements)
//!
//! Slides are rendered once for all who watch: the [`ProjectorBoard`] holds what the watched projectors show, and knows
//! after a change which of them to render again. A [`ProjectorCursor`] records what one connection was sent.

mod board;
mod changes;
mod cursor;
mod render;
mod request;
#[cfg(test)]
mod tests;

pub use board::{Advanced, ProjectorBoard, ProjectorLine};
pub use changes::{Changes, Written};
pub use cursor::ProjectorCursor;
pub use render::{Diagnostic, PROJECTOR_BYTES_MAX, RenderedProjector, SLIDES_PER_PROJECTOR_MAX, render_projector};
pub use request::{PROJECTOR_IDS_MAX, ProjectorIds, ProjectorIdsError};
