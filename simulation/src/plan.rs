//! What happens in a world? Only the seed decides.

use domain::ports::element_store::MeetingPart;
use domain::testing::generator::Random;
use domain::testing::oracle::Elements;
use domain::testing::strategies::{History, VIEWERS, Write, history};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use serde_json::json;

use crate::event::{Act, Announced, Event, Lowest, RedisFault};

/// The maximum number of clients in a world.
const CLIENTS_MAX: u64 = 6;
/// The maximum number of instances in a world.
const INSTANCES_MAX: u64 = 3;
/// The maximum number of changes in a world.
const CHANGES_MAX: usize = 14;

/// The errors with which Redis may refuse commands.
const ERRORS: [&str; 5] = [
    "LOADING Redis is loading the dataset in memory",
    "READONLY You can't write against a read only replica.",
    "OOM command not allowed when used memory > 'maxmemory'.",
    "NOAUTH Authentication required.",
    "NOPERM this user has no permissions to run this command",
];

/// A client of a world.
#[derive(Clone, Copy, Debug)]
pub struct ClientPlan {
    /// The user whose session it has; 0: none.
    pub user: u64,
    /// Whether it applies lines a second after they arrive, instead of at once.
    pub is_throttled: bool,
    /// Whether it speaks HTTP/2 instead of HTTP/1.1.
    pub http2: bool,
    /// Its `Accept-Encoding`.
    pub accepts: &'static str,
    /// How many bytes may be in transit to it before the service waits.
    pub pipe_bytes: usize,
}

/// Everything that determines a world.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Decides what the plan leaves open, such as how long a client waits.
    pub seed: u64,
    /// The meeting at the start.
    pub elements: Elements,
    /// The number of instances.
    pub instances: usize,
    /// How many past versions each instance keeps.
    pub versions_max: usize,
    /// The clients.
    pub clients: Vec<ClientPlan>,
    /// What happens, in order.
    pub events: Vec<Event>,
}

impl Plan {
    /// Returns the plan of a seed. Its meeting always has a configuration: a cache without one is not ready.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let History { initial: mut elements, changes } = random_history(seed);
        elements.insert("core/config:900".to_owned(), json!({"id": 900, "key": "general_event_date", "value": ""}));
        let mut random = Random::new(seed);
        let instances = 1 + pick(&mut random, INSTANCES_MAX);
        let clients: Vec<_> = (0..random.id(CLIENTS_MAX)).map(|_| client(&mut random)).collect();
        let versions_max = [0, 1, 3, 1_000, 1_000][pick(&mut random, 5)];
        let mut events = Vec::new();
        for change in changes {
            for _ in 0..random.below(3) {
                events.extend(between(&mut random, clients.len(), instances));
            }
            events.push(Event::Wait([0, 0, 1, 20, 700, 4_000][pick(&mut random, 6)]));
            events.push(changed(&mut random, change));
            if random.once_in(6) {
                events.push(Event::Quiet);
            }
        }
        events.push(Event::Quiet);
        Self { seed, elements, instances, versions_max, clients, events }
    }
}

fn random_history(seed: u64) -> History {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let tree = history(CHANGES_MAX).new_tree(&mut runner);
    tree.map_or_else(|_| History { initial: Elements::new(), changes: Vec::new() }, |tree| tree.current())
}

fn client(random: &mut Random) -> ClientPlan {
    ClientPlan {
        user: VIEWERS[pick(random, VIEWERS.len() as u64)],
        is_throttled: random.once_in(3),
        http2: random.once_in(3),
        accepts: ["identity", "gzip", "zstd", "gzip, zstd"][pick(random, 4)],
        pipe_bytes: [64 * 1024, 64 * 1024, 1_024, 7][pick(random, 4)],
    }
}

fn changed(random: &mut Random, writes: Vec<Write>) -> Event {
    let announced = match random.below(12) {
        0 => Announced::Never,
        1 => Announced::Twice,
        2 => Announced::Late,
        3 => Announced::Half,
        _ => Announced::Once,
    };
    Event::Change(writes, announced)
}

/// Something other than a change; sometimes several events that belong together.
fn between(random: &mut Random, clients: usize, instances: usize) -> Vec<Event> {
    let user = VIEWERS[1 + pick(random, VIEWERS.len() as u64 - 1)];
    let milliseconds = random.below(8_000);
    let instance = pick(random, instances as u64);
    match random.below(30) {
        0..=13 => vec![Event::Client(pick(random, clients as u64), act(random))],
        14 => vec![Event::LogOut(user)],
        15 => vec![Event::LogIn(user)],
        16 => vec![Event::ChangePassword(user)],
        17..=19 => vec![Event::Fault(fault(random)), Event::Wait(milliseconds), Event::Heal],
        20 => vec![Event::DropRedisConnections],
        21 => vec![if random.once_in(2) { Event::DeleteStream } else { Event::TrimStream(pick(random, 3)) }],
        22 => {
            let parts = [
                MeetingPart::Elements,
                MeetingPart::Configuration,
                MeetingPart::ChangeIds,
                MeetingPart::LowestChangeId,
            ];
            vec![Event::Lose(parts[pick(random, 4)], milliseconds)]
        }
        23 => vec![Event::Flush(milliseconds)],
        24 => vec![Event::Rebuild(if random.once_in(2) { Lowest::Higher } else { Lowest::Lower }, milliseconds / 4)],
        25 => vec![Event::Replicate],
        26 => vec![Event::FailOver],
        27 => vec![Event::JumpClocks(random.below(100_000))],
        28 => vec![if random.once_in(2) { Event::Stop(instance) } else { Event::Kill(instance) }],
        _ => vec![Event::Start(instance)],
    }
}

fn fault(random: &mut Random) -> RedisFault {
    match random.below(9) {
        0 => RedisFault::Closed,
        1 => RedisFault::Silent,
        2 => RedisFault::Late(1 + random.below(4_000)),
        3 => RedisFault::Half,
        _ => RedisFault::Refuses(ERRORS[pick(random, ERRORS.len() as u64)]),
    }
}

fn act(random: &mut Random) -> Act {
    const ACTS: [Act; 10] = [
        Act::Leave,
        Act::Return,
        Act::Break,
        Act::Stall,
        Act::Resume,
        Act::Reload,
        Act::Remember,
        Act::GoBack,
        Act::ClaimFuture,
        Act::Move,
    ];
    ACTS[pick(random, ACTS.len() as u64)]
}

/// A random index below `end`.
fn pick(random: &mut Random, end: u64) -> usize {
    usize::try_from(random.below(end)).unwrap_or_default()
}
