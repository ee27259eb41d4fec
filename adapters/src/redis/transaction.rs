//! How are several commands run as one, and which of them does Redis refuse?
//!
//! The client library can do this, but miscounts where `MULTI` itself is refused (for lack of a login, say): the
//! refusal is lost, and a debug build panics.

use redis::aio::ConnectionLike;
use redis::{FromRedisValue, Pipeline, RedisError, Value, from_redis_value};

use super::refusal::RedisRefusal;

/// Why there is no answer.
pub(super) enum TransactionError {
    Library(RedisError),
    Refused(RedisRefusal),
}

impl From<RedisError> for TransactionError {
    fn from(error: RedisError) -> Self {
        Self::Library(error)
    }
}

/// Runs the commands as one.
pub(super) async fn run<T: FromRedisValue>(
    connection: &mut impl ConnectionLike,
    commands: &Pipeline,
) -> Result<T, TransactionError> {
    let mut all = redis::pipe();
    all.cmd("MULTI");
    for command in commands.cmd_iter() {
        all.add_command(command.clone());
    }
    all.cmd("EXEC").ignore_errors();
    let mut replies: Vec<Value> = all.query_async(connection).await?;
    refused(&replies, &all)?;
    match replies.pop() {
        Some(Value::Array(answers)) => {
            refused(&answers, commands)?;
            from_redis_value(Value::Array(answers)).map_err(|error| TransactionError::Library(error.into()))
        }
        _ => Err(RedisError::from((redis::ErrorKind::Parse, "no answer to EXEC")).into()),
    }
}

/// The first command that was refused.
fn refused(replies: &[Value], commands: &Pipeline) -> Result<(), TransactionError> {
    let refused = replies.iter().enumerate().find_map(|(index, reply)| match reply {
        Value::ServerError(error) => Some(RedisRefusal::by_server(error, commands, index)),
        _ => None,
    });
    refused.map_or(Ok(()), |refusal| Err(TransactionError::Refused(refusal)))
}
