//! What is served now, and how does a connection get from what it has seen to that?

mod changed_keys;
pub mod cursor;
pub mod publisher;
pub mod version_diff;
