//! What can happen in a world? Every event makes sense on its own, so that any of them can be left out.

use domain::ports::element_store::MeetingPart;
use domain::testing::strategies::Write;

pub use crate::mail::Receivers;

/// One thing that happens.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// This many milliseconds pass.
    Wait(u64),
    /// The meeting changes, which is announced on the stream or not.
    Change(Vec<Write>, Announced),
    /// Redis has this fault until [`Event::Heal`].
    Fault(RedisFault),
    /// As [`Event::Fault`], for one instance only: the others reach Redis.
    CutOff(usize, RedisFault),
    /// Nothing is wrong with Redis any more.
    Heal,
    /// Every open connection to Redis is closed.
    DropRedisConnections,
    /// The stream of changes is trimmed to this many entries.
    TrimStream(usize),
    /// The stream of changes is deleted.
    DeleteStream,
    /// So many of the newest entries of the stream of that name are lost.
    LoseEntries(&'static str, usize),
    /// Of the stream of messages only so many entries stay; 0: it is deleted.
    TrimMessages(usize),
    /// A part of the cache is gone; something is written nevertheless, or not; after so many milliseconds the cache is
    /// rebuilt.
    Lose(MeetingPart, Vec<Write>, u64),
    /// Redis is emptied, sessions included; the cache is rebuilt after so many milliseconds.
    Flush(u64),
    /// The cache is rebuilt, which takes this many milliseconds.
    Rebuild(Lowest, u64),
    /// A replica receives everything up to now.
    Replicate,
    /// The replica becomes the primary: everything written since it was last updated is lost.
    FailOver,
    /// As [`Event::FailOver`], and the next event comes before anybody has seen it.
    FailOverUnseen,
    /// The sentinels make the replica the primary, which they say after so many milliseconds; the next event may come
    /// before anybody has seen it.
    FailOverBySentinels(OldPrimary, u64, IsSeen),
    /// The wall clocks of the service and of Redis are set forward.
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
    /// An instance that runs is stopped as by a signal, and another one started in its place.
    Replace(usize),
    /// A client does something.
    Client(usize, Act),
    /// The user of a client asks for a stream with this `change_id`, and gets an answer to that.
    Nonsense(usize, &'static str),
    /// The user of a client sends a message.
    Send(usize, Receivers),
    /// The user of a client applauds.
    Applaud(usize),
    /// All is well for a while; then everything is checked.
    Quiet,
    /// A second passes. If all has been well since the last [`Event::Quiet`], everybody who is connected is checked: the
    /// timers that make up for much have not made up for anything yet.
    Glance,
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
    /// It refuses to read streams, with this error.
    RefusesReading(&'static str),
}

/// What a Redis does that was the primary until a fail-over, until it is healed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OldPrimary {
    /// It cannot be reached.
    Gone,
    /// It does not answer.
    Silent,
    /// It closes its connections; new ones can read what it had.
    Cuts,
    /// It goes on answering reads with what it had.
    Answers,
}

/// Whether everybody has the time to see what happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IsSeen {
    /// The next event comes at once.
    No,
    /// The next event comes later.
    Yes,
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
    /// Returns whether nothing has to heal after the event: a second later everybody has seen it.
    #[must_use]
    pub fn is_harmless(&self) -> bool {
        match self {
            Self::Change(_, told) => match told {
                Announced::Once | Announced::Twice | Announced::Half => true,
                // The next comparison with the store finds it.
                Announced::Never | Announced::Late => false,
            },
            Self::Wait(_)
            | Self::Nonsense(..)
            | Self::Send(..)
            | Self::Applaud(_)
            | Self::Heal
            | Self::Replicate
            | Self::LogIn(_)
            | Self::ChangePassword(_)
            | Self::Client(..)
            | Self::Quiet
            | Self::Glance => true,
            Self::Fault(_)
            | Self::CutOff(..)
            | Self::DropRedisConnections
            | Self::TrimStream(_)
            | Self::DeleteStream
            | Self::LoseEntries(..)
            | Self::TrimMessages(_)
            | Self::Replace(_)
            | Self::Lose(..)
            | Self::Flush(_)
            | Self::Rebuild(..)
            | Self::FailOver
            | Self::FailOverUnseen
            | Self::FailOverBySentinels(..)
            | Self::JumpClocks(_)
            // Its streams end with the next check of sessions.
            | Self::LogOut(_)
            | Self::Stop(_)
            | Self::Kill(_)
            | Self::Start(_) => false,
        }
    }

    /// Returns what kind of event it is, for counting.
    #[must_use]
    pub fn kind(&self) -> String {
        match self {
            Self::Change(_, announced) => format!("change announced {announced:?}").to_lowercase(),
            Self::Fault(RedisFault::Refuses(error)) => {
                format!("Redis refuses: {}", error.split(' ').next().unwrap_or_default())
            }
            Self::Fault(RedisFault::RefusesReading(_)) => "Redis refuses to read streams".to_owned(),
            Self::Fault(RedisFault::Late(_)) => "Redis is late".to_owned(),
            Self::Fault(fault) => format!("Redis is {fault:?}").to_lowercase().replace("redis", "Redis"),
            Self::Rebuild(lowest, _) => format!("rebuilt, lowest id {lowest:?}").to_lowercase(),
            Self::Lose(part, ..) => format!("lost: {part:?}"),
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
            Self::FailOverUnseen => "failed over, and nobody had the time to see it".to_owned(),
            Self::FailOverBySentinels(old, ..) => format!("failed over by sentinels; the old primary: {old:?}"),
            Self::Stop(_) => "instance stopped".to_owned(),
            Self::Kill(_) => "instance killed".to_owned(),
            Self::Start(_) => "instance started".to_owned(),
            Self::Replace(_) => "instance replaced".to_owned(),
            Self::Nonsense(..) => "nonsense change id".to_owned(),
            Self::Send(_, Receivers::All) => "message to all".to_owned(),
            Self::Send(_, Receivers::User(_)) => "message to a user".to_owned(),
            Self::Send(_, Receivers::Connection(_)) => "message to a connection".to_owned(),
            Self::Applaud(_) => "applause".to_owned(),
            Self::Heal => "healed".to_owned(),
            Self::Quiet => "quiet moment".to_owned(),
            Self::Glance => "glance".to_owned(),
            Self::LoseEntries(stream, _) => format!("entries of the stream {stream} lost"),
            Self::TrimMessages(_) => "stream of messages trimmed".to_owned(),
            Self::CutOff(_, fault) => format!("one instance: {}", Self::Fault(*fault).kind()),
        }
    }
}
