//! Does every call of Redis end, whatever answers there?

use std::io;
use std::sync::Arc;
use std::time::Duration;

use adapters::django::SessionStore;
use adapters::redis::{
    ByteStream, Redis, RedisApplauseStore, RedisElementStore, RedisLimits, RedisMessageBus, RedisSessions, Transport,
};
use async_trait::async_trait;
use domain::ids::{ChangeId, UserId};
use domain::ports::applause_store::ApplauseStore;
use domain::ports::authenticator::SessionKey;
use domain::ports::element_store::{Bounds, ElementStore};
use domain::ports::message_bus::{Channel, MessageBus, Position};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::time::Instant;

/// How many bytes of an answer are on their way at most.
const DUPLEX_BYTES_MAX: usize = 64 * 1024;

/// How long a call may take, by its own clock; the longest limit of the adapter is 30 seconds.
const CALL_SECONDS_MAX: u64 = 60;

/// Redis keeps change ids as floating point numbers.
const ID_MAX: u64 = 1 << 53;

/// Calls Redis in every way; what it is asked on a connection is answered with these bytes, over and over. With a `!` in
/// front they are also the answer to the greeting, and the connection is closed after the first of them.
///
/// # Panics
/// A call takes too long, or returns what no Redis can hold.
pub fn redis_replies(bytes: &[u8]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(call_everything(bytes));
}

async fn call_everything(bytes: &[u8]) {
    let answers = match bytes {
        [b'!', rest @ ..] => Answers { bytes: rest.into(), is_rude: true },
        _ => Answers { bytes: bytes.into(), is_rude: false },
    };
    let (read, write) = (Arc::new(answers.clone()), Arc::new(answers));
    let redis = Redis::over(read, write, RedisLimits::default());

    let store = RedisElementStore::new(&redis);
    within("loading", async { store.load().await.ok().map(|snapshot| snapshot.bounds) }).await.inspect(check_bounds);
    let since = ChangeId(5);
    within("changes", async { store.changed_since(since, Position::START).await.ok().map(|it| it.bounds) })
        .await
        .inspect(check_bounds);
    within("keys", async { store.keys_changed_since(since).await.ok().map(|it| it.bounds) })
        .await
        .inspect(check_bounds);
    within("ids", async { store.bounds().await.ok() }).await.inspect(check_bounds);

    let bus = RedisMessageBus::new(&redis);
    for channel in [Channel::Autoupdate, Channel::Notify] {
        let last = within("position", bus.last_position(channel)).await.unwrap_or(Position::START);
        let _ = within("reading", bus.read(channel, last)).await;
    }
    let _ = within("publishing", bus.publish_notify("{}")).await;

    let sessions = RedisSessions::new(&redis, "session:");
    let keys = ["a", "b"].map(|key| SessionKey(key.to_owned()));
    let _ = within("a session", sessions.get(&keys[0])).await;
    if let Ok(exist) = within("sessions", sessions.exist(&keys)).await {
        assert_eq!(exist.len(), keys.len(), "an answer for each session");
    }

    let applause = RedisApplauseStore::new(&redis);
    let _ = within("applause", applause.applaud(UserId(1))).await;
    let _ = within("counting", applause.count_within(5)).await;
    let _ = within("forgetting", applause.forget_older_than(60)).await;
}

/// Waits for the answer, which must come in bounded time.
async fn within<T>(what: &str, call: impl Future<Output = T>) -> T {
    let began = Instant::now();
    let answer = call.await;
    let took = began.elapsed();
    assert!(took < Duration::from_secs(CALL_SECONDS_MAX), "{what} took {took:?}");
    answer
}

fn check_bounds(bounds: &Bounds) {
    assert!(bounds.lowest.0 <= ID_MAX && bounds.highest.0 <= ID_MAX, "{bounds:?} cannot be in Redis");
}

/// A Redis with only this answer.
#[derive(Clone)]
struct Answers {
    bytes: Arc<[u8]>,
    is_rude: bool,
}

#[async_trait]
impl Transport for Answers {
    async fn open(&self) -> io::Result<Box<dyn ByteStream>> {
        let (client, server) = duplex(DUPLEX_BYTES_MAX);
        let answers = self.clone();
        // Ends as soon as the client is gone.
        tokio::spawn(async move { answers.serve(server).await });
        Ok(Box::new(client))
    }
}

impl Answers {
    async fn serve(&self, mut stream: impl ByteStream) -> io::Result<()> {
        let mut question = vec![0; DUPLEX_BYTES_MAX];
        loop {
            let asked = stream.read(&mut question).await?;
            if asked == 0 {
                return Ok(());
            }
            let is_greeting = question[..asked].windows(7).any(|word| word.eq_ignore_ascii_case(b"SETINFO"));
            if is_greeting && !self.is_rude {
                stream.write_all(b"+OK\r\n+OK\r\n").await?;
                continue;
            }
            stream.write_all(&self.bytes).await?;
            if self.is_rude {
                return Ok(());
            }
        }
    }
}
