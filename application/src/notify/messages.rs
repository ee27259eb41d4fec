//! How do the messages of the stream reach the listeners of this process? (spec: notify.md#no-silent-loss)

use std::sync::Arc;

use super::hub::{ListenerMark, NotifyHub};
use domain::notify::message::NotifyMessage;
use domain::ports::Unavailable;
use domain::ports::clock::Clock;
use domain::ports::message_bus::{Batch, BusMessage, Channel, MessageBus, Position};
use tracing::{debug, info, warn};

use crate::backoff::Backoff;

/// Delivers every message that is added to the stream from now on. Runs until it is dropped, which may happen at any
/// time.
///
/// While the bus does not answer, it retries less and less often, and then continues where it stopped. Where messages
/// may have been lost, for whatever reason, the listeners are ended, so that their clients reconnect: nobody misses a
/// message silently.
pub async fn run_notify_loop(bus: Arc<dyn MessageBus>, hub: Arc<NotifyHub>, clock: Arc<dyn Clock>) {
    run(Reader::new(bus, hub), clock).await;
}

async fn run(mut reader: Reader, clock: Arc<dyn Clock>) {
    let mut backoff = Backoff::default();
    loop {
        match reader.step().await {
            Ok(()) => {
                if backoff.attempts() > 0 {
                    info!(failures = backoff.attempts(), "reading notify messages again");
                }
                backoff = Backoff::default();
            }
            Err(error) => {
                let wait = backoff.wait();
                // The first failure in a row is logged, then the second, fourth, eighth, …
                if backoff.attempts().is_power_of_two() {
                    warn!(%error, failures = backoff.attempts(), "cannot read notify messages; retrying");
                }
                clock.sleep(wait).await;
            }
        }
    }
}

struct Reader {
    bus: Arc<dyn MessageBus>,
    hub: Arc<NotifyHub>,
    /// The last message that was read; `None` while unknown.
    position: Option<Position>,
    /// Whether the last message read was gone at the last check, with none after it.
    is_missing: bool,
    /// Marks the listeners that existed when the last successful step began, if a step has failed since.
    interrupted: Option<ListenerMark>,
}

impl Reader {
    fn new(bus: Arc<dyn MessageBus>, hub: Arc<NotifyHub>) -> Self {
        Self { bus, hub, position: None, is_missing: false, interrupted: None }
    }

    async fn step(&mut self) -> Result<(), Unavailable> {
        let mark = self.hub.mark();
        let result = self.try_step().await;
        if result.is_err() {
            self.interrupted.get_or_insert(mark);
        }
        result
    }

    async fn try_step(&mut self) -> Result<(), Unavailable> {
        let Some(position) = self.position else { return self.begin().await };
        let Batch { messages, follows } = self.bus.read(Channel::Notify, position).await?;
        if messages.is_empty() && !follows {
            return self.look_again(position).await;
        }
        self.is_missing = false;
        let interrupted = self.interrupted.take();
        if !follows {
            self.end_all(position);
        } else if !messages.is_empty() {
            self.end_those_that_came_since(interrupted);
        }
        self.deliver_all(messages).await;
        Ok(())
    }

    /// Begins after the newest message, and ends the listeners that connected before it was known: they may have missed
    /// messages.
    async fn begin(&mut self) -> Result<(), Unavailable> {
        let newest = self.bus.last_position(Channel::Notify).await?;
        self.interrupted = None;
        self.is_missing = false;
        self.position = Some(newest);
        let listeners = self.hub.end_since(ListenerMark::START);
        if listeners > 0 {
            info!(listeners, "ended listeners that connected before notify messages could be read; they reconnect");
        }
        Ok(())
    }

    /// Handles that the message read last is gone, with none after it. Another replica may lag behind for a moment, so
    /// this must be seen twice. Then the stream was deleted or replaced, and reading starts again; whether its messages
    /// are old or new is unknown.
    async fn look_again(&mut self, position: Position) -> Result<(), Unavailable> {
        if !std::mem::replace(&mut self.is_missing, true) {
            return Ok(());
        }
        // No longer known, so that a failure to begin is made up for.
        self.position = None;
        self.end_all(position);
        self.begin().await
    }

    /// Ends the listeners that connected while the bus did not answer. They must not get messages from before they
    /// connected, and which messages those are is unknown.
    fn end_those_that_came_since(&self, interrupted: Option<ListenerMark>) {
        let listeners = interrupted.map_or(0, |mark| self.hub.end_since(mark));
        if listeners > 0 {
            info!(listeners, "ended listeners that connected while notify messages could not be read; they reconnect");
        }
    }

    /// Ends all listeners, because messages may have been lost, and for whom they were is unknown.
    fn end_all(&self, position: Position) {
        let listeners = self.hub.end_since(ListenerMark::START);
        warn!(listeners, last_read = %position, "notify messages may have been lost; ended all listeners, which reconnect");
    }

    async fn deliver_all(&mut self, messages: Vec<BusMessage>) {
        for message in messages {
            self.position = Some(message.position);
            self.deliver(&message);
            // Yields, so that listeners take what they got before the next message: a burst ends no listener that keeps
            // up.
            tokio::task::yield_now().await;
        }
    }

    fn deliver(&self, message: &BusMessage) {
        match NotifyMessage::parse(&message.content) {
            Err(problem) => {
                warn!(position = %message.position, %problem, "skipped a notify message that cannot be read")
            }
            Ok(parsed) => {
                let delivered = self.hub.deliver(&parsed);
                debug!(position = %message.position, reached = delivered.reached, "delivered a notify message");
                if delivered.ended > 0 {
                    info!(listeners = delivered.ended, "ended listeners that fell too far behind; they reconnect");
                }
            }
        }
    }
}

#[cfg(test)]
#[path = "messages_tests.rs"]
mod tests;
