//! What do all open streams have in common, whatever they carry? (spec: http.md#stream-start)

pub mod body;
pub mod counters;
pub mod registry;
mod slot;
pub mod ticker;
