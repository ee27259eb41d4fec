//! What do tests, benches and the load program share? Never part of the service itself.

pub mod client;
pub mod consistency;
pub mod contract;
pub mod elements;
pub mod generator;
mod manual_clock;
pub mod oracle;
pub mod strategies;

pub use manual_clock::ManualClock;
