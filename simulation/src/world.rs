//! How does a world run? On one thread, with a clock that moves only while every task is idle, one event after the
//! other.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use adapters::testing::fake_redis::{EVERY_COMMAND, FakeRedis, Fault};
use domain::testing::generator::Random;
use tokio::runtime::{Builder, Handle};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::check;
use crate::client::{Around, WebClient};
use crate::clock::WorldClock;
use crate::connection::Manners;
use crate::control::Control;
use crate::event::{Act, Event, Lowest, RedisFault};
use crate::instance::Instance;
use crate::plan::Plan;
use crate::server::Server;
use crate::trace::Trace;

/// How long nothing goes wrong before everything is checked: a session check (60 s), and all recovery before it.
const QUIET: Duration = Duration::from_secs(90);
/// How long it takes until a step back is certain: two comparisons (3 s each), and a new connection.
const UNTIL_SEEN_GOING_BACK: Duration = Duration::from_secs(12);
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
    redis: FakeRedis,
    clock: Arc<WorldClock>,
    around: Around,
    instances: Vec<Option<Instance>>,
    starts: u64,
    /// Whether ids may have been assigned twice.
    has_failed_over: bool,
    controls: Vec<Control>,
    clients: JoinSet<()>,
}

impl<'a> World<'a> {
    fn new(plan: &'a Plan, keeps_text: bool) -> Self {
        let redis = FakeRedis::in_memory();
        let mut server = Server::new(redis.clone(), plan.elements.clone());
        for client in plan.clients.iter().filter(|client| client.user != 0) {
            server.log_in(client.user);
        }
        let around = Around {
            server: Arc::new(Mutex::new(server)),
            doors: Arc::new(Mutex::new(vec![None; plan.instances])),
            violations: Arc::default(),
            trace: Trace::new(keeps_text),
        };
        let mut world = Self {
            plan,
            redis,
            clock: Arc::new(WorldClock::new()),
            around,
            instances: (0..plan.instances).map(|_| None).collect(),
            starts: 0,
            has_failed_over: false,
            controls: Vec::new(),
            clients: JoinSet::new(),
        };
        (0..plan.instances).for_each(|instance| world.start(instance));
        world.bring_clients();
        world
    }

    fn bring_clients(&mut self) {
        for (number, client) in (0..).zip(&self.plan.clients) {
            let control = Control::new(client.is_throttled, number);
            control.act(Act::Return);
            self.controls.push(control.clone());
            let client = WebClient {
                name: format!("client {number}"),
                user: client.user,
                manners: Manners { http2: client.http2, accepts: client.accepts, pipe_bytes: client.pipe_bytes },
                control,
                around: self.around.clone(),
                random: Random::new(self.plan.seed ^ (number as u64 + 1)),
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
        let instance = Instance::start(&self.redis, &self.clock, self.plan.versions_max, self.starts);
        self.around.doors.lock().unwrap_or_else(PoisonError::into_inner)[number] = Some(instance.door.clone());
        self.instances[number] = Some(instance);
    }

    async fn stop(&mut self, number: usize, kill: bool) {
        let Some(instance) = self.instances[number].take() else { return };
        self.around.doors.lock().unwrap_or_else(PoisonError::into_inner)[number] = None;
        if kill {
            instance.kill().await;
        } else if let Err(wrong) = instance.stop().await {
            self.around.violated(wrong);
        }
    }

    async fn let_happen(&mut self, event: &Event) {
        self.around.trace.add("event", &format!("{event:?}"));
        match event {
            Event::Wait(milliseconds) => sleep(Duration::from_millis(*milliseconds)).await,
            Event::Change(writes, announced) => self.server().change(writes, *announced),
            Event::Fault(fault) => self.break_redis(*fault),
            Event::Heal => self.heal(),
            Event::DropRedisConnections => self.redis.drop_connections(),
            Event::TrimStream(keep) => self.redis.run(&[b"XTRIM", b"autoupdate", keep.to_string().as_bytes()]),
            Event::DeleteStream => self.redis.run(&[b"DEL", b"autoupdate"]),
            Event::Lose(part, milliseconds) => {
                self.server().lose(*part);
                self.rebuild(Lowest::Higher, *milliseconds).await;
            }
            Event::Flush(milliseconds) => {
                self.server().flush();
                self.rebuild(Lowest::Higher, *milliseconds).await;
            }
            Event::Rebuild(lowest, milliseconds) => {
                self.server().begin_rebuild();
                self.rebuild(*lowest, *milliseconds).await;
            }
            Event::Replicate => self.server().replicate(),
            Event::FailOver => self.fail_over().await,
            Event::JumpClocks(seconds) => {
                self.clock.jump(*seconds);
                self.redis.let_seconds_pass(*seconds);
            }
            Event::LogOut(user) => self.server().log_out(*user),
            Event::LogIn(user) => self.server().log_in(*user),
            Event::ChangePassword(user) => self.server().change_password(*user),
            Event::Stop(number) => self.stop(*number, false).await,
            Event::Kill(number) => self.stop(*number, true).await,
            Event::Start(number) if self.instances[*number].is_none() => self.start(*number),
            Event::Start(_) => {}
            Event::Client(number, act) => self.controls[*number].act(*act),
            Event::Quiet => self.rest().await,
        }
    }

    fn break_redis(&self, fault: RedisFault) {
        match fault {
            RedisFault::Closed => self.redis.set_fault(Fault::Closed),
            RedisFault::Silent => self.redis.set_fault(Fault::Stalled),
            RedisFault::Late(milliseconds) => self.redis.set_fault(Fault::Late(Duration::from_millis(milliseconds))),
            RedisFault::Half => self.redis.set_fault(Fault::Half),
            RedisFault::Refuses(error) => self.redis.refuse(EVERY_COMMAND, error),
        }
    }

    fn heal(&self) {
        self.redis.set_fault(Fault::None);
        self.redis.refuse_nothing();
    }

    async fn rebuild(&self, lowest: Lowest, milliseconds: u64) {
        sleep(Duration::from_millis(milliseconds)).await;
        self.server().end_rebuild(lowest);
    }

    /// Waits until every instance has noticed, because that is impossible once as many new ids were assigned as were
    /// lost.
    async fn fail_over(&mut self) {
        if self.server().fail_over() {
            self.has_failed_over = true;
            self.heal();
            sleep(UNTIL_SEEN_GOING_BACK).await;
        }
    }

    /// Lets a while pass without faults, then checks that everything is as if nothing had happened.
    async fn rest(&mut self) {
        self.heal();
        if self.instances.iter().all(Option::is_none) {
            self.start(0);
        }
        self.controls.iter().for_each(|control| control.act(Act::Resume));
        sleep(QUIET).await;
        let mut wrong = Vec::new();
        for (control, client) in self.controls.iter().zip(&self.plan.clients) {
            let mut server = self.server();
            wrong.extend(check::at_rest(&mut server, &mut control.state(), client.user).err());
        }
        wrong.into_iter().for_each(|wrong| self.around.violated(wrong));
    }

    /// Disconnects all clients, stops every instance, and checks that nothing is left.
    async fn end(mut self) -> Outcome {
        self.heal();
        self.clients.shutdown().await;
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
        Outcome { violations, hash: self.around.trace.hash(), text: self.around.trace.text(), lines }
    }

    fn server(&self) -> MutexGuard<'_, Server> {
        self.around.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn violations(&self) -> MutexGuard<'_, Vec<String>> {
        self.around.violations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
