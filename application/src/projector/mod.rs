//! How is what projectors show told to those who look on? (spec: projector.md)

pub mod board;
pub mod projectors;
pub mod source;
