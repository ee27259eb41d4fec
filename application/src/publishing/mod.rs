//! What is served now, and what differs from what a connection has seen?

mod changed_keys;
pub mod comparisons;
pub mod cursor;
pub mod publisher;
pub mod version_diff;

pub use changed_keys::CHANGED_KEYS_BYTES_MAX;
