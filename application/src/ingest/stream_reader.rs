//! How is the stream of changes read while the loop that follows it is busy with something else? (spec:
//! redis.md#follow)

use std::pin::Pin;
use std::sync::Arc;

use domain::ports::clock::Clock;
use domain::ports::message_bus::{Batch, Channel, MessageBus, Position};
use tracing::{info, warn};

use crate::backoff::Backoff;

/// Reads the stream. What arrives while the loop is busy waits in the stream, and then arrives together.
pub(crate) struct StreamReader {
    bus: Arc<dyn MessageBus>,
    clock: Arc<dyn Clock>,
    /// The position up to which messages were handed over.
    pub(crate) position: Position,
    /// The pending read, kept so that it is not cancelled when the loop turns to something else.
    reading: Pin<Box<dyn Future<Output = Batch> + Send>>,
}

impl StreamReader {
    /// Starts reading what comes after `position`.
    pub(crate) fn start(bus: &Arc<dyn MessageBus>, clock: &Arc<dyn Clock>, position: Position) -> Self {
        let (bus, clock) = (Arc::clone(bus), Arc::clone(clock));
        let reading = Box::pin(read(Arc::clone(&bus), Arc::clone(&clock), position));
        Self { bus, clock, position, reading }
    }

    /// Returns the next messages, at least one, and whether they follow those before. Cancel-safe: nothing is lost if the
    /// future is dropped.
    pub(crate) async fn next(&mut self) -> Batch {
        let batch = self.reading.as_mut().await;
        if let Some(last) = batch.messages.last() {
            self.position = last.position;
        }
        self.reading = Box::pin(read(Arc::clone(&self.bus), Arc::clone(&self.clock), self.position));
        batch
    }
}

/// Returns the messages after `position` as soon as there are any, retrying as often as necessary.
async fn read(bus: Arc<dyn MessageBus>, clock: Arc<dyn Clock>, position: Position) -> Batch {
    let mut backoff = Backoff::default();
    loop {
        match bus.read(Channel::Autoupdate, position).await {
            Ok(batch) => {
                if backoff.attempts() > 0 {
                    info!("reading the stream of changes again");
                }
                if !batch.messages.is_empty() {
                    return batch;
                }
                backoff = Backoff::default();
            }
            Err(error) => {
                if backoff.attempts() == 0 {
                    warn!(%error, "cannot read the stream of changes; retrying");
                }
                clock.sleep(backoff.wait()).await;
            }
        }
    }
}
