//! What may happen in a world? Every event makes sense by itself, so that any of them can be left out.

use domain::ports::element_store::Missing;
use domain::testing::strategies::Write;

pub use crate::mail::Receivers;

/// One thing that happens.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// So many milliseconds pass.
    Wait(u64),
    /// The meeting changes, and the stream is told, or not.
    Change(Vec<Write>, Told),
    /// Something is wrong with Redis until [`Event::Heal`].
    Fault(RedisFault),
    /// As [`Event::Fault`], for one instance only: the others reach Redis.
    CutOff(usize, RedisFault),
    /// Nothing is wrong with Redis any more.
    Heal,
    /// Every connection to Redis is closed once.
    DropRedisConnections,
    /// Only so many entries of the stream of changes stay.
    TrimStream(usize),
    /// The stream of changes is deleted.
    DeleteStream,
    /// So many of the newest entries of the stream of that name are lost.
    LoseEntries(&'static str, usize),
    /// Of the stream of messages only so many entries stay; 0: it is deleted.
    TrimMessages(usize),
    /// A part of the cache is gone; something is written nevertheless, or not; after so many milliseconds the cache is
    /// rebuilt.
    Lose(Missing, Vec<Write>, u64),
    /// Redis is emptied, sessions included; the cache is rebuilt after so many milliseconds.
    Flush(u64),
    /// The cache is rebuilt, which takes so many milliseconds.
    Rebuild(Lowest, u64),
    /// A replica has received everything up to now.
    Replicate,
    /// The replica becomes the primary: what was written since is lost.
    FailOver,
    /// As [`Event::FailOver`], and the next event comes before anybody has seen it.
    FailOverUnseen,
    /// The wall clocks of the service and of Redis are set forward.
    JumpClocks(u64),
    /// The user's sessions end.
    LogOut(u64),
    /// The user logs in (again).
    LogIn(u64),
    /// The user gets another password.
    ChangePassword(u64),
    /// An instance that runs is stopped as by a signal.
    Stop(usize),
    /// An instance that runs is killed.
    Kill(usize),
    /// An instance that does not run is started.
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

/// What the stream of changes is told about a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// The change.
    Once,
    /// Nothing.
    Never,
    /// The change, two times.
    Twice,
    /// The change, but after the next one.
    Late,
    /// Half of the change.
    Half,
}

/// What is wrong with Redis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedisFault {
    /// It cannot be reached.
    Closed,
    /// It does not answer.
    Silent,
    /// It answers so many milliseconds late.
    Late(u64),
    /// It closes the connection in the middle of an answer.
    Half,
    /// It refuses every command with this error.
    Refuses(&'static str),
}

/// How the lowest change id of a rebuilt cache compares with the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lowest {
    /// Higher than any id so far, as it is if clocks are right.
    Higher,
    /// Lower.
    Lower,
    /// The same.
    Same,
}

/// What a client does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Closes its connection, and stays away.
    Leave,
    /// Comes back, with what it has.
    Return,
    /// Loses its connection.
    Break,
    /// Stops reading.
    Stall,
    /// Reads on.
    Resume,
    /// Throws away what it has, and begins anew.
    Reload,
    /// Keeps in mind what it has now.
    Remember,
    /// Goes back to what it kept in mind, as a browser does whose tab was restored.
    GoBack,
    /// Claims an id that nobody gave yet.
    ClaimFuture,
    /// Goes to the next instance with its next connection.
    Move,
}

impl Event {
    /// Returns whether nothing has to heal after the event: a second later everybody has seen it.
    #[must_use]
    pub fn is_harmless(&self) -> bool {
        match self {
            Self::Change(_, told) => match told {
                Told::Once | Told::Twice | Told::Half => true,
                // The next comparison with the store finds it.
                Told::Never | Told::Late => false,
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
            Self::Change(_, told) => format!("change told {told:?}").to_lowercase(),
            Self::Fault(RedisFault::Refuses(error)) => {
                format!("Redis refuses: {}", error.split(' ').next().unwrap_or_default())
            }
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
