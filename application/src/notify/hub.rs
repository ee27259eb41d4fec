//! Who listens, and whom does a message reach? (spec: notify.md#receivers)

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::future::poll_fn;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::delivery::line::SharedText;
use domain::ids::UserId;
use domain::notify::channel_id::{ChannelId, ProcessTag};
use domain::notify::message::{NotifyMessage, Recipients};

/// How far a listener may fall behind. One that would fall further behind is ended, so that its client reconnects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BufferLimits {
    /// The maximum number of messages that wait for one listener.
    pub messages_max: usize,
    /// The maximum number of bytes that wait for one listener. (Listeners share the bytes, but a slow one keeps them
    /// alive.) A single message is never too large.
    pub bytes_max: usize,
}

impl Default for BufferLimits {
    fn default() -> Self {
        Self { messages_max: 256, bytes_max: 8 * 1024 * 1024 }
    }
}

/// The connections of this process that listen for messages, by user and by channel id.
///
/// A listener gets every message delivered while it is subscribed, in order and exactly once, or is ended: it never
/// misses one in the middle. Deliveries whose order matters must not run concurrently.
pub struct NotifyHub {
    process: ProcessTag,
    limits: BufferLimits,
    // A std mutex, since it is never held across an await: a registration is one step in a tree.
    listeners: Mutex<Listeners>,
    reached: AtomicU64,
    ended: AtomicU64,
}

struct Listeners {
    next_counter: u64,
    /// Ordered so that the connections of a user are adjacent, and one tree answers all three questions.
    mailboxes: BTreeMap<Address, Arc<Mailbox>>,
}

/// What a channel id consists of within its process: the listening user, and the counter.
type Address = (Option<UserId>, u64);

/// A moment in the life of a hub: which connections had subscribed by then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenerMark(u64);

impl ListenerMark {
    /// Before the first connection.
    pub const START: Self = Self(0);
}

/// The result of one delivery, or of all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    /// How many listeners got the message.
    pub reached: usize,
    /// How many were ended because they were too far behind to get it.
    pub ended: usize,
}

impl NotifyHub {
    /// Creates a hub without listeners for the process that `process` identifies.
    #[must_use]
    pub fn new(process: ProcessTag, limits: BufferLimits) -> Self {
        let listeners = Mutex::new(Listeners { next_counter: 0, mailboxes: BTreeMap::new() });
        Self { process, limits, listeners, reached: AtomicU64::new(0), ended: AtomicU64::new(0) }
    }

    /// Registers a connection of `user` (`None`: anonymous), which gets every message delivered from now on.
    #[must_use]
    pub fn subscribe(self: &Arc<Self>, user: Option<UserId>) -> NotifySubscription {
        let mailbox = Arc::new(Mailbox::default());
        let mut listeners = self.listeners();
        let address = (user, listeners.next_counter);
        listeners.next_counter += 1;
        listeners.mailboxes.insert(address, Arc::clone(&mailbox));
        NotifySubscription { hub: Arc::clone(self), address, mailbox }
    }

    /// Puts the message into the buffer of each of its receivers, and wakes those that wait.
    pub fn deliver(&self, message: &NotifyMessage) -> Delivered {
        let mut delivered = Delivered::default();
        let line = SharedText::new(message.line.clone());
        for mailbox in self.mailboxes_of(&message.recipients) {
            match mailbox.push(&line, self.limits) {
                Pushed::Buffered => delivered.reached += 1,
                Pushed::Ended => delivered.ended += 1,
                Pushed::AlreadyEnded => {}
            }
        }
        self.reached.fetch_add(delivered.reached as u64, Ordering::Relaxed);
        self.ended.fetch_add(delivered.ended as u64, Ordering::Relaxed);
        delivered
    }

    /// Returns a mark; [`Self::end_since`] ends the connections that subscribe after it.
    #[must_use]
    pub fn mark(&self) -> ListenerMark {
        ListenerMark(self.listeners().next_counter)
    }

    /// Ends every listener that subscribed after `mark` was taken, once it has read what is waiting for it; its client
    /// reconnects. Returns how many were ended.
    pub fn end_since(&self, mark: ListenerMark) -> usize {
        let later: Vec<_> = {
            let listeners = self.listeners();
            let later = listeners.mailboxes.iter().filter(|((_, counter), _)| *counter >= mark.0);
            later.map(|(_, mailbox)| Arc::clone(mailbox)).collect()
        };
        later.into_iter().filter(|mailbox| mailbox.end()).count()
    }

    /// Returns the totals of all deliveries since the hub was created.
    #[must_use]
    pub fn delivered(&self) -> Delivered {
        let count = |total: &AtomicU64| usize::try_from(total.load(Ordering::Relaxed)).unwrap_or(usize::MAX);
        Delivered { reached: count(&self.reached), ended: count(&self.ended) }
    }

    /// Returns how many connections listen.
    #[must_use]
    pub fn listeners_count(&self) -> usize {
        self.listeners().mailboxes.len()
    }

    /// Each receiver once, however it matches. The work is bounded by the number of receivers or of listeners,
    /// whichever is smaller.
    fn mailboxes_of(&self, recipients: &Recipients) -> Vec<Arc<Mailbox>> {
        let listeners = self.listeners();
        if recipients.all {
            return listeners.mailboxes.values().cloned().collect();
        }
        if recipients.users.len() + recipients.channels.len() > listeners.mailboxes.len() {
            let all = listeners.mailboxes.iter();
            let named = all.filter(|(address, _)| recipients.names(self.channel_id(**address)));
            return named.map(|(_, mailbox)| Arc::clone(mailbox)).collect();
        }
        let of_users = recipients.users.iter().flat_map(|user| {
            listeners.mailboxes.range((*user, 0)..=(*user, u64::MAX)).map(|(_, mailbox)| Arc::clone(mailbox))
        });
        let by_channel = recipients
            .channels
            .iter()
            .filter(|channel| channel.process == self.process && !recipients.names_user(channel.user))
            .filter_map(|channel| listeners.mailboxes.get(&(channel.user, channel.counter)).cloned());
        of_users.chain(by_channel).collect()
    }

    fn channel_id(&self, (user, counter): Address) -> ChannelId {
        ChannelId { process: self.process, user, counter }
    }

    fn listeners(&self) -> MutexGuard<'_, Listeners> {
        // No critical section can be left half done, so a panic elsewhere does not corrupt the tree.
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for NotifyHub {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("NotifyHub")
            .field("process", &self.process)
            .field("limits", &self.limits)
            .field("listeners", &self.listeners_count())
            .finish()
    }
}

/// The messages for one connection. Dropping it unregisters the connection.
pub struct NotifySubscription {
    hub: Arc<NotifyHub>,
    address: Address,
    mailbox: Arc<Mailbox>,
}

impl NotifySubscription {
    /// Returns the channel id of the connection.
    #[must_use]
    pub fn channel_id(&self) -> ChannelId {
        self.hub.channel_id(self.address)
    }

    /// Returns the next line, including its line end; `None` once the listener is ended, because it fell too far behind
    /// or may have missed messages.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<SharedText>> {
        self.mailbox.poll_pop(context)
    }

    /// Waits for what [`Self::poll_next`] returns. Nothing is lost if the future is dropped.
    pub async fn next(&mut self) -> Option<SharedText> {
        poll_fn(|context| self.poll_next(context)).await
    }
}

impl Drop for NotifySubscription {
    fn drop(&mut self) {
        self.hub.listeners().mailboxes.remove(&self.address);
    }
}

impl fmt::Debug for NotifySubscription {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Subscription").field("channel_id", &self.channel_id()).finish_non_exhaustive()
    }
}

/// What waits for one listener. It has its own lock, so that a delivery to thousands never delays readers.
#[derive(Default)]
struct Mailbox(Mutex<Buffer>);

#[derive(Default)]
struct Buffer {
    lines: VecDeque<SharedText>,
    bytes: usize,
    is_ended: bool,
    reader: Option<Waker>,
}

enum Pushed {
    Buffered,
    Ended,
    AlreadyEnded,
}

/// An emptied buffer keeps room for this many lines; what a burst added beyond that is freed.
const ROOM_KEPT_LINES_MAX: usize = 8;

impl Mailbox {
    fn push(&self, line: &SharedText, limits: BufferLimits) -> Pushed {
        let (pushed, reader) = {
            let mut buffer = self.buffer();
            (buffer.push(line, limits), buffer.reader.take())
        };
        // Outside of the lock: the reader may run at once and need it.
        if let Some(reader) = reader {
            reader.wake();
        }
        pushed
    }

    /// Returns false if the listener was ended before.
    fn end(&self) -> bool {
        let (was_ended, reader) = {
            let mut buffer = self.buffer();
            (std::mem::replace(&mut buffer.is_ended, true), buffer.reader.take())
        };
        if let Some(reader) = reader {
            reader.wake();
        }
        !was_ended
    }

    fn poll_pop(&self, context: &mut Context<'_>) -> Poll<Option<SharedText>> {
        let mut buffer = self.buffer();
        if let Some(line) = buffer.pop() {
            return Poll::Ready(Some(line));
        }
        if buffer.is_ended {
            return Poll::Ready(None);
        }
        match &mut buffer.reader {
            Some(reader) => reader.clone_from(context.waker()),
            reader @ None => *reader = Some(context.waker().clone()),
        }
        Poll::Pending
    }

    fn buffer(&self) -> MutexGuard<'_, Buffer> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Buffer {
    fn push(&mut self, line: &SharedText, limits: BufferLimits) -> Pushed {
        if self.is_ended {
            return Pushed::AlreadyEnded;
        }
        let is_full = self.lines.len() >= limits.messages_max || self.bytes + line.plain().len() > limits.bytes_max;
        if is_full && !self.lines.is_empty() {
            // Waiting messages are dropped with the rest: the client misses the end, which it notices, and nothing
            // before that.
            *self = Self { is_ended: true, reader: self.reader.take(), ..Self::default() };
            return Pushed::Ended;
        }
        self.bytes += line.plain().len();
        self.lines.push_back(line.clone());
        Pushed::Buffered
    }

    fn pop(&mut self) -> Option<SharedText> {
        let line = self.lines.pop_front()?;
        self.bytes -= line.plain().len();
        if self.lines.is_empty() && self.lines.capacity() > ROOM_KEPT_LINES_MAX {
            self.lines = VecDeque::new();
        }
        Some(line)
    }
}

#[cfg(test)]
#[path = "hub_tests.rs"]
mod tests;
