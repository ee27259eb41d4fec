//! What do tests, benches and the load program share? Never part of the service itself.

pub mod client;
pub mod consistency;
pub mod elements;
pub mod generator;
pub mod oracle;
pub mod strategies;
