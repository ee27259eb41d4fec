//! How does the service stop without all clients reconnecting at once? (spec: http.md#stopping)

use std::sync::Arc;
use std::time::Duration;

use domain::ports::clock::Clock;
use tracing::info;

use crate::readiness::Readiness;
use crate::streams::registry::StreamRegistry;

/// How many parts the streams are ended in, so that not all clients reconnect at the same moment.
const DRAIN_PARTS: u64 = 20;

/// Stops the service in order (spec: http.md#stopping). Returns once all streams were signalled to end.
///
/// For the time of `delay` everybody is served as before, but the service reports that it is unhealthy, so that load
/// balancers send clients elsewhere and none is refused. Then `begin` is called, to stop accepting connections.
pub async fn drain(
    registry: Arc<StreamRegistry>,
    readiness: Readiness,
    begin: impl FnOnce(),
    clock: Arc<dyn Clock>,
    delay: Duration,
    duration: Duration,
) {
    readiness.set_stopping();
    if !delay.is_zero() {
        info!(seconds = delay.as_secs(), "reporting unhealthy from now on; stopping after SHUTDOWN_DELAY_SECONDS");
        clock.sleep(delay).await;
    }
    info!(streams = registry.count(), "stopping");
    begin();
    let pause = duration / u32::try_from(DRAIN_PARTS).unwrap_or(1);
    for part in 0..DRAIN_PARTS {
        registry.drain(part, DRAIN_PARTS);
        if registry.count() == 0 {
            break;
        }
        clock.sleep(pause).await;
    }
    // Streams that were opened in the meantime on connections that were still open.
    registry.drain_rest();
}
