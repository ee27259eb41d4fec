//! What is served now, and how does a connection get from what it has seen to that?

pub mod cursor;
pub mod live;
pub mod transition;
