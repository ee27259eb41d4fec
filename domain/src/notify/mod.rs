//! How do clients send each other messages? (spec: notify.md)

pub mod channel_id;
pub mod message;
pub mod send;
