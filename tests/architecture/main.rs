//! Do the arrows between packages, and between the rooms of a package, go one way? (docs/ARCHITECTURE.md)
//!
//! Reads the sources and asks Cargo; starts nothing.

mod arrows;
mod dependencies;
mod sources;
