//! The edges of the autoupdate service: everything that touches network, files, time or chance.

pub mod django;
mod file;
pub mod http;
pub mod memory;
pub mod metrics;
mod pem;
pub mod redis;
pub mod system;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod tls;
