//! How is what projectors show sent to those who watch? (spec: projector.md#projector-line)

pub mod board;
pub mod projectors;
pub mod source;
