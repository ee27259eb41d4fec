//! How is what projectors show told to those who look on? (spec: projector.md#projector-line)

pub mod board;
pub mod projectors;
pub mod source;
