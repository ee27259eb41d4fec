//! How does the service stop so that not all clients come back at once? (spec: http.md, Stopping)

use std::sync::Arc;
use std::time::Duration;

use domain::ports::clock::Clock;
use tracing::info;

use crate::readiness::Readiness;
use crate::streams::connections::Connections;

/// How many parts the streams are ended in: so that not all clients come back in the same moment.
const DRAIN_PARTS: u64 = 20;

/// Ends the service in order (spec: http.md, Stopping): returns when all streams were told to end.
///
/// `begin` tells those who accept connections.
pub async fn drain(
    connections: Arc<Connections>,
    readiness: Readiness,
    begin: impl FnOnce(),
    clock: Arc<dyn Clock>,
    duration: Duration,
) {
    info!(streams = connections.count(), "stopping");
    readiness.set_stopping();
    begin();
    let pause = duration / u32::try_from(DRAIN_PARTS).unwrap_or(1);
    for part in 0..DRAIN_PARTS {
        connections.drain(part, DRAIN_PARTS);
        if connections.count() == 0 {
            break;
        }
        clock.sleep(pause).await;
    }
    // Those that were opened meanwhile on connections that were still there.
    connections.drain_rest();
}
