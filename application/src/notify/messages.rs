//! How do the messages of the stream reach the listeners of this process? (spec: notify.md, Sending)

use std::sync::Arc;

use super::hub::{ListenerMark, NotifyHub};
use domain::notify::message::NotifyMessage;
use domain::ports::Unavailable;
use domain::ports::clock::Clock;
use domain::ports::message_bus::{BusMessage, Channel, MessageBus, Position};
use tracing::{debug, info, warn};

use crate::backoff::Backoff;

/// Delivers every message that is put on the stream from now on. Runs until it is dropped, which may be at any time.
///
/// While the bus does not answer it tries again, less and less often, and then goes on where it was. Listeners for whom
/// nobody knows which messages they should have got are ended, so that their clients connect anew.
pub async fn run_notify_loop(bus: Arc<dyn MessageBus>, hub: Arc<NotifyHub>, clock: Arc<dyn Clock>) {
    let mut reader = Reader::new(bus, hub);
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
    /// Who listened when the last step began that did not fail, if one failed since.
    interrupted: Option<ListenerMark>,
}

impl Reader {
    fn new(bus: Arc<dyn MessageBus>, hub: Arc<NotifyHub>) -> Self {
        Self { bus, hub, position: None, behind: None, interrupted: None }
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
        let Some(position) = self.position else {
            self.position = Some(self.bus.last_position(Channel::Notify).await?);
            self.interrupted = None;
            return Ok(());
        };
        let Some(mark) = self.interrupted else {
            let messages = self.bus.read(Channel::Notify, position).await?;
            if messages.is_empty() {
                return self.look_back(position).await;
            }
            self.deliver_all(messages).await;
            return Ok(());
        };
        // The message read last comes once more, to see whether it is still there.
        let mut messages = self.bus.read(Channel::Notify, position.before()).await?;
        self.interrupted = None;
        if messages.is_empty() {
            return self.look_back(position).await;
        }
        self.end_uncertain(position, mark, &messages);
        messages.retain(|message| message.position > position);
        self.deliver_all(messages).await;
        Ok(())
    }

    /// After an interruption: who came meanwhile must not get what was sent before, and if messages were trimmed away
    /// unread nobody must miss them silently. As nobody knows who that concerns, all of them are ended.
    fn end_uncertain(&self, position: Position, mark: ListenerMark, messages: &[BusMessage]) {
        let is_there = |message: &BusMessage| message.position == position;
        if position != Position::START && !messages.first().is_some_and(is_there) {
            let listeners = self.hub.end_since(ListenerMark::START);
            warn!(listeners, last_read = %position, "notify messages may have been lost; ended all listeners");
        } else if !messages.iter().all(is_there) {
            let listeners = self.hub.end_since(mark);
            if listeners > 0 {
                info!(listeners, "ended listeners that came while notify messages could not be read");
            }
        }
    }

    async fn deliver_all(&mut self, messages: Vec<BusMessage>) {
        self.behind = None;
        for message in messages {
            self.position = Some(message.position);
            self.deliver(&message);
            // The listeners take what they got before they get the next one: a burst ends nobody who keeps up.
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
#[path = "messages_tests.rs"]
mod tests;
