//! What can happen in a world? Every event makes sense on its own, so that any of them can be left out.

use domain::ports::element_store::MeetingPart;
use domain::testing::strategies::Write;

/// Something that happens in a world.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// This many milliseconds pass.
    Wait(u64),
    /// The meeting changes, which is announced on the stream or not.
    Change(Vec<Write>, Announced),
    /// Redis has this fault until [`Event::Heal`].
    Fault(RedisFault),
    /// Redis works again.
    Heal,
    /// Every open connection to Redis is closed.
    DropRedisConnections,
    /// The stream of changes is trimmed to this many entries.
    TrimStream(usize),
    /// The stream of changes is deleted.
    DeleteStream,
    /// A part of the cache is lost; after this many milliseconds the cache is rebuilt.
    Lose(MeetingPart, u64),
    /// Redis is emptied, including sessions; after this many milliseconds the cache is rebuilt.
    Flush(u64),
    /// The cache is rebuilt, which takes this many milliseconds.
    Rebuild(Lowest, u64),
    /// A replica receives everything up to now.
    Replicate,
    /// The replica becomes the primary: everything written since it was last updated is lost.
    FailOver,
    /// The wall clocks of the service and of Redis are advanced by this many seconds.
    JumpClocks(u64),
    /// The user's sessions end.
    LogOut(u64),
    /// The user logs in, possibly again.
    LogIn(u64),
    /// The user's password changes.
    ChangePassword(u64),
    /// A running instance is stopped as by a signal.
    Stop(usize),
    /// A running instance is killed.
    Kill(usize),
    /// A stopped instance is started.
    Start(usize),
    /// A client does something.
    Client(usize, Act),
    /// Nothing happens for a while, then everything is checked.
    Quiet,
}

/// How a change is announced on the stream of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Announced {
    /// Once, as it should be.
    Once,
    /// Not at all.
    Never,
    /// Two times.
    Twice,
    /// After the next change.
    Late,
    /// With a truncated entry.
    Half,
}

/// A fault of Redis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedisFault {
    /// It cannot be reached.
    Closed,
    /// It does not answer.
    Silent,
    /// It answers this many milliseconds late.
    Late(u64),
    /// It closes the connection in the middle of an answer.
    Half,
    /// It refuses every command with this error.
    Refuses(&'static str),
}

/// How the lowest change id of a rebuilt cache compares with the previous one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lowest {
    /// Higher than any id so far, as when clocks are right.
    Higher,
    /// Lower.
    Lower,
    /// The same.
    Same,
}

/// What a client does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Disconnects, and stays offline.
    Leave,
    /// Comes back online, with what it has.
    Return,
    /// Loses its connection.
    Break,
    /// Stops reading.
    Stall,
    /// Resumes reading.
    Resume,
    /// Discards what it has, and starts over.
    Reload,
    /// Remembers what it has now.
    Remember,
    /// Goes back to what it remembered, like a browser that restores a tab.
    GoBack,
    /// Claims a change id that does not exist yet.
    ClaimFuture,
    /// Uses the next instance for its next connection.
    Move,
}

impl Event {
    /// Returns what kind of event it is, for counting.
    #[must_use]
    pub fn kind(&self) -> String {
        match self {
            Self::Change(_, announced) => format!("change announced {announced:?}").to_lowercase(),
            Self::Fault(RedisFault::Refuses(error)) => {
                format!("Redis refuses: {}", error.split(' ').next().unwrap_or_default())
            }
            Self::Fault(RedisFault::Late(_)) => "Redis is late".to_owned(),
            Self::Fault(fault) => format!("Redis is {fault:?}").to_lowercase().replace("redis", "Redis"),
            Self::Rebuild(lowest, _) => format!("rebuilt, lowest id {lowest:?}").to_lowercase(),
            Self::Lose(part, _) => format!("lost: {part:?}"),
            Self::Client(_, act) => format!("client: {act:?}"),
            Self::Wait(_) => "wait".to_owned(),
            Self::LogOut(_) => "log out".to_owned(),
            Self::LogIn(_) => "log in".to_owned(),
            Self::ChangePassword(_) => "password changed".to_owned(),
            Self::TrimStream(_) => "stream trimmed".to_owned(),
            Self::DeleteStream => "stream deleted".to_owned(),
            Self::Flush(_) => "Redis flushed".to_owned(),
            Self::JumpClocks(_) => "clocks jump".to_owned(),
            Self::DropRedisConnections => "Redis connections dropped".to_owned(),
            Self::Replicate => "replicated".to_owned(),
            Self::FailOver => "failed over to an older state".to_owned(),
            Self::Stop(_) => "instance stopped".to_owned(),
            Self::Kill(_) => "instance killed".to_owned(),
            Self::Start(_) => "instance started".to_owned(),
            Self::Heal => "healed".to_owned(),
            Self::Quiet => "quiet moment".to_owned(),
        }
    }
}
