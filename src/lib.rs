//! The autoupdate service, put together: configuration, wiring, the background loops, the demo.

pub mod backoff;
pub mod config;
pub mod demo;
pub mod ingest;
pub mod secret;
pub mod sockets;
pub mod telemetry;
