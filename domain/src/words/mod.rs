//! Which words does the field have, and how are they written? Everything else is said in them.

// First: the macro is known only behind this line.
#[macro_use]
mod wire_names;

pub mod collection;
pub mod ids;
pub mod json;
pub mod permission;
pub mod reach;
