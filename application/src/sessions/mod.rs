//! Who is served, and for how long? (spec: auth.md)

pub mod admission;
pub mod check;
pub mod right;
