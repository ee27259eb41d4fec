//! Which words does the field have, and how are they written? Everything else is expressed in them.

// Must come first, because the macro is only known after this line.
#[macro_use]
mod wire_names;

pub mod collection;
pub mod ids;
pub mod json;
pub mod permission;
pub mod reach;
