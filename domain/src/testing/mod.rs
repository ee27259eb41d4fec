//! What do tests, benches and the load program share? Never part of the service itself.

pub mod consistency;
pub mod generator;
