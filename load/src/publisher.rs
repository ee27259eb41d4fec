//! How is a meeting put into Redis and changed there? The way the OpenSlides server does it
//! (spec: redis.md#change-script).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use domain::ids::ElementKey;
use domain::testing::generator::{Generated, session_auth_hash};
use redis::aio::MultiplexedConnection;
use redis::{ConnectionAddr, IntoConnectionInfo, pipe};

use crate::error::LoadError;
use crate::moment::now_micros;
use crate::session;

/// How long Redis may take to answer. Longer than the service's own timeout, so a Redis that exceeds it is broken.
const RESPONSE_SECONDS_MAX: u64 = 30;

/// The number of commands in one batch while Redis is filled.
const BATCH: usize = 500;

/// How long the sessions of generated users last.
pub(crate) const SESSION_SECONDS: u64 = 14 * 24 * 3600;

/// The approximate number of entries to which the stream is trimmed, so that Redis does not grow with each measurement.
const STREAM_ENTRIES_MAX: u64 = 1_000;

/// Change ids begin at the milliseconds since this moment, 2016-02-29.
const CHANGE_IDS_SINCE_UNIX_SECONDS: u64 = 1_456_704_000;

/// The server's script: takes the next change id and writes the elements and their change ids, atomically.
const SCRIPT: &str = "\
local newest = redis.call('zrevrange', KEYS[2], 0, 0, 'withscores')
local change_id = (tonumber(newest[2]) or 0) + 1
for i = 1, #ARGV, 2 do
  if ARGV[i + 1] == '' then
    redis.call('hdel', KEYS[1], ARGV[i])
  else
    redis.call('hset', KEYS[1], ARGV[i], ARGV[i + 1])
  end
  redis.call('zadd', KEYS[2], change_id, ARGV[i])
end
return change_id";

/// The elements of one change; `None` for a deleted one.
pub type Change = Vec<(ElementKey, Option<String>)>;

/// A change that was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Published {
    /// The change id assigned in Redis.
    pub change_id: u64,
    /// The moment just before it was appended to the stream.
    pub at_micros: u64,
}

/// Writes to a Redis on this machine the way the server does.
pub struct Publisher {
    connection: MultiplexedConnection,
}

impl Publisher {
    /// Connects to `redis://…`.
    ///
    /// # Errors
    /// Returns an error if Redis is not on this machine or does not answer.
    pub async fn connect(url: &str) -> Result<Self, LoadError> {
        let (host, port) = address(url)?;
        format!("{host}:{port}").parse::<crate::target::Loopback>()?;
        let mut connection = redis::Client::open(url)?.get_multiplexed_async_connection().await?;
        connection.set_response_timeout(Duration::from_secs(RESPONSE_SECONDS_MAX));
        Ok(Self { connection })
    }

    /// Puts the meeting and a session for each of its users into Redis. Returns the change id it begins with.
    ///
    /// # Errors
    /// Returns an error if there is already a meeting and `replace` is false, or if Redis does not answer.
    pub async fn fill(&mut self, meeting: &Generated, access: &Access, replace: bool) -> Result<u64, LoadError> {
        let there: bool = redis::cmd("EXISTS").arg("full_data").query_async(&mut self.connection).await?;
        if there && !replace {
            let text = "this Redis already holds a meeting; --replace deletes it";
            return Err(LoadError::Usage(text.to_owned()));
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let lowest = now.saturating_sub(CHANGE_IDS_SINCE_UNIX_SECONDS) * 1_000;
        self.rebuild(meeting, access, lowest).await?;
        Ok(lowest)
    }

    /// Puts the meeting and the sessions into Redis in place of what is there, beginning with this change id
    /// (spec: redis.md#rebuild).
    ///
    /// # Errors
    /// Redis does not answer.
    pub async fn rebuild(&mut self, meeting: &Generated, access: &Access, lowest: u64) -> Result<(), LoadError> {
        // In the server's order: readers see a cache that is not ready, never half a meeting.
        let mut first = pipe();
        first.del("cache_ready").ignore().del("change_id").ignore().del("full_data").ignore();
        first.zadd("change_id", "_config:lowest_change_id", lowest).ignore();
        first.query_async::<()>(&mut self.connection).await?;
        let elements: Vec<_> = meeting.elements().iter().collect();
        for batch in elements.chunks(BATCH) {
            let mut commands = pipe();
            for (key, json) in batch {
                let key = key.to_string();
                commands.hset("full_data", &key, json.as_str()).ignore().zadd("change_id", &key, lowest).ignore();
            }
            commands.query_async::<()>(&mut self.connection).await?;
        }
        self.log_in(meeting, access).await?;
        redis::cmd("SET").arg("cache_ready").arg("ok").query_async::<()>(&mut self.connection).await?;
        Ok(())
    }

    /// Puts a session for each user into Redis.
    async fn log_in(&mut self, meeting: &Generated, access: &Access) -> Result<(), LoadError> {
        for batch in meeting.users().chunks(BATCH) {
            let mut commands = pipe();
            for (user, _) in batch {
                let key = format!("{}{}", access.session_prefix, session::cookie(user.0));
                let value = session::value(&access.secret, user.0, &session_auth_hash(user.0));
                commands.set_ex(key, value, SESSION_SECONDS).ignore();
            }
            commands.query_async::<()>(&mut self.connection).await?;
        }
        Ok(())
    }

    /// Publishes a change: runs the script, then appends the entry to the stream.
    ///
    /// # Errors
    /// Redis does not answer.
    pub async fn publish(&mut self, change: &Change) -> Result<Published, LoadError> {
        let mut script = redis::cmd("EVAL");
        script.arg(SCRIPT).arg(2).arg("full_data").arg("change_id");
        let mut content = String::from("{\"elements\":{");
        for (index, (key, json)) in change.iter().enumerate() {
            script.arg(key.to_string()).arg(json.as_deref().unwrap_or(""));
            let comma = if index == 0 { "" } else { "," };
            content.push_str(&format!("{comma}\"{key}\":{}", json.as_deref().unwrap_or("null")));
        }
        let change_id: u64 = script.query_async(&mut self.connection).await?;
        content.push_str(&format!("}},\"change_id\":{change_id}}}"));
        let mut append = redis::cmd("XADD");
        append.arg("autoupdate").arg("MAXLEN").arg("~").arg(STREAM_ENTRIES_MAX).arg("*").arg("content").arg(content);
        let at_micros = now_micros();
        append.query_async::<()>(&mut self.connection).await?;
        Ok(Published { change_id, at_micros })
    }

    /// Appends a message to the stream of messages, as an instance of the service does. Returns the moment just before.
    ///
    /// # Errors
    /// Redis does not answer.
    pub async fn send_message(&mut self, content: &str) -> Result<u64, LoadError> {
        let mut append = redis::cmd("XADD");
        append.arg("notify").arg("MAXLEN").arg("~").arg(STREAM_ENTRIES_MAX).arg("*").arg("content").arg(content);
        let at_micros = now_micros();
        append.query_async::<()>(&mut self.connection).await?;
        Ok(at_micros)
    }

    /// Returns an element, or `None` if it does not exist or is not JSON.
    ///
    /// # Errors
    /// Redis does not answer.
    pub async fn element(&mut self, key: ElementKey) -> Result<Option<serde_json::Value>, LoadError> {
        let mut command = redis::cmd("HGET");
        let text: Option<Vec<u8>> =
            command.arg("full_data").arg(key.to_string()).query_async(&mut self.connection).await?;
        Ok(text.and_then(|text| serde_json::from_slice(&text).ok()))
    }

    /// Returns the id of the newest change.
    ///
    /// # Errors
    /// Returns an error if there is none, or if Redis does not answer.
    pub async fn newest(&mut self) -> Result<u64, LoadError> {
        let mut command = redis::cmd("ZREVRANGE");
        command.arg("change_id").arg(0).arg(0).arg("WITHSCORES");
        let newest: Vec<(String, f64)> = command.query_async(&mut self.connection).await?;
        let empty = || LoadError::Usage("this Redis holds no meeting; fill it with `load fill`".to_owned());
        newest.first().map(|(_, score)| *score as u64).ok_or_else(empty)
    }
}

/// How generated users log in.
#[derive(Clone, Debug)]
pub struct Access {
    /// The Django secret that the service is configured with.
    pub secret: String,
    /// The prefix of the session keys.
    pub session_prefix: String,
}

/// Returns host and port of a Redis.
///
/// # Errors
/// Returns an error if the URL is not that of a Redis reached over TCP.
pub fn address(url: &str) -> Result<(String, u16), LoadError> {
    match url.into_connection_info()?.addr() {
        ConnectionAddr::Tcp(host, port) => Ok((host.clone(), *port)),
        _ => Err(LoadError::Usage(format!("{url:?} is not of the form redis://127.0.0.1:6379/"))),
    }
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn only_plain_redis_urls_are_taken() {
        assert_eq!(address("redis://127.0.0.1:6380/2").ok(), Some(("127.0.0.1".to_owned(), 6380)));
        assert!(address("rediss://127.0.0.1/").is_err());
        assert!(address("nonsense").is_err());
    }
}
