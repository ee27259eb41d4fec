//! Which Redis do the instances of a world use? One alone, or a primary with a replica, which sentinels tell apart.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use adapters::redis::{NamedTransport, Redis, RedisLimits, SentinelTransport};
use adapters::testing::fake_redis::{Copy, EVERY_COMMAND, FakeRedis, Fault};
use async_trait::async_trait;
use tokio::time::Instant;

use crate::event::{OldPrimary, RedisFault};

/// All nodes, and how each instance reaches them.
pub(crate) struct Nodes {
    nodes: Vec<FakeRedis>,
    primary: usize,
    ways: Vec<Way>,
    named: Arc<Mutex<Named>>,
}

/// How one instance reaches the nodes: what is wrong with one way is not wrong with the others.
struct Way(Vec<FakeRedis>);

/// What the sentinels say.
struct Named {
    primary: usize,
    /// Until then they say that there is none.
    from: Instant,
}

impl Nodes {
    /// Creates one node, or two that sentinels watch.
    pub(crate) fn new(instances: usize, has_sentinels: bool) -> Self {
        let nodes: Vec<_> = (0..if has_sentinels { 2 } else { 1 }).map(|_| FakeRedis::in_memory()).collect();
        let way = |node: &FakeRedis| node.another_way().without_greeting();
        let ways = (0..instances).map(|_| Way(nodes.iter().map(way).collect())).collect();
        Self { nodes, primary: 0, ways, named: Arc::new(Mutex::new(Named { primary: 0, from: Instant::now() })) }
    }

    /// Returns the node that is written to.
    pub(crate) fn primary(&self) -> &FakeRedis {
        &self.nodes[self.primary]
    }

    /// Returns whether there is a second node.
    pub(crate) fn has_sentinels(&self) -> bool {
        self.nodes.len() > 1
    }

    /// Returns all nodes.
    pub(crate) fn all(&self) -> Vec<FakeRedis> {
        self.nodes.clone()
    }

    /// Returns an instance's connections.
    pub(crate) fn redis(&self, instance: usize) -> Redis {
        let way = &self.ways[instance].0;
        if self.has_sentinels() {
            let sentinels = Sentinels { named: Arc::clone(&self.named), way: way.clone() };
            return Redis::over_sentinels(Arc::new(sentinels), RedisLimits::default());
        }
        Redis::over(way[0].transport(), way[0].transport(), RedisLimits::default())
    }

    /// Lets every instance, or one of them, meet a fault.
    pub(crate) fn break_for(&self, instance: Option<usize>, fault: RedisFault) {
        let ways = self.ways.iter().enumerate().filter(|(number, _)| instance.is_none_or(|only| only == *number));
        ways.flat_map(|(_, way)| &way.0).for_each(|way| break_redis(way, fault));
    }

    /// Ends every fault. What was the primary until a fail-over is the replica from now on.
    pub(crate) fn heal(&self) {
        for way in self.ways.iter().flat_map(|way| &way.0) {
            way.set_fault(Fault::None);
            way.refuse_nothing();
        }
        for (_, replica) in self.nodes.iter().enumerate().filter(|(number, _)| *number != self.primary) {
            replica.restore_with_clock_of(self.primary(), &self.primary().copy());
        }
    }

    /// Closes every connection once.
    pub(crate) fn drop_connections(&self) {
        self.ways.iter().flat_map(|way| &way.0).for_each(FakeRedis::drop_connections);
    }

    /// The other node becomes the primary, with what it had received, which the sentinels say after a while.
    pub(crate) fn fail_over(&mut self, received: &Copy, old: OldPrimary, named_after: Duration) {
        let (was, is) = (self.primary, 1 - self.primary);
        self.nodes[is].restore_with_clock_of(&self.nodes[was], received);
        self.primary = is;
        *lock(&self.named) = Named { primary: is, from: Instant::now() + named_after };
        for Way(way) in &self.ways {
            way[is].promote();
            way[was].demote();
            match old {
                OldPrimary::Gone => way[was].set_fault(Fault::Closed),
                OldPrimary::Silent => way[was].set_fault(Fault::Stalled),
                OldPrimary::Cuts => way[was].drop_connections(),
                OldPrimary::Answers => {}
            }
        }
    }
}

/// The sentinels, as one instance reaches them.
struct Sentinels {
    named: Arc<Mutex<Named>>,
    way: Vec<FakeRedis>,
}

#[async_trait]
impl SentinelTransport for Sentinels {
    async fn primary(&self) -> io::Result<NamedTransport> {
        let named = lock(&self.named);
        if Instant::now() < named.from {
            return Err(io::Error::other("the sentinels are electing"));
        }
        Ok(NamedTransport { place: format!("node {}", named.primary), transport: self.way[named.primary].transport() })
    }
}

fn lock(named: &Mutex<Named>) -> MutexGuard<'_, Named> {
    named.lock().unwrap_or_else(PoisonError::into_inner)
}

fn break_redis(way: &FakeRedis, fault: RedisFault) {
    match fault {
        RedisFault::Closed => way.set_fault(Fault::Closed),
        RedisFault::Silent => way.set_fault(Fault::Stalled),
        RedisFault::Late(milliseconds) => way.set_fault(Fault::Late(Duration::from_millis(milliseconds))),
        RedisFault::Half => way.set_fault(Fault::Half),
        RedisFault::Refuses(error) => way.refuse(EVERY_COMMAND, error),
        RedisFault::RefusesReading(error) => way.refuse("XREAD", error),
    }
}
