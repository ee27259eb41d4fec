//! Which Redis is the primary now? The sentinels are asked, and connections are made to the one that they name.
//!
//! They are asked before each dedicated connection, when no connection can be had, when the primary refuses to write or
//! does not answer, and from time to time. The client library asks one after the other, and believes none whose primary
//! says that it is a replica. Its own pool is not used: it would keep connections to a demoted primary, as they still
//! answer, and its time-out for answers is too short to load a meeting.

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use redis::sentinel::SentinelClient;
use redis::{ConnectionInfo, ErrorKind, RedisError};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};
use tracing::info;

use super::connect::{
    Connector, Dedicated, Lease, NamedTransport, PoolConnector, SentinelTransport, TransportConnector,
};
use super::limits::RedisLimits;
use super::sentinels::RedisSentinels;

/// Connects to the primary that the sentinels name.
pub(super) struct SentinelConnector {
    finder: Arc<Finder>,
}

/// Finds and remembers the primary.
struct Finder {
    /// Locked while they are queried, so that concurrent callers share the answer.
    sentinels: tokio::sync::Mutex<Sentinels>,
    // A std mutex, since it is held only briefly.
    known: Mutex<Known>,
    /// Told when another primary is known. Wakes who waits in the order in which they came, so that a simulation can be
    /// repeated.
    moved: Notify,
    master: String,
    limits: RedisLimits,
}

struct Sentinels {
    way: WayToSentinels,
    /// The last answer, and when it arrived.
    last: Option<(Instant, Result<Arc<Primary>, RedisError>)>,
}

enum WayToSentinels {
    Library(Box<SentinelClient>),
    Transport(Arc<dyn SentinelTransport>),
}

impl WayToSentinels {
    async fn ask(&mut self) -> Result<Named, RedisError> {
        match self {
            Self::Library(client) => {
                let primary = client.async_get_client().await?;
                Ok(Named::Address(primary.get_connection_info().clone()))
            }
            Self::Transport(sentinels) => Ok(Named::Transport(sentinels.primary().await?)),
        }
    }
}

/// The primary that the sentinels named.
enum Named {
    Address(ConnectionInfo),
    Transport(NamedTransport),
}

impl Named {
    fn place(&self) -> String {
        match self {
            Self::Address(info) => info.addr().to_string(),
            Self::Transport(named) => named.place.clone(),
        }
    }

    fn connector(self, limits: RedisLimits) -> Result<Box<dyn Connector>, RedisError> {
        Ok(match self {
            Self::Address(info) => Box::new(PoolConnector::new(info, limits)?),
            Self::Transport(named) => Box::new(TransportConnector::new(named.transport, limits)),
        })
    }
}

#[derive(Default)]
struct Known {
    /// Kept when the sentinels do not answer, because a working primary does not need them.
    primary: Option<Arc<Primary>>,
    /// When the sentinels have to be asked again; `None`: before the next connection.
    asked_again: Option<Instant>,
}

impl Known {
    /// Returns the primary, and whether this caller should ask the sentinels again, which then others need not. Returns
    /// `None` if they have to be asked first.
    fn look(&mut self, pause: Duration) -> Option<(Arc<Primary>, bool)> {
        let (primary, asked_again) = (self.primary.as_ref()?, self.asked_again.as_mut()?);
        let now = Instant::now();
        let is_due = *asked_again <= now;
        if is_due {
            *asked_again = now + pause;
        }
        Some((Arc::clone(primary), is_due))
    }
}

struct Primary {
    place: String,
    connector: Box<dyn Connector>,
    epoch: u64,
}

impl SentinelConnector {
    pub(super) fn new(sentinels: &RedisSentinels, limits: RedisLimits) -> Result<Self, RedisError> {
        let client = sentinels.client()?;
        Ok(Self::asking(WayToSentinels::Library(Box::new(client)), &sentinels.master, limits))
    }

    /// Asks sentinels that are reached without sockets.
    pub(super) fn over(sentinels: Arc<dyn SentinelTransport>, master: &str, limits: RedisLimits) -> Self {
        Self::asking(WayToSentinels::Transport(sentinels), master, limits)
    }

    fn asking(way: WayToSentinels, master: &str, limits: RedisLimits) -> Self {
        let finder = Finder {
            sentinels: tokio::sync::Mutex::new(Sentinels { way, last: None }),
            known: Mutex::default(),
            moved: Notify::new(),
            master: master.to_owned(),
            limits,
        };
        Self { finder: Arc::new(finder) }
    }
}

#[async_trait]
impl Connector for SentinelConnector {
    async fn lease(&self) -> Result<Lease, RedisError> {
        let primary = self.finder.primary().await?;
        let refused = match primary.connector.lease().await {
            Ok(lease) => return Ok(lease),
            Err(refused) => refused,
        };
        match self.finder.ask().await {
            Ok(other) if other.epoch != primary.epoch => other.connector.lease().await,
            _ => Err(refused),
        }
    }

    /// Such a connection lasts for hours, so it is worth asking.
    async fn dedicated(&self) -> Result<Dedicated, RedisError> {
        let primary = self.finder.ask_or_known().await?;
        let mut connection = primary.connector.dedicated().await?;
        connection.epoch = primary.epoch;
        Ok(connection)
    }

    fn forget_idle(&self) {
        let mut known = self.finder.known();
        known.asked_again = None;
        if let Some(primary) = &known.primary {
            primary.connector.forget_idle();
        }
    }

    async fn until_moved(&self, epoch: u64) {
        loop {
            let mut moved = pin!(self.finder.moved.notified());
            moved.as_mut().enable();
            if self.epoch() != epoch {
                return;
            }
            moved.await;
        }
    }

    fn epoch(&self) -> u64 {
        self.finder.known().primary.as_ref().map_or(0, |primary| primary.epoch)
    }
}

impl Finder {
    /// Returns the primary, as it was named not long ago. If that was longer ago, the sentinels are asked alongside the
    /// request, which need not wait for it.
    async fn primary(self: &Arc<Self>) -> Result<Arc<Primary>, RedisError> {
        let look = self.known().look(self.limits.sentinels_asked);
        let Some((primary, is_due)) = look else { return self.ask_or_known().await };
        if is_due {
            let finder = Arc::clone(self);
            // Ends by itself, within the time to connect. The result is recorded where it is found.
            tokio::spawn(async move { drop(finder.ask().await) });
        }
        Ok(primary)
    }

    /// Asks for the primary. If no sentinel answers, the last known one may still work.
    async fn ask_or_known(&self) -> Result<Arc<Primary>, RedisError> {
        let asked = self.ask().await;
        asked.or_else(|error| {
            let mut known = self.known();
            known.asked_again = Some(Instant::now() + self.limits.sentinels_asked);
            known.primary.clone().ok_or(error)
        })
    }

    async fn ask(&self) -> Result<Arc<Primary>, RedisError> {
        let came = Instant::now();
        let mut sentinels = self.sentinels.lock().await;
        if let Some((at, answer)) = &sentinels.last
            && *at >= came
        {
            return answer.clone();
        }
        let answer = match timeout(self.limits.connect, sentinels.way.ask()).await {
            Ok(Ok(named)) => self.note(named),
            Ok(Err(error)) => Err(self.explained(error)),
            Err(_) => Err((ErrorKind::Io, "no sentinel answered in time").into()),
        };
        sentinels.last = Some((Instant::now(), answer.clone()));
        answer
    }

    fn note(&self, named: Named) -> Result<Arc<Primary>, RedisError> {
        let place = named.place();
        let mut known = self.known();
        known.asked_again = Some(Instant::now() + self.limits.sentinels_asked);
        let epoch = match &known.primary {
            Some(primary) if primary.place == place => return Ok(Arc::clone(primary)),
            Some(primary) => {
                info!(name = self.master, was = %primary.place, is = %place, "the sentinels name a new primary");
                primary.epoch + 1
            }
            None => 0,
        };
        let connector = named.connector(self.limits)?;
        let primary = Arc::new(Primary { place, connector, epoch });
        known.primary = Some(Arc::clone(&primary));
        self.moved.notify_waiters();
        Ok(primary)
    }

    /// Of a primary that is down the library only says that no such name was found.
    fn explained(&self, error: RedisError) -> RedisError {
        if error.kind() != ErrorKind::MasterNameNotFoundBySentinel {
            return (ErrorKind::Io, "the sentinels name no primary", error.to_string()).into();
        }
        let problem = format!("they know none of the name `{}` (REDIS_SENTINEL_MASTER), or it is down", self.master);
        (ErrorKind::Io, "the sentinels name no primary", problem).into()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
