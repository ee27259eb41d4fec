//! How is one Redis asked so that the answer comes in bounded time and no bad connection is reused?

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use domain::ports::Unavailable;
use redis::{ErrorKind, FromRedisValue, Pipeline, RedisError, ServerErrorKind};
use tokio::time::timeout;

use super::connect::{Connector, Dedicated};
use super::limits::RedisLimits;
use super::refusal::{RedisRefusal, RefusalKind, describe};
use super::refusal_log::RefusalLog;
use super::transaction::{self, TransactionError};
use crate::system::SystemClock;

/// What operators call it, in errors and log lines.
pub(super) const SYSTEM: &str = "Redis";

/// The error code for a key that holds another kind of value than was asked for.
const WRONG_TYPE: &str = "WRONGTYPE";

/// The way to one Redis. Cloning is cheap.
#[derive(Clone)]
pub(super) struct RedisLink {
    /// Where it leads, for errors; contains no secret.
    name: Arc<str>,
    connector: Arc<dyn Connector>,
    pub(super) limits: RedisLimits,
    failures: Arc<AtomicU64>,
    refusals: Arc<RefusalLog>,
    is_tls: bool,
    /// Whether it has ever answered: then TLS is on or off as configured.
    has_answered: Arc<AtomicBool>,
    /// Whether it answered when it was last asked; a refusal is an answer too.
    is_up: Arc<AtomicBool>,
}

impl RedisLink {
    pub(super) fn new(name: String, is_tls: bool, connector: Arc<dyn Connector>, limits: RedisLimits) -> Self {
        let refusals = Arc::new(RefusalLog::new(Arc::new(SystemClock::new())));
        Self {
            name: name.into(),
            connector,
            limits,
            failures: Arc::default(),
            refusals,
            is_tls,
            has_answered: Arc::default(),
            is_up: Arc::default(),
        }
    }

    /// Returns whether the other one leads to the same place over the same connections.
    pub(super) fn is_same_as(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.connector, &other.connector)
    }

    /// Sends commands and reads their answers within the time of a request. `what` names the request in errors.
    pub(super) async fn ask<T: FromRedisValue>(&self, what: &str, commands: &Pipeline) -> Result<T, Unavailable> {
        self.ask_within(self.limits.request, what, commands).await
    }

    /// Sends commands and reads their answers within `limit`.
    pub(super) async fn ask_within<T: FromRedisValue>(
        &self,
        limit: Duration,
        what: &str,
        commands: &Pipeline,
    ) -> Result<T, Unavailable> {
        self.within(limit, commands).await.map_err(|problem| self.failed(what, problem, commands))
    }

    /// Returns the text at `key`; `None` if there is nothing, or something that is not text.
    pub(super) async fn text_at(&self, what: &str, key: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        let mut commands = redis::pipe();
        commands.get(key);
        match self.within(self.limits.request, &commands).await {
            Ok((value,)) => Ok(value),
            Err(LinkProblem::Error(error)) if is_wrong_type(&error) => Ok(None),
            Err(problem) => Err(self.failed(what, problem, &commands)),
        }
    }

    /// Returns why Redis refuses the commands; `None` if it runs them, or only complains of their arguments.
    pub(super) async fn refusal(&self, commands: &Pipeline) -> Result<Option<RedisRefusal>, Unavailable> {
        let refusal = match self.within::<redis::Value>(self.limits.load, commands).await {
            Ok(_) => return Ok(None),
            Err(LinkProblem::Refused(refusal)) => refusal,
            Err(LinkProblem::Error(error)) => match RedisRefusal::of(&error, Some(commands)) {
                Some(refusal) => refusal,
                None => return Err(self.unavailable_by("checking the rights", &error, None)),
            },
            Err(problem) => return Err(self.failed("checking the rights", problem, commands)),
        };
        // Whatever state it left a connection in.
        self.connector.forget_idle();
        Ok((refusal.kind != RefusalKind::Other).then_some(refusal))
    }

    /// Returns where it leads; contains no secret.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    async fn within<T: FromRedisValue>(&self, limit: Duration, commands: &Pipeline) -> Result<T, LinkProblem> {
        match timeout(limit, self.ask_twice_if_read_only(commands)).await {
            Ok(answer) => answer,
            Err(_) => {
                // If one connection is dead, so are the others: nobody else should wait for them.
                self.connector.forget_idle();
                self.is_up.store(false, Ordering::Relaxed);
                Err(LinkProblem::Late(limit))
            }
        }
    }

    fn failed(&self, what: &str, problem: LinkProblem, commands: &Pipeline) -> Unavailable {
        match problem {
            LinkProblem::Refused(refusal) => self.refused(what, &refusal),
            LinkProblem::Error(error) => self.unavailable_by(what, &error, Some(commands)),
            LinkProblem::Late(limit) => self.unavailable(what, &format!("no answer within {limit:?}")),
        }
    }

    /// Returns and counts the error that `what` failed here because of an error of the library; a refusal is logged.
    /// `commands` are those that were sent, if it came that far.
    pub(super) fn unavailable_by(&self, what: &str, error: &RedisError, commands: Option<&Pipeline>) -> Unavailable {
        match RedisRefusal::of(error, commands) {
            Some(refusal) => self.refused(what, &refusal),
            None => self.unavailable(what, &format!("{}{}", describe(error), self.hint_at_tls(error))),
        }
    }

    /// Returns what to try where Redis has never answered. A Redis without TLS waits for the end of what it takes for a
    /// command; one with TLS disconnects clients that do not begin with it, or answers in its own protocol.
    fn hint_at_tls(&self, error: &RedisError) -> &'static str {
        let is_cut = error.is_connection_dropped() && !error.is_connection_refusal();
        let is_no_answer = is_cut || error.kind() == ErrorKind::Parse;
        match (self.has_answered.load(Ordering::Relaxed), self.is_tls) {
            (false, true) if error.is_timeout() => {
                "; if it does not speak TLS there, use redis:// in place of rediss://"
            }
            (false, false) if is_no_answer => "; if it speaks TLS there, use rediss:// in place of redis://",
            _ => "",
        }
    }

    fn refused(&self, what: &str, refusal: &RedisRefusal) -> Unavailable {
        self.refusals.note(&self.name, refusal);
        match (refusal.public(), self.unavailable(what, &refusal.error)) {
            (Some(refused), Unavailable::Silent { system, cause }) => {
                Unavailable::Refused { system, what: refused, cause }
            }
            (_, silent) => silent,
        }
    }

    /// A demoted primary still answers PING, so it stays in the pool, but refuses to write. Then all its connections
    /// are worthless; a new one leads to the new primary. The refused command had no effect, so it is safe to repeat
    /// it.
    async fn ask_twice_if_read_only<T: FromRedisValue>(&self, commands: &Pipeline) -> Result<T, LinkProblem> {
        match self.ask_once(commands).await {
            Err(LinkProblem::Error(error)) if error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly) => {
                self.connector.forget_idle();
                self.ask_once(commands).await
            }
            answer => answer,
        }
    }

    async fn ask_once<T: FromRedisValue>(&self, commands: &Pipeline) -> Result<T, LinkProblem> {
        let mut lease = match self.connector.lease().await {
            Ok(lease) => lease,
            Err(error) => {
                self.is_up.store(false, Ordering::Relaxed);
                return Err(LinkProblem::Error(error));
            }
        };
        let given_back = || LinkProblem::Error((ErrorKind::Client, "the connection was given back").into());
        let connection = lease.connection().ok_or_else(given_back)?;
        let answer = if commands.is_transaction() {
            transaction::run(connection, commands).await.map_err(LinkProblem::from)
        } else {
            commands.query_async(connection).await.map_err(LinkProblem::Error)
        };
        let is_usable = match &answer {
            Ok(_) | Err(LinkProblem::Refused(_)) => true,
            Err(LinkProblem::Error(error)) => leaves_the_connection_usable(error),
            Err(LinkProblem::Late(_)) => false,
        };
        self.is_up.store(is_usable, Ordering::Relaxed);
        if is_usable {
            self.has_answered.store(true, Ordering::Relaxed);
            lease.give_back();
        }
        answer
    }

    /// Opens a dedicated connection.
    pub(super) async fn dedicated(&self, what: &str) -> Result<Dedicated, Unavailable> {
        match timeout(self.limits.connect, self.connector.dedicated()).await {
            Ok(connection) => connection.map_err(|error| self.unavailable_by(what, &error, None)),
            Err(_) => {
                let error = RedisError::from(io::Error::from(io::ErrorKind::TimedOut));
                let hint = self.hint_at_tls(&error);
                Err(self.unavailable(what, &format!("no connection within {:?}{hint}", self.limits.connect)))
            }
        }
    }

    /// Returns whether the connection leads where a new one would.
    pub(super) fn is_present(&self, connection: &Dedicated) -> bool {
        connection.epoch == self.epoch()
    }

    /// Returns once new connections lead elsewhere than those of this epoch.
    pub(super) async fn until_moved(&self, epoch: u64) {
        self.connector.until_moved(epoch).await;
    }

    /// Returns a number that grows when the way begins to lead to another Redis.
    pub(super) fn epoch(&self) -> u64 {
        self.connector.epoch()
    }

    /// Returns whether Redis answered when it was last asked here, if only that it refuses; false before the first time.
    pub(super) fn is_up(&self) -> bool {
        self.is_up.load(Ordering::Relaxed)
    }

    /// Returns how often something failed here.
    pub(super) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Returns and counts the error that `what` failed here.
    pub(super) fn unavailable(&self, what: &str, problem: &str) -> Unavailable {
        self.failures.fetch_add(1, Ordering::Relaxed);
        let cause = format!("{SYSTEM} at {}: {what}: {problem}", self.name);
        Unavailable::Silent { system: SYSTEM, cause }
    }
}

/// Why there is no answer.
enum LinkProblem {
    Error(RedisError),
    Refused(RedisRefusal),
    Late(Duration),
}

impl From<TransactionError> for LinkProblem {
    fn from(error: TransactionError) -> Self {
        match error {
            TransactionError::Library(error) => Self::Error(error),
            TransactionError::Refused(refusal) => Self::Refused(refusal),
        }
    }
}

impl fmt::Debug for RedisLink {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Link({})", self.name)
    }
}

/// The key that was asked for holds another kind of value.
fn is_wrong_type(error: &RedisError) -> bool {
    let of_commands = error.clone().into_server_errors();
    of_commands.is_some_and(|errors| errors.iter().any(|(_, error)| error.code() == WRONG_TYPE))
}

/// The server answered, if only that it refuses.
fn leaves_the_connection_usable(error: &RedisError) -> bool {
    match error.kind() {
        ErrorKind::Server(kind) => kind != ServerErrorKind::ReadOnly,
        ErrorKind::UnexpectedReturnType | ErrorKind::Extension => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(error: RedisError, usable: bool) {
        assert_eq!(leaves_the_connection_usable(&error), usable, "{error}");
    }

    #[test]
    fn errors_tell_whether_the_connection_is_usable() {
        let server = |kind| RedisError::from((ErrorKind::Server(kind), "the server says"));
        check(server(ServerErrorKind::BusyLoading), true);
        check(server(ServerErrorKind::ReadOnly), false);
        check(RedisError::from(std::io::Error::other("gone")), false);
        check(RedisError::from((ErrorKind::UnexpectedReturnType, "was")), true);
        check(RedisError::from((ErrorKind::Parse, "was")), false);
        check(RedisError::from((ErrorKind::Extension, "ERR")), true);
    }
}
