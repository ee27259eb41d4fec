//! How is the stream of changes read, whatever else the loop that follows it has to do? (spec: redis.md, Follow)

use std::pin::Pin;
use std::sync::Arc;

use domain::ports::clock::Clock;
use domain::ports::message_bus::{BusMessage, Channel, MessageBus, Position};
use tracing::{info, warn};

use crate::backoff::Backoff;

/// Reads the stream. What comes while the loop is busy waits there, and comes all at once.
pub(crate) struct StreamReader {
    bus: Arc<dyn MessageBus>,
    clock: Arc<dyn Clock>,
    /// Up to where the messages were handed over.
    pub(crate) position: Position,
    /// The read that waits. Kept, so that it is not cut off when the loop turns to something else.
    reading: Pin<Box<dyn Future<Output = Vec<BusMessage>> + Send>>,
}

impl StreamReader {
    /// Reads what comes after `position`.
    pub(crate) fn start(bus: &Arc<dyn MessageBus>, clock: &Arc<dyn Clock>, position: Position) -> Self {
        let (bus, clock) = (Arc::clone(bus), Arc::clone(clock));
        let reading = Box::pin(read(Arc::clone(&bus), Arc::clone(&clock), position));
        Self { bus, clock, position, reading }
    }

    /// The next messages, at least one. May be dropped and called again; nothing is lost.
    pub(crate) async fn next(&mut self) -> Vec<BusMessage> {
        let messages = self.reading.as_mut().await;
        if let Some(last) = messages.last() {
            self.position = last.position;
        }
        self.reading = Box::pin(read(Arc::clone(&self.bus), Arc::clone(&self.clock), self.position));
        messages
    }
}

/// The messages after `position`, as soon as there are some, however often it has to be tried.
async fn read(bus: Arc<dyn MessageBus>, clock: Arc<dyn Clock>, position: Position) -> Vec<BusMessage> {
    let mut backoff = Backoff::default();
    loop {
        match bus.read(Channel::Autoupdate, position).await {
            // Whether they follow does not matter: a change that is missing shows by its id, or at the next comparison.
            Ok(batch) => {
                if backoff.attempts() > 0 {
                    info!("the stream of changes is read again");
                }
                if !batch.messages.is_empty() {
                    return batch.messages;
                }
                backoff = Backoff::default();
            }
            Err(error) => {
                if backoff.attempts() == 0 {
                    warn!(%error, "the stream of changes cannot be read; trying again");
                }
                clock.sleep(backoff.wait()).await;
            }
        }
    }
}
