//! What do all open streams have in common, whatever they carry? (spec: http.md, Streams)

pub mod body;
pub mod connections;
pub mod ticker;
