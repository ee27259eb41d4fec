//! What happens in a world? Only the seed decides.

mod mirror;
mod rare;
mod script;

use domain::testing::generator::Random;
use domain::testing::oracle::Elements;
use domain::testing::strategies::{History, VIEWERS, Write, history};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::json;

use self::mirror::{Mirror, projector};
use self::rare::Tabs;
use self::script::Script;
use crate::event::{Event, IsSeen, OldPrimary};

/// The maximum number of clients in a world.
const CLIENTS_MAX: u64 = 6;
/// The maximum number of instances in a world.
const INSTANCES_MAX: u64 = 3;
/// How many changes of any kind happen at most, besides those that decide who sees what.
const CHANGES_MAX: usize = 14;
/// How many scenes a world has at most.
const SCENES_MAX: u64 = 5;

/// Makes the random numbers of the rare scenes different from all others.
const RARE: u64 = 0x7261_7265;

/// Makes the random numbers that decide who uses TLS different from all others.
const TLS: u64 = 0x0074_6c73;

/// Makes the random numbers of the scene in which an instance is behind different from all others.
const BEHIND: u64 = 0x0062_6568;

/// Makes the random numbers that decide about sentinels different from all others. Chosen so that the worlds in
/// `seeds.txt`, and those in which broken services were found until there were sentinels, have none.
const SENTINELS: u64 = 0x7365_6e74_2487;

/// A client of a world.
#[derive(Clone, Copy, Debug)]
pub struct ClientPlan {
    /// The user whose session it has; 0: none.
    pub user: u64,
    /// Whether it applies lines a second after they arrive, instead of at once.
    pub is_throttled: bool,
    /// Whether it speaks HTTP/2 instead of HTTP/1.1.
    pub http2: bool,
    /// Whether it uses TLS.
    pub tls: bool,
    /// Its `Accept-Encoding`.
    pub accepts: &'static str,
    /// How many bytes may be in transit to it before the service waits.
    pub pipe_bytes: usize,
    /// It closes its direction of every second connection after a while.
    pub half_closes: bool,
    /// It listens to messages.
    pub listens: bool,
    /// It watches projectors.
    pub watches: bool,
    /// It is not there at the start.
    pub comes_late: bool,
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
    /// Whether there are two Redis servers, of which sentinels say which is the primary.
    pub has_sentinels: bool,
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
        for (key, element) in elements.iter_mut().filter(|(key, _)| key.starts_with("users/user:")) {
            element["session_auth_hash"] = json!(format!("first hash of {key}"));
        }
        elements.insert("core/config:900".to_owned(), json!({"id": 900, "key": "general_event_date", "value": ""}));
        let mut random = Random::new(seed);
        for id in 1..=2 {
            let Write { key, element } = projector(id, &mut random);
            elements.extend(element.map(|element| (key, element)));
        }
        let instances = 1 + pick(&mut random, INSTANCES_MAX);
        let mut clients: Vec<_> = (0..random.id(CLIENTS_MAX)).map(|_| client(&mut random)).collect();
        let versions_max = [0, 1, 3, 1_000, 1_000][pick(&mut random, 5)];
        let mirror = Mirror::new(&elements, clients.iter().map(|client| client.user));
        let (changes, clients_count) = (changes.into_iter(), clients.len());
        let mut script = Script { random, mirror, changes, clients: clients_count, instances, events: Vec::new() };
        for _ in 0..script.random.id(SCENES_MAX) {
            script.scene();
        }
        script.random = Random::new(seed ^ RARE);
        let tabs = Tabs::new(&mut script.random, clients_count);
        for _ in tabs.numbers {
            let any = client(&mut script.random);
            clients.push(ClientPlan { user: tabs.user, listens: true, watches: true, comes_late: true, ..any });
        }
        // Decided last, so that worlds known by their seeds otherwise stay as they are.
        let mut random = Random::new(seed ^ TLS);
        clients.iter_mut().for_each(|client| client.tls = random.once_in(3));
        script.rare_scenes(tabs);
        script.random = Random::new(seed ^ BEHIND);
        if script.random.once_in(3) {
            script.come_to_one_that_is_behind();
        }
        let mut events = script.events;
        events.push(Event::Quiet);
        let mut random = Random::new(seed ^ SENTINELS);
        let has_sentinels = random.once_in(4);
        if has_sentinels {
            events = events.into_iter().flat_map(|event| by_sentinels(event, &mut random)).collect();
        }
        Self { seed, elements, instances, has_sentinels, versions_max, clients, events }
    }
}

/// What happens in a world with sentinels instead of a fail-over by other means; sometimes nothing is lost then. The
/// script has planned what follows as if something were, which only makes later changes less likely to fit.
fn by_sentinels(event: Event, random: &mut Random) -> Vec<Event> {
    let is_seen = match event {
        Event::FailOver => IsSeen::Yes,
        Event::FailOverUnseen => IsSeen::No,
        other => return vec![other],
    };
    const OLD: [OldPrimary; 4] = [OldPrimary::Gone, OldPrimary::Silent, OldPrimary::Cuts, OldPrimary::Answers];
    let (old, named_after) = (OLD[pick(random, 4)], [0, 0, 300, 4_000][pick(random, 4)]);
    let fail_over = Event::FailOverBySentinels(old, named_after, is_seen);
    if random.once_in(3) { vec![Event::Replicate, fail_over] } else { vec![fail_over] }
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
        tls: false,
        accepts: ["identity", "gzip", "zstd", "gzip, zstd"][pick(random, 4)],
        pipe_bytes: [64 * 1024, 64 * 1024, 1_024, 7][pick(random, 4)],
        half_closes: random.once_in(6),
        listens: random.once_in(2),
        watches: random.once_in(3),
        comes_late: false,
    }
}

/// An index below `end`.
fn pick(random: &mut Random, end: u64) -> usize {
    usize::try_from(random.below(end)).unwrap_or_default()
}
