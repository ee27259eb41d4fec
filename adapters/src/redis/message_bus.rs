//! How are the streams of Redis read and written? (spec: redis.md#follow)

use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use domain::ports::Unavailable;
use domain::ports::message_bus::{
    Batch, BusMessage, Channel, MessageBus, NOTIFY_MESSAGES_MAX, Position, READ_MESSAGES_MAX,
};
use redis::streams::StreamMaxlen;
use redis::{Pipeline, Value};
use tokio::time::timeout;

use super::Redis;
use super::connect::Dedicated;
use super::link::RedisLink;
use super::stream::{EntryId, stream_key};

/// The only field of an entry.
const CONTENT_FIELD: &str = "content";

/// The streams in Redis: read from the read address, written to the write address.
#[derive(Debug)]
pub struct RedisMessageBus {
    read: RedisLink,
    write: RedisLink,
    autoupdate: IdleReader,
    notify: IdleReader,
}

impl RedisMessageBus {
    /// Reads and writes over these connections, and opens a dedicated one for each channel.
    #[must_use]
    pub fn new(redis: &Redis) -> Self {
        Self {
            read: redis.read.clone(),
            write: redis.write.clone(),
            autoupdate: IdleReader::default(),
            notify: IdleReader::default(),
        }
    }

    fn idle_reader(&self, channel: Channel) -> &IdleReader {
        match channel {
            Channel::Autoupdate => &self.autoupdate,
            Channel::Notify => &self.notify,
        }
    }

    /// Waits for entries on `connection`.
    async fn wait(&self, connection: &mut Dedicated, channel: Channel, after: Position) -> Result<Batch, Unavailable> {
        let limits = self.read.limits;
        let what = format!("reading the stream `{}`", stream_key(channel));
        let commands = read_commands(channel, after, limits.read_wait.as_millis());
        let limit = limits.read_wait + limits.read_margin;
        let (entries, proof): (Value, Value) =
            match timeout(limit, commands.query_async(&mut connection.connection)).await {
                Ok(answer) => answer.map_err(|error| self.read.unavailable_by(&what, &error, Some(&commands)))?,
                Err(_) => return Err(self.read.unavailable(&what, &format!("no answer within {limit:?}"))),
            };
        read_batch(entries, proof, after)
            .ok_or_else(|| self.read.unavailable(&what, "the answer is no list of entries"))
    }
}

#[async_trait]
impl MessageBus for RedisMessageBus {
    async fn last_position(&self, channel: Channel) -> Result<Position, Unavailable> {
        let what = "the newest entry of a stream";
        let mut commands = redis::pipe();
        commands.xrevrange_count(stream_key(channel), "+", "-", 1);
        let (entries,): (Value,) = self.read.ask(what, &commands).await?;
        let messages = read_entries(entries).ok_or_else(|| self.read.unavailable(what, "the answer is no entry"))?;
        Ok(messages.first().map_or(Position::START, |message| message.position))
    }

    /// The connection is taken out of its place while it waits, and put back only after a valid answer. So a read that
    /// failed, took too long or was cancelled leaves no connection behind on which an old question is still pending.
    async fn read(&self, channel: Channel, after: Position) -> Result<Batch, Unavailable> {
        let idle = self.idle_reader(channel);
        loop {
            let mut connection = match idle.take().filter(|connection| self.read.is_present(connection)) {
                Some(connection) => connection,
                None => self.read.dedicated("connecting to read a stream").await?,
            };
            let epoch = connection.epoch;
            let batch = tokio::select! {
                biased;
                batch = self.wait(&mut connection, channel, after) => batch?,
                // Nobody writes any more where it waits.
                () = self.read.until_moved(epoch) => continue,
            };
            idle.put(connection);
            return Ok(batch);
        }
    }

    async fn publish_notify(&self, content: &str) -> Result<(), Unavailable> {
        let mut commands = redis::pipe();
        let length = StreamMaxlen::Approx(NOTIFY_MESSAGES_MAX);
        commands.xadd_maxlen(stream_key(Channel::Notify), length, "*", &[(CONTENT_FIELD, content)]).ignore();
        self.write.ask("sending a notify message", &commands).await
    }

    /// Applause is counted there all the time, so this is never old.
    fn can_publish(&self) -> bool {
        self.write.is_up()
    }
}

/// The connection of a channel while nobody reads with it.
#[derive(Default)]
struct IdleReader(Mutex<Option<Dedicated>>);

impl IdleReader {
    fn take(&self) -> Option<Dedicated> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take()
    }

    fn put(&self, connection: Dedicated) {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(connection);
    }
}

impl std::fmt::Debug for IdleReader {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("IdleReader")
    }
}

/// Waits for entries, and then checks whether they follow `after`.
///
/// Both commands are sent at once; Redis runs the second when the wait of the first is over. Checking afterwards is the
/// proof: an entry that is still there was there before, and the oldest entries are dropped first, so none after it can
/// be missing.
fn read_commands(channel: Channel, after: Position, wait_milliseconds: u128) -> Pipeline {
    let mut commands = redis::pipe();
    commands.cmd("XREAD").arg("COUNT").arg(READ_MESSAGES_MAX);
    // 0 would mean forever.
    commands.arg("BLOCK").arg(wait_milliseconds.max(1).to_string());
    commands.arg("STREAMS").arg(stream_key(channel)).arg(EntryId::from(after).to_string());
    if after == Position::START {
        commands.xlen(stream_key(channel));
    } else {
        let after = EntryId::from(after).to_string();
        commands.xrange(stream_key(channel), &after, &after);
    }
    commands
}

/// Reads the answers to [`read_commands`].
fn read_batch(entries: Value, proof: Value, after: Position) -> Option<Batch> {
    let follows = if after == Position::START {
        redis::from_redis_value::<usize>(proof).ok()? < NOTIFY_MESSAGES_MAX
    } else {
        !read_entries(proof)?.is_empty()
    };
    Some(Batch { messages: read_streams(entries)?, follows })
}

/// Reads the entries in the answer to `XREAD` of one stream: nothing, or `[[name, entries]]`.
fn read_streams(answer: Value) -> Option<Vec<BusMessage>> {
    match answer {
        Value::Nil => Some(Vec::new()),
        Value::Array(streams) => match <[Value; 1]>::try_from(streams).ok()? {
            [Value::Array(stream)] => {
                let [_, entries] = <[Value; 2]>::try_from(stream).ok()?;
                read_entries(entries)
            }
            _ => None,
        },
        _ => None,
    }
}

/// Reads the entries `[[id, [field, value, …]], …]`.
fn read_entries(answer: Value) -> Option<Vec<BusMessage>> {
    let Value::Array(entries) = answer else { return None };
    entries.into_iter().map(read_entry).collect()
}

/// Fields and their values.
type EntryFields = Vec<(Vec<u8>, Vec<u8>)>;

fn read_entry(entry: Value) -> Option<BusMessage> {
    let (id, fields): (String, EntryFields) = redis::from_redis_value(entry).ok()?;
    let content = fields.into_iter().find(|(field, _)| field == CONTENT_FIELD.as_bytes());
    let id: EntryId = id.parse().ok()?;
    Some(BusMessage {
        position: id.into(),
        content: content.map(|(_, content)| content).unwrap_or_default(),
        appended_at: Some(Duration::from_millis(id.milliseconds)),
    })
}
