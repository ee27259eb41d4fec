//! How is the stream of changes read, whatever else the loop that follows it has to do? (spec: redis.md, Follow)

use std::sync::Arc;

use domain::ports::clock::Clock;
use domain::ports::message_bus::{BusMessage, Channel, MessageBus, Position};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tracing::{info, warn};

use crate::backoff::Backoff;

/// Reads the stream in a task of its own, so that a read that waits is never cut off by other work.
pub(crate) struct StreamReader {
    messages: mpsc::Receiver<Vec<BusMessage>>,
    /// Up to where the messages were handed over.
    pub(crate) position: Position,
    /// Ends the task when the reader is dropped.
    _task: JoinSet<()>,
}

impl StreamReader {
    /// Reads what comes after `position`.
    pub(crate) fn start(bus: &Arc<dyn MessageBus>, clock: &Arc<dyn Clock>, position: Position) -> Self {
        // What is read ahead while the loop is busy; the rest waits in the stream.
        const BATCHES_MAX: usize = 2;
        let (sender, messages) = mpsc::channel(BATCHES_MAX);
        let mut task = JoinSet::new();
        task.spawn(read(Arc::clone(bus), Arc::clone(clock), position, sender));
        Self { messages, position, _task: task }
    }

    /// The next messages, at least one.
    pub(crate) async fn next(&mut self) -> Vec<BusMessage> {
        let messages = match self.messages.recv().await {
            Some(messages) => messages,
            // The task ends only with the reader.
            None => std::future::pending().await,
        };
        if let Some(last) = messages.last() {
            self.position = last.position;
        }
        messages
    }
}

async fn read(
    bus: Arc<dyn MessageBus>,
    clock: Arc<dyn Clock>,
    mut position: Position,
    sender: mpsc::Sender<Vec<BusMessage>>,
) {
    let mut backoff = Backoff::default();
    loop {
        match bus.read(Channel::Autoupdate, position).await {
            Ok(messages) => {
                if backoff.attempts() > 0 {
                    info!("the stream of changes is read again");
                }
                backoff = Backoff::default();
                let Some(last) = messages.last() else { continue };
                position = last.position;
                if sender.send(messages).await.is_err() {
                    return;
                }
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
