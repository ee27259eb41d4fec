//! How does a world run? On one thread, with a clock that moves only while every task is idle, one event after the
//! other.

mod checks;

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::testing::generator::Random;
use tokio::runtime::{Builder, Handle};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::client::{Around, WebClient};
use crate::clock::WorldClock;
use crate::connection::Manners;
use crate::control::Control;
use crate::encryption::TlsClient;
use crate::event::{Act, Announced, Event, IsSeen, Lowest, OldPrimary};
use crate::instance::Instance;
use crate::nodes::Nodes;
use crate::plan::Plan;
use crate::server::Server;
use crate::tab::{Kind, Tab};
use crate::trace::Trace;

/// With so many versions kept, none is dropped in a world because there are too many.
const VERSIONS_ALL: usize = 1_000;
/// How long it takes until going back is certain: two comparisons (3 s each), and a connection that is opened anew.
const UNTIL_SEEN_GOING_BACK: Duration = Duration::from_secs(12);
/// How long that takes where the old primary is asked until it has not answered, and then the sentinels.
const UNTIL_SEEN_BY_SENTINELS: Duration = Duration::from_secs(30);
/// How long everything may take to end after the last event.
const END: Duration = Duration::from_secs(30);

/// How a world ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Descriptions of the promises that were broken.
    pub violations: Vec<String>,
    /// The hash of everything that happened; equal for equal plans.
    pub hash: String,
    /// Descriptions of everything that happened, if they were requested.
    pub text: Vec<String>,
    /// How many lines clients received.
    pub lines: u64,
    /// How often each kind of event happened, without those that had no effect ([`Event::kind`]).
    pub happened: BTreeMap<String, u64>,
}

/// Runs the world of a plan.
///
/// # Panics
/// If no runtime can be built.
#[must_use]
pub fn run(plan: &Plan, keeps_text: bool) -> Outcome {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime on one thread without I/O needs nothing from the system");
    runtime.block_on(async {
        let mut world = World::new(plan, keeps_text);
        for event in &plan.events {
            if world.has_effect(event) {
                *world.happened.entry(event.kind()).or_default() += 1;
            }
            world.let_happen(event).await;
            if !world.violations().is_empty() {
                break;
            }
        }
        world.end().await
    })
}

struct World<'a> {
    plan: &'a Plan,
    nodes: Nodes,
    clock: Arc<WorldClock>,
    around: Around,
    instances: Vec<Option<Instance>>,
    starts: u64,
    /// Ids may have been given twice.
    has_failed_over: bool,
    controls: Vec<Control>,
    clients: JoinSet<()>,
    /// Lets the clock of Redis go on.
    ticking: JoinSet<()>,
    /// How often each kind of event had an effect.
    happened: BTreeMap<String, u64>,
}

impl<'a> World<'a> {
    fn new(plan: &'a Plan, keeps_text: bool) -> Self {
        let nodes = Nodes::new(plan.instances, plan.has_sentinels);
        let mut server = Server::new(nodes.primary().clone(), plan.elements.clone());
        for client in plan.clients.iter().filter(|client| client.user != 0 && !client.comes_late) {
            server.log_in(client.user);
        }
        let around = Around {
            server: Arc::new(Mutex::new(server)),
            doors: Arc::new(Mutex::new(vec![None; plan.instances])),
            mail: Arc::default(),
            is_orderly: Arc::default(),
            violations: Arc::default(),
            trace: Trace::new(keeps_text),
        };
        let mut world = Self {
            plan,
            clock: Arc::new(WorldClock::new()),
            around,
            instances: (0..plan.instances).map(|_| None).collect(),
            starts: 0,
            has_failed_over: false,
            controls: Vec::new(),
            clients: JoinSet::new(),
            ticking: JoinSet::new(),
            happened: BTreeMap::new(),
            nodes,
        };
        let nodes = world.nodes.all();
        world.ticking.spawn(async move {
            loop {
                sleep(Duration::from_secs(1)).await;
                nodes.iter().for_each(|node| node.let_seconds_pass(1));
            }
        });
        (0..plan.instances).for_each(|instance| world.start(instance));
        world.bring_clients();
        world
    }

    fn bring_clients(&mut self) {
        for (number, client) in (0..).zip(&self.plan.clients) {
            let control = Control::new(client.is_throttled, number, self.plan.versions_max >= VERSIONS_ALL);
            if !client.comes_late {
                control.act(Act::Return);
            }
            self.controls.push(control.clone());
            let manners = Manners {
                http2: client.http2,
                tls: client.tls.then(|| TlsClient::new(client.http2)),
                accepts: client.accepts,
                pipe_bytes: client.pipe_bytes,
                half_closes: None,
            };
            let random = |stream: u64| Random::new(self.plan.seed ^ (number as u64 + 1) ^ (stream << 32));
            let tab = |kind, random| Tab {
                kind,
                client: number,
                user: client.user,
                manners: manners.clone(),
                control: control.clone(),
                around: self.around.clone(),
                random,
            };
            if client.listens {
                self.clients.spawn(tab(Kind::Messages, random(1)).run());
            }
            if client.watches {
                self.clients.spawn(tab(Kind::Slides, random(2)).run());
            }
            let client = WebClient {
                name: format!("client {number}"),
                user: client.user,
                manners,
                control: control.clone(),
                around: self.around.clone(),
                random: random(0),
                half_closes: client.half_closes,
            };
            self.clients.spawn(client.run());
        }
    }

    fn start(&mut self, number: usize) {
        self.starts += 1;
        // A new instance cannot know that ids were assigned twice: this is not promised (docs/RELIABILITY.md).
        if self.has_failed_over {
            self.controls.iter().for_each(Control::forget);
        }
        let instance = Instance::start(&self.nodes.redis(number), &self.clock, self.plan.versions_max, self.starts);
        self.around.doors.lock().unwrap_or_else(PoisonError::into_inner)[number] = Some(instance.door.clone());
        self.instances[number] = Some(instance);
    }

    async fn stop(&mut self, number: usize, kill: bool) {
        let Some(instance) = self.instances[number].take() else { return };
        self.around.doors.lock().unwrap_or_else(PoisonError::into_inner)[number] = None;
        if kill {
            // Its streams are cut.
            instance.door.kill();
            instance.kill().await;
        } else if let Err(wrong) = instance.stop().await {
            self.around.violated(wrong);
        }
    }

    /// Whether the event changes anything: an instance that runs cannot be started, for example.
    fn has_effect(&self, event: &Event) -> bool {
        match event {
            Event::Stop(number) | Event::Kill(number) | Event::Replace(number) | Event::CutOff(number, _) => {
                self.instances[*number].is_some()
            }
            Event::Start(number) => self.instances[*number].is_none(),
            Event::FailOver | Event::FailOverUnseen => self.server().has_replica(),
            Event::FailOverBySentinels(..) => self.nodes.has_sentinels() && self.server().has_replica(),
            Event::Glance => self.is_calm(),
            _ => true,
        }
    }

    async fn let_happen(&mut self, event: &Event) {
        self.around.trace.add("event", &format!("{event:?}"));
        self.server().is_calm &= event.is_harmless();
        if !event.is_harmless() && !matches!(event, Event::Replace(_) | Event::Change(..)) {
            self.around.is_orderly.store(false, Ordering::Relaxed);
        }
        match event {
            Event::Wait(milliseconds) => sleep(Duration::from_millis(*milliseconds)).await,
            Event::Change(writes, told) => self.server().change(writes, *told),
            Event::Fault(fault) => self.nodes.break_for(None, *fault),
            Event::CutOff(number, fault) => self.nodes.break_for(Some(*number), *fault),
            Event::Heal => self.nodes.heal(),
            Event::DropRedisConnections => self.nodes.drop_connections(),
            Event::TrimStream(keep) => {
                self.nodes.primary().run(&[b"XTRIM", b"autoupdate", keep.to_string().as_bytes()])
            }
            Event::DeleteStream => self.nodes.primary().run(&[b"DEL", b"autoupdate"]),
            Event::LoseEntries("autoupdate", count) => self.server().lose_changes(*count),
            Event::LoseEntries(stream, count) => {
                self.around.mail().lose_newest(*count);
                self.nodes.primary().lose_newest_entries(stream, *count);
            }
            Event::TrimMessages(0) => {
                self.around.mail().lose_newest(usize::MAX);
                self.nodes.primary().run(&[b"DEL", b"notify"]);
            }
            Event::TrimMessages(keep) => self.nodes.primary().run(&[b"XTRIM", b"notify", keep.to_string().as_bytes()]),
            Event::Lose(part, writes, milliseconds) => {
                self.server().lose(*part);
                if !writes.is_empty() {
                    self.server().change(writes, Announced::Never);
                }
                self.rebuild(Lowest::Higher, *milliseconds).await;
            }
            Event::Flush(milliseconds) => {
                self.server().flush();
                self.rebuild(Lowest::Higher, *milliseconds).await;
            }
            Event::Rebuild(lowest, milliseconds) => {
                self.server().begin_rebuild(*lowest);
                self.rebuild(*lowest, *milliseconds).await;
            }
            Event::Replicate => self.server().replicate(),
            Event::FailOver => {
                if self.fail_over() {
                    sleep(UNTIL_SEEN_GOING_BACK).await;
                }
            }
            Event::FailOverUnseen => {
                self.fail_over();
            }
            Event::FailOverBySentinels(old, milliseconds, is_seen) => {
                let is_done = self.fail_over_by_sentinels(*old, Duration::from_millis(*milliseconds));
                if is_done && *is_seen == IsSeen::Yes {
                    sleep(UNTIL_SEEN_BY_SENTINELS).await;
                }
            }
            Event::JumpClocks(seconds) => {
                self.clock.jump(*seconds);
                self.nodes.all().iter().for_each(|node| node.let_seconds_pass(*seconds));
            }
            Event::LogOut(user) => self.server().log_out(*user),
            Event::LogIn(user) => self.server().log_in(*user),
            Event::ChangePassword(user) => self.server().change_password(*user),
            Event::Stop(number) => self.stop(*number, false).await,
            Event::Kill(number) => self.stop(*number, true).await,
            Event::Start(number) if self.instances[*number].is_none() => self.start(*number),
            Event::Start(_) => {}
            Event::Replace(number) if self.instances[*number].is_some() => {
                self.stop(*number, false).await;
                self.start(*number);
            }
            Event::Replace(_) => {}
            Event::Nonsense(client, change_id) => {
                let asked = self.asker(*client).ask_nonsense(change_id).await;
                self.note(*client, asked);
            }
            Event::Send(client, to) => {
                let sent = self.asker(*client).send(to).await;
                self.note(*client, sent);
            }
            Event::Applaud(client) => self.applaud(*client).await,
            Event::Client(number, act) => self.controls[*number].act(*act),
            Event::Quiet => self.rest().await,
            Event::Glance => self.glance().await,
        }
    }

    async fn rebuild(&self, lowest: Lowest, milliseconds: u64) {
        sleep(Duration::from_millis(milliseconds)).await;
        self.server().end_rebuild(lowest);
    }

    /// What the replica has is now at the address of the primary. Returns whether there was a replica.
    fn fail_over(&mut self) -> bool {
        let Some(received) = self.server().fail_over() else { return false };
        self.nodes.primary().restore(&received);
        self.nodes.drop_connections();
        self.has_failed_over = true;
        self.nodes.heal();
        true
    }

    /// The replica is now the primary. Returns whether there was one.
    fn fail_over_by_sentinels(&mut self, old: OldPrimary, named_after: Duration) -> bool {
        if !self.nodes.has_sentinels() {
            return false;
        }
        let Some(received) = self.server().fail_over() else { return false };
        self.nodes.heal();
        self.nodes.fail_over(&received, old, named_after);
        self.server().redis = self.nodes.primary().clone();
        self.has_failed_over = true;
        true
    }

    /// Disconnects all clients, stops every instance, and checks that nothing is left.
    async fn end(mut self) -> Outcome {
        self.nodes.heal();
        self.clients.shutdown().await;
        self.ticking.shutdown().await;
        for number in 0..self.instances.len() {
            self.stop(number, false).await;
        }
        sleep(END).await;
        let tasks = Handle::current().metrics().num_alive_tasks();
        if tasks > 0 {
            self.around.violated(format!("{tasks} tasks are left behind"));
        }
        let lines = self.controls.iter().map(|control| control.state().lines).sum();
        let violations = self.violations().clone();
        let (hash, text) = (self.around.trace.hash(), self.around.trace.text());
        Outcome { violations, hash, text, lines, happened: self.happened }
    }

    fn is_calm(&self) -> bool {
        self.server().is_calm
    }

    fn server(&self) -> MutexGuard<'_, Server> {
        self.around.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn violations(&self) -> MutexGuard<'_, Vec<String>> {
        self.around.violations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
