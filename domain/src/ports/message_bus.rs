//! How do changes and notify messages travel between the server and the instances of this service?
//! (spec: redis.md#follow)

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use super::Unavailable;

/// Two append-only streams of messages.
///
/// Ordering: a reader gets the messages of a channel in the order of their [`Position`]s, each once for every position
/// it asks after. Loss: messages may be trimmed before they are read, and a channel may be emptied and started again,
/// even at lower positions; [`Batch::follows`] says so. Every instance reads every message. Entries are handed over
/// unchanged, including those that do not parse.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait MessageBus: Send + Sync {
    /// Returns the position of the newest message; [`Position::START`] if there was none. MUST end in bounded time.
    async fn last_position(&self, channel: Channel) -> Result<Position, Unavailable>;

    /// Returns the messages after `after`, oldest first, at most [`READ_MESSAGES_MAX`], and whether they directly
    /// follow it.
    ///
    /// Waits until there is one, but MUST return (with an empty list) within [`READ_WAIT_SECONDS_MAX`] seconds plus a
    /// few for the transport. A reader of one channel MUST NOT delay a reader of the other, nor any other call. The
    /// future may be dropped while it waits; the next call then starts afresh.
    async fn read(&self, channel: Channel, after: Position) -> Result<Batch, Unavailable>;

    /// Appends `content` to the channel [`Channel::Notify`]; it is there once this returns. Old messages are trimmed,
    /// so that about [`NOTIFY_MESSAGES_MAX`] remain. MUST end in bounded time.
    async fn publish_notify(&self, content: &str) -> Result<(), Unavailable>;

    /// Returns whether the place where [`MessageBus::publish_notify`] writes answered when it was last asked something.
    /// Asks nothing now. An adapter that cannot tell always returns true.
    fn can_publish(&self) -> bool {
        true
    }
}

/// The maximum number of messages that one read returns; the next read returns the rest.
pub const READ_MESSAGES_MAX: usize = 500;

/// How long one read waits for a message, in seconds.
pub const READ_WAIT_SECONDS_MAX: u64 = 5;

/// About how many messages are kept on the channel of notify messages; older ones are dropped.
pub const NOTIFY_MESSAGES_MAX: usize = 10_000;

/// The result of one read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The messages, oldest first; none if the wait timed out.
    pub messages: Vec<BusMessage>,
    /// Whether certainly no message was lost between the position that was asked after and these.
    ///
    /// MUST be false if the message at that position is gone: what followed it may be gone too. After
    /// [`Position::START`], where there is no message, it MUST be false if as many messages are there as are kept
    /// ([`NOTIFY_MESSAGES_MAX`]). A replica that lags behind may not have the message yet; then it has nothing that
    /// follows either, and the list is empty.
    pub follows: bool,
}

/// One of the two streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channel {
    /// The changes of the meeting, written by the server.
    Autoupdate,
    /// The messages between clients, written by the instances of this service.
    Notify,
}

/// One message of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BusMessage {
    /// Its position.
    pub position: Position,
    /// Its content, which may not parse; empty if the entry has none.
    pub content: Vec<u8>,
    /// When it was appended, since 1970, by the clock of the bus, which may be wrong; `None` if the bus does not say.
    /// Only for measuring.
    pub appended_at: Option<Duration>,
}

/// A position in a channel. Only the adapter that created it knows what it means: an entry id, an offset, a sequence
/// number.
///
/// Later messages of a channel MUST have greater positions, and no message has [`Position::START`]. A position may only
/// be kept, compared, given back to the adapter it came from, and shown in the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position([u64; 2]);

impl Position {
    /// Before the first message.
    pub const START: Self = Self([0; 2]);

    /// Creates the position that an adapter knows by these numbers, which are compared one after the other.
    #[must_use]
    pub const fn from_numbers(numbers: [u64; 2]) -> Self {
        Self(numbers)
    }

    /// Returns the numbers it was created from, for the adapter that created it.
    #[must_use]
    pub const fn to_numbers(self) -> [u64; 2] {
        self.0
    }
}

/// For the log.
impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second] = self.0;
        write!(formatter, "{first}-{second}")
    }
}
