//! Do the arrows between packages, and between the rooms of a package, go one way, and pointers somewhere?
//! (docs/ARCHITECTURE.md)
//!
//! Reads the sources and asks Cargo; starts nothing.

mod arrows;
mod dependencies;
mod sources;
mod spec;
