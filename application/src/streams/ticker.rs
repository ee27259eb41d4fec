//! Who tells the streams the time?

use std::sync::Arc;
use std::time::Duration;

use domain::ports::clock::Clock;

use super::connections::Connections;

/// Tells the registry of streams the time, for keep-alives. Runs until it is dropped.
pub async fn tick(connections: Arc<Connections>, clock: Arc<dyn Clock>) {
    loop {
        clock.sleep(Duration::from_secs(1)).await;
        connections.tick();
    }
}
