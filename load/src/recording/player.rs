//! How is a recording played? Into an empty Redis, the way the OpenSlides server writes.

use std::path::Path;
use std::time::Duration;

use domain::json::wire_form;
use redis::aio::MultiplexedConnection;
use redis::{Pipeline, pipe};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

use super::format::{Change, Content, Entry, Reader, VERSION, unreadable};
use super::{LOWEST, connect, place};
use crate::error::LoadError;
use crate::publisher::{Access, SESSION_SECONDS};
use crate::session;

/// The number of commands in one batch.
const BATCH: usize = 500;

/// The latest moment at which a change is played, in milliseconds: two days, longer than anybody records.
const AT_MS_MAX: u64 = 2 * 24 * 3_600 * 1_000;

/// Writes elements with the change id of the recording, unless a later change was written already; atomically.
const SCRIPT: &str = "\
for i = 2, #ARGV, 2 do
  local has = redis.call('zscore', KEYS[2], ARGV[i])
  if not has or tonumber(has) <= tonumber(ARGV[1]) then
    if ARGV[i + 1] == '' then
      redis.call('hdel', KEYS[1], ARGV[i])
    else
      redis.call('hset', KEYS[1], ARGV[i], ARGV[i + 1])
    end
    redis.call('zadd', KEYS[2], ARGV[1], ARGV[i])
  end
end";

/// How a recording is played.
#[derive(Clone, Debug)]
pub struct Playing {
    /// How many times as fast as it was recorded; 0: without pauses.
    pub speed: f64,
    /// How the users of the recording log in.
    pub access: Access,
}

/// What was played.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Played {
    /// The number of elements.
    pub elements: u64,
    /// The number of changes.
    pub changes: u64,
    /// The session keys of the active users.
    pub sessions: Vec<String>,
}

/// Plays a recording into a Redis. `ready` is called once the meeting is there, before its changes are played.
///
/// # Errors
/// Returns an error if Redis is not empty or does not answer, or if the file is not a complete recording of this version.
pub async fn replay(
    file: &Path,
    redis: &str,
    playing: &Playing,
    ready: impl FnOnce(&Played) -> Result<(), LoadError>,
) -> Result<Played, LoadError> {
    let mut reader = Reader::open(file)?;
    let lowest = match reader.read()? {
        Some(Entry::AutoupdateRecording { version: VERSION, lowest_change_id }) => lowest_change_id,
        Some(Entry::AutoupdateRecording { version, .. }) => {
            return Err(
                reader.wrong(&format!("the format has version {version}; this program reads version {VERSION}"))
            );
        }
        _ => return Err(reader.wrong("this is not a recording of a meeting")),
    };
    let mut connection = connect(redis).await?;
    let keys: u64 = redis::cmd("DBSIZE").query_async(&mut connection).await?;
    if keys > 0 {
        return Err(LoadError::Usage(format!(
            "Redis at {} is not empty: it holds {keys} keys. A recording is only played into an empty one",
            place(redis)?
        )));
    }
    let mut player = Player { connection, batch: pipe(), played: Played::default() };
    player.batch.zadd("change_id", LOWEST, lowest).ignore();
    let mut next = reader.read()?;
    while let Some(Entry::Element { key, change_id, element }) = &next {
        player.element(key, *change_id, element.as_ref(), &playing.access).await?;
        next = reader.read()?;
    }
    player.batch.set("cache_ready", "ok").ignore();
    player.flush().await?;
    ready(&player.played)?;
    player.play(reader, next, playing.speed).await
}

struct Player {
    connection: MultiplexedConnection,
    batch: Pipeline,
    played: Played,
}

impl Player {
    async fn flush(&mut self) -> Result<(), LoadError> {
        let batch = std::mem::replace(&mut self.batch, pipe());
        Ok(batch.query_async::<()>(&mut self.connection).await?)
    }

    async fn element(
        &mut self,
        key: &str,
        change_id: u64,
        element: Option<&Content>,
        access: &Access,
    ) -> Result<(), LoadError> {
        if change_id > 0 {
            self.batch.zadd("change_id", key, change_id).ignore();
        }
        if let Some(element) = element {
            let text = element.to_text();
            self.batch.hset("full_data", key, wire_form(text.as_bytes()).unwrap_or(text)).ignore();
            self.played.elements += 1;
            if let Content::Json(user) = element
                && key.starts_with("users/user:")
            {
                self.log_in(user, access);
            }
        }
        if self.batch.len() >= BATCH { self.flush().await } else { Ok(()) }
    }

    /// Gives a user a session, as after a login.
    fn log_in(&mut self, user: &Value, access: &Access) {
        let (Some(id), Some(hash)) = (user["id"].as_u64(), user["session_auth_hash"].as_str()) else { return };
        if user["is_active"] == json!(false) {
            return;
        }
        let cookie = session::cookie(id);
        let key = format!("{}{cookie}", access.session_prefix);
        self.batch.set_ex(key, session::value(&access.secret, id, hash), SESSION_SECONDS).ignore();
        self.played.sessions.push(cookie);
    }

    async fn play(mut self, mut reader: Reader, mut next: Option<Entry>, speed: f64) -> Result<Played, LoadError> {
        let begin = Instant::now();
        loop {
            match next {
                Some(Entry::Change { at_ms, change }) => {
                    if speed > 0.0 {
                        sleep_until(begin + Duration::from_millis(at_ms.min(AT_MS_MAX)).div_f64(speed)).await;
                    }
                    self.change(&change).await?;
                }
                Some(Entry::End { changes, .. }) if changes == self.played.changes => return Ok(self.played),
                Some(_) => return Err(reader.wrong("this line does not belong here")),
                None => return Err(reader.wrong("the recording was cut off: its last line is missing")),
            }
            next = reader.read()?;
        }
    }

    /// Writes the elements of a change, then appends it to the stream.
    async fn change(&mut self, change: &Change) -> Result<(), LoadError> {
        let content = match change {
            Change::UnreadableBytes(size) => unreadable(*size),
            Change::Elements { change_id, elements } => {
                let mut script = redis::cmd("EVAL");
                script.arg(SCRIPT).arg(2).arg("full_data").arg("change_id").arg(*change_id);
                for (key, element) in elements {
                    let text = element.as_ref().map(Value::to_string).unwrap_or_default();
                    script.arg(key).arg(wire_form(text.as_bytes()).unwrap_or(text));
                }
                script.query_async::<()>(&mut self.connection).await?;
                let text = json!({"elements": elements, "change_id": change_id}).to_string();
                wire_form(text.as_bytes()).unwrap_or(text)
            }
        };
        let mut append = redis::cmd("XADD");
        append.arg("autoupdate").arg("*").arg("content").arg(content);
        append.query_async::<()>(&mut self.connection).await?;
        self.played.changes += 1;
        Ok(())
    }
}
