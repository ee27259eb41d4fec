//! Do dependencies between packages and modules go one way, and do references in code and documents lead somewhere?
//! (docs/ARCHITECTURE.md)
//!
//! These tests read the sources and ask Cargo; they start nothing.

mod arrows;
mod dependencies;
mod sources;
mod spec;
mod versions;
