//! How do messages travel in memory?

use std::time::Duration;

use async_trait::async_trait;
use domain::ports::Unavailable;
use domain::ports::message_bus::{
    Batch, Channel, MessageBus, NOTIFY_MESSAGES_MAX, Position, READ_MESSAGES_MAX, READ_WAIT_SECONDS_MAX,
};
use tokio::time::timeout;

use super::MemoryServer;

/// The messages of a [`MemoryServer`].
#[derive(Clone, Debug)]
pub struct MemoryMessageBus {
    server: MemoryServer,
}

impl MemoryMessageBus {
    /// Reads and writes the channels of `server`.
    #[must_use]
    pub fn new(server: &MemoryServer) -> Self {
        Self { server: server.clone() }
    }

    fn batch(&self, channel: Channel, after: Position) -> Result<Batch, Unavailable> {
        let state = self.server.state()?;
        let stream = state.stream(channel);
        let first = stream.partition_point(|message| message.position <= after);
        let follows = match first.checked_sub(1) {
            None if after == Position::START => stream.len() < NOTIFY_MESSAGES_MAX,
            before => before.and_then(|before| stream.get(before)).is_some_and(|message| message.position == after),
        };
        Ok(Batch { messages: stream.iter().skip(first).take(READ_MESSAGES_MAX).cloned().collect(), follows })
    }
}

#[async_trait]
impl MessageBus for MemoryMessageBus {
    async fn last_position(&self, channel: Channel) -> Result<Position, Unavailable> {
        let state = self.server.state()?;
        Ok(state.stream(channel).back().map_or(Position::START, |message| message.position))
    }

    async fn read(&self, channel: Channel, after: Position) -> Result<Batch, Unavailable> {
        let mut written = self.server.written();
        let wait_for_one = async {
            loop {
                let batch = self.batch(channel, after)?;
                if !batch.messages.is_empty() || written.changed().await.is_err() {
                    return Ok(batch);
                }
            }
        };
        let waited = timeout(Duration::from_secs(READ_WAIT_SECONDS_MAX), wait_for_one).await;
        waited.unwrap_or_else(|_| self.batch(channel, after))
    }

    async fn publish_notify(&self, content: &str) -> Result<(), Unavailable> {
        // Only to find out whether it fails on demand.
        drop(self.server.state()?);
        self.server.append(Channel::Notify, content.as_bytes());
        Ok(())
    }
}
