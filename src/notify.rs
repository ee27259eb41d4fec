//! How do the messages of the stream reach the listeners of this process? (spec: notify.md, Sending)

use std::sync::Arc;

use domain::notify::message::NotifyMessage;
use domain::notify::routing::NotifyHub;
use domain::ports::Unavailable;
use domain::ports::clock::Clock;
use domain::ports::message_bus::{BusMessage, Channel, MessageBus, Position};
use tracing::{debug, info, warn};

use crate::backoff::Backoff;

/// Delivers every message that is put on the stream from now on. Runs until it is dropped, which may be at any time.
///
/// While the bus does not answer it tries again, less and less often, and then goes on where it was.
pub(crate) async fn run_notify_loop(bus: Arc<dyn MessageBus>, hub: Arc<NotifyHub>, clock: Arc<dyn Clock>) {
    let mut reader = Reader { bus, hub, position: None, behind: None };
    let mut backoff = Backoff::default();
    loop {
        match reader.step().await {
            Ok(()) => {
                if backoff.attempts() > 0 {
                    info!(failures = backoff.attempts(), "notify messages are read again");
                }
                backoff = Backoff::default();
            }
            Err(error) => {
                let wait = backoff.wait();
                // The first in a row, then the second, fourth, eighth…
                if backoff.attempts().is_power_of_two() {
                    warn!(%error, failures = backoff.attempts(), "cannot read notify messages; trying again");
                }
                clock.sleep(wait).await;
            }
        }
    }
}

struct Reader {
    bus: Arc<dyn MessageBus>,
    hub: Arc<NotifyHub>,
    /// The last message that was read; `None` until the bus answered for the first time.
    position: Option<Position>,
    /// The newest message of the stream, if that was before ours when it was last looked at.
    behind: Option<Position>,
}

impl Reader {
    async fn step(&mut self) -> Result<(), Unavailable> {
        let Some(position) = self.position else {
            self.position = Some(self.bus.last_position(Channel::Notify).await?);
            return Ok(());
        };
        let messages = self.bus.read(Channel::Notify, position).await?;
        if messages.is_empty() {
            return self.look_back(position).await;
        }
        self.behind = None;
        for message in messages {
            self.position = Some(message.position);
            self.deliver(&message);
            // The listeners take what they got before they get the next one: a burst ends nobody who keeps up.
            tokio::task::yield_now().await;
        }
        Ok(())
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
                    info!(listeners = delivered.ended, "ended listeners that fell too far behind");
                }
            }
        }
    }

    /// Has the stream gone back behind our position? Then nothing would be read until it gets there again.
    ///
    /// A single look is not enough, as another replica may lag behind for a moment; going back with it would deliver
    /// messages twice. A stream that is still behind after the wait of another read is another stream: we go on from
    /// where it stood at the first look, so that nothing put on it since is lost.
    async fn look_back(&mut self, position: Position) -> Result<(), Unavailable> {
        let newest = self.bus.last_position(Channel::Notify).await?;
        if newest >= position {
            self.behind = None;
            return Ok(());
        }
        match self.behind.take() {
            None => self.behind = Some(newest),
            Some(first) => {
                let resumed = first.min(newest);
                warn!(was = %position, is = %resumed, "the stream of notify messages went back; reading on from there");
                self.position = Some(resumed);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "notify_tests.rs"]
mod tests;
