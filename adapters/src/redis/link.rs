//! How is one Redis asked, so that the answer comes in bounded time and a bad connection is not used again?

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use domain::ports::Unavailable;
use redis::{ErrorKind, FromRedisValue, Pipeline, RedisError, ServerErrorKind};
use tokio::time::timeout;

use super::connect::{Connector, Dedicated};
use super::limits::RedisLimits;

/// The code of the error that a key holds another kind of value than was asked for.
const WRONG_TYPE: &str = "WRONGTYPE";

/// The way to one Redis. Cloning is cheap.
#[derive(Clone)]
pub(super) struct Link {
    /// Where it leads, for errors; holds no secret.
    name: Arc<str>,
    connector: Arc<dyn Connector>,
    pub(super) limits: RedisLimits,
    failures: Arc<AtomicU64>,
}

impl Link {
    pub(super) fn new(name: String, connector: Arc<dyn Connector>, limits: RedisLimits) -> Self {
        Self { name: name.into(), connector, limits, failures: Arc::default() }
    }

    /// Does the other one lead to the same place by the same connections?
    pub(super) fn is_same_as(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.connector, &other.connector)
    }

    /// Sends commands and reads their answers within the time of a request. `what` names it in errors.
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
        self.within(limit, commands).await.map_err(|problem| self.failed(what, problem))
    }

    /// The text at `key`; `None` if there is nothing, or something that is no text.
    pub(super) async fn text_at(&self, what: &str, key: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        let mut commands = redis::pipe();
        commands.get(key);
        match self.within(self.limits.request, &commands).await {
            Ok((value,)) => Ok(value),
            Err(Problem::Error(error)) if is_wrong_type(&error) => Ok(None),
            Err(problem) => Err(self.failed(what, problem)),
        }
    }

    async fn within<T: FromRedisValue>(&self, limit: Duration, commands: &Pipeline) -> Result<T, Problem> {
        match timeout(limit, self.ask_twice_if_read_only(commands)).await {
            Ok(answer) => answer.map_err(Problem::Error),
            Err(_) => {
                // Where one connection leads nowhere the others do not lead further: nobody else shall wait for that.
                self.connector.forget_idle();
                Err(Problem::Late(limit))
            }
        }
    }

    fn failed(&self, what: &str, problem: Problem) -> Unavailable {
        match problem {
            Problem::Error(error) => self.unavailable(what, &describe(&error)),
            Problem::Late(limit) => self.unavailable(what, &format!("no answer within {limit:?}")),
        }
    }

    /// A primary that was demoted still answers PING, so it stays in the pool, but refuses to write. Then all its
    /// connections are worthless; a new one leads to the new primary. The refused command had no effect, so it is
    /// safe to repeat it.
    async fn ask_twice_if_read_only<T: FromRedisValue>(&self, commands: &Pipeline) -> Result<T, RedisError> {
        match self.ask_once(commands).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly) => {
                self.connector.forget_idle();
                self.ask_once(commands).await
            }
            answer => answer,
        }
    }

    async fn ask_once<T: FromRedisValue>(&self, commands: &Pipeline) -> Result<T, RedisError> {
        let mut lease = self.connector.lease().await?;
        let connection = lease.connection().ok_or((ErrorKind::Client, "the connection was given back"))?;
        let answer = commands.query_async(connection).await;
        if answer.as_ref().err().is_none_or(leaves_the_connection_usable) {
            lease.give_back();
        }
        answer
    }

    /// Opens a connection of one's own.
    pub(super) async fn dedicated(&self, what: &str) -> Result<Dedicated, Unavailable> {
        match timeout(self.limits.connect, self.connector.dedicated()).await {
            Ok(connection) => connection.map_err(|error| self.unavailable(what, &describe(&error))),
            Err(_) => Err(self.unavailable(what, &format!("no connection within {:?}", self.limits.connect))),
        }
    }

    /// Does the connection lead to where a new one would?
    pub(super) fn is_present(&self, connection: &Dedicated) -> bool {
        connection.epoch == self.epoch()
    }

    /// Grows when the way begins to lead to another Redis.
    pub(super) fn epoch(&self) -> u64 {
        self.connector.epoch()
    }

    /// How often something failed here.
    pub(super) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// The error that `what` failed here, which is counted.
    pub(super) fn unavailable(&self, what: &str, problem: &str) -> Unavailable {
        self.failures.fetch_add(1, Ordering::Relaxed);
        Unavailable(format!("Redis at {}: {what}: {problem}", self.name))
    }
}

/// Why there is no answer.
enum Problem {
    Error(RedisError),
    Late(Duration),
}

impl fmt::Debug for Link {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Link({})", self.name)
    }
}

/// The key that was asked for holds another kind of value.
fn is_wrong_type(error: &RedisError) -> bool {
    let of_commands = error.clone().into_server_errors();
    of_commands.is_some_and(|errors| errors.iter().any(|(_, error)| error.code() == WRONG_TYPE))
}

/// The server answered, if only that it cannot do this.
fn leaves_the_connection_usable(error: &RedisError) -> bool {
    match error.kind() {
        ErrorKind::Server(kind) => kind != ServerErrorKind::ReadOnly,
        ErrorKind::UnexpectedReturnType | ErrorKind::Extension => true,
        _ => false,
    }
}

/// The error as a text for the log. What was read or sent must not be in it: it may be a session or meeting data.
pub(super) fn describe(error: &RedisError) -> String {
    match error.kind() {
        ErrorKind::UnexpectedReturnType | ErrorKind::Parse => "the answer is not of the expected kind".to_owned(),
        // An unknown command is quoted back with its arguments.
        _ => error.to_string().split(", with args").next().unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(error: RedisError, usable: bool, text: &str) {
        assert_eq!(leaves_the_connection_usable(&error), usable, "{error}");
        assert_eq!(describe(&error), text);
    }

    #[test]
    fn errors_tell_whether_the_connection_is_usable_and_nothing_that_was_read_or_sent() {
        // The library's own wording is of no matter here; that it is passed on is.
        let server = |kind| RedisError::from((ErrorKind::Server(kind), "the server says", "why".to_owned()));
        check(server(ServerErrorKind::BusyLoading), true, "the server says - Server(BusyLoading): why");
        check(server(ServerErrorKind::ReadOnly), false, "the server says - Server(ReadOnly): why");
        check(RedisError::from(std::io::Error::other("gone")), false, "gone");
        let kind = "the answer is not of the expected kind";
        check(RedisError::from((ErrorKind::UnexpectedReturnType, "was", "geheim".to_owned())), true, kind);
        check(RedisError::from((ErrorKind::Parse, "was", "geheim".to_owned())), false, kind);
        let unknown = "unknown command 'XADD', with args beginning with: 'notify' 'geheim'";
        check(
            RedisError::from((ErrorKind::Extension, "ERR", unknown.to_owned())),
            true,
            "ERR - Extension: unknown command 'XADD'",
        );
    }
}
