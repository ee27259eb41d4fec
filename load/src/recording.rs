//! How is a meeting handed to somebody who looks for a fault, without what was said in it? As a recording: the content
//! of Redis and then its changes, with all names and texts replaced.

mod disguise;
mod format;
mod player;
mod recorder;
mod shape;
mod text;

pub use disguise::Disguise;
pub use format::{Change, Content, Entry, Reader, Writer};
pub use player::{Played, Playing, replay};
pub use recorder::{Recorded, record};

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, ConnectionAddr, IntoConnectionInfo};

use crate::error::LoadError;

/// The member of the sorted set `change_id` whose score is the change id with which the cache was built
/// (spec: redis.md#keys).
const LOWEST: &str = "_config:lowest_change_id";

/// Returns where a Redis is, without the password.
fn place(url: &str) -> Result<String, LoadError> {
    Ok(match url.into_connection_info()?.addr() {
        ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => format!("{host}:{port}"),
        other => other.to_string(),
    })
}

/// Connects to a Redis, wherever it is.
async fn connect(url: &str) -> Result<MultiplexedConnection, LoadError> {
    let address = place(url)?;
    // Reading waits for changes, which takes as long as it takes.
    let config = AsyncConnectionConfig::new().set_response_timeout(None);
    let client = redis::Client::open(url)?;
    let connection = client.get_multiplexed_async_connection_with_config(&config).await;
    connection.map_err(|error| LoadError::Usage(format!("Redis at {address}: {error}")))
}
