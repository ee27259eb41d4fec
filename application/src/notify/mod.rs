//! How do messages and applause reach those who listen? (spec: notify.md)

pub mod applause;
pub mod hub;
pub mod messages;
pub mod source;
