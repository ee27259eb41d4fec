//! The autoupdate service, put together: configuration, wiring, the background loops, the demo.

pub mod backoff;
pub mod ingest;
