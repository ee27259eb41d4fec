//! What takes part when a fault is tried, and how does it go?

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use domain::ids::{GroupId, UserId};
use domain::testing::generator::{Generated, Plan as MeetingPlan};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::canary;
use super::crowd::Crowd;
use super::outcome::Outcome;
use super::parts::until;
use super::proxy::Proxy;
use super::redis_server::{Kind, PASSWORD, RedisServer, USER, WATCHED_NAME};
use super::service::{Service, Setup};
use super::writer::Writer;
use super::{Fault, Plan};
use crate::attack::{Reading, settled};
use crate::error::LoadError;
use crate::publisher::{Access, Publisher};
use crate::rehearse::{self, Kept, Observer, Session, Trust, Versions};
use crate::session;

/// How long clients may take until they have their first data.
const ARRIVE_SECONDS_MAX: u64 = 120;

/// How long clients may take to come back after a restart.
const RETURN_SECONDS_MAX: u64 = 60;

/// Within how many seconds everything must hold again once Redis is healthy (docs/RELIABILITY.md): the time of a check
/// of sessions, after which the last wrong stream has ended, and of a reconnect.
const HEAL_SECONDS_MAX: u64 = 75;

/// How long the server writes before and after the fault, in seconds.
const BEFORE_SECONDS: f64 = 3.0;
const AFTER_SECONDS: f64 = 3.0;

/// How many sentinels watch Redis: the least that can outvote one that is cut off.
const SENTINELS: usize = 3;

/// How often the lag of this program is measured.
const LAG_PAUSE: Duration = Duration::from_millis(100);

/// The pause between two messages, each to everybody and of another client.
const MESSAGE_PAUSE: Duration = Duration::from_secs(1);

const COOKIE_NAME: &str = "OpenSlidesSessionID";

/// The streams that each client keeps: autoupdate, notify, and projector 1.
const STREAMS: usize = 3;

/// The elements that an administrator sees as they are in Redis.
const COMPARED_COLLECTION: &str = "agenda/list-of-speakers";

/// A fault, and all that takes part in it. Everything ends with it.
pub(super) struct Trial {
    // The clients first, then what they use: parts are dropped in this order.
    tasks: JoinSet<()>,
    /// Sends messages.
    sender: JoinSet<()>,
    pub(super) crowd: Arc<Crowd>,
    pub(super) writer: Writer,
    pub(super) proxy: Option<Proxy>,
    service: Option<Service>,
    setup: Setup,
    pub(super) sentinels: Vec<RedisServer>,
    /// The server that is written to, and its replica where there is one.
    pub(super) redis: Vec<RedisServer>,
    /// Which of them is the primary.
    pub(super) primary: usize,
    pub(super) meeting: Generated,
    /// Whose sessions the clients take in turn.
    users: Vec<(UserId, GroupId)>,
    /// The change id that the meeting began with.
    pub(super) lowest: u64,
    fault: Fault,
    clients: usize,
    pace: f64,
    before: Reading,
    with_clients: Reading,
    /// What processes of the service that have ended used, and how they ended.
    ended_cpu_micros: u64,
    exits: Vec<Option<i32>>,
    started: usize,
}

impl Trial {
    /// Starts everything, and waits until all clients have their data.
    pub(super) async fn prepare(plan: &Plan, fault: Fault, clients: usize) -> Result<Self, LoadError> {
        let meeting = Generated::new(MeetingPlan { elements: plan.elements, users: plan.users, ..MeetingPlan::LARGE });
        let access = Access { secret: "secret of the load program".to_owned(), session_prefix: "session:".to_owned() };
        let mut redis = vec![RedisServer::start(&plan.redis, Kind::Primary).await?];
        let mut sentinels = Vec::new();
        let lowest = Publisher::connect(&redis[0].url()).await?.fill(&meeting, &access, false).await?;
        if fault.needs_sentinels() {
            redis.push(RedisServer::start(&plan.redis, Kind::Replica(redis[0].port)).await?);
            redis[1].until_in_sync(&redis[0]).await?;
            for _ in 0..SENTINELS {
                sentinels.push(RedisServer::start(&plan.redis, Kind::Sentinel(redis[0].port)).await?);
            }
            for sentinel in &sentinels {
                sentinel.until_it_could_fail_over().await?;
            }
        }
        let variables = variables(fault, &redis[0], &sentinels);
        let setup = Setup::new(plan.program.clone(), &access, variables, fault.hands_over_socket())?;
        let service = setup.start().await?;
        let before = service.reading()?;
        let proxy = match fault.proxy() {
            Some(kind) => Some(Proxy::start(kind, setup.port()).await?),
            None => None,
        };
        let writer = Writer::start(&redis[0].url(), &meeting, &access, plan.rate, fault.canary_seconds())?;
        let users = users(&meeting);
        let groups = users.iter().cycle().take(clients).map(|(_, group)| *group);
        let may_see: Vec<bool> = groups.map(canary::may_be_seen_by).collect();
        let crowd = Arc::new(Crowd::new(&may_see, STREAMS));
        let mut trial = Self {
            tasks: JoinSet::new(),
            sender: JoinSet::new(),
            crowd,
            writer,
            proxy,
            service: Some(service),
            setup,
            sentinels,
            redis,
            primary: 0,
            meeting,
            users,
            lowest,
            fault,
            clients,
            pace: plan.pace,
            before,
            with_clients: before,
            ended_cpu_micros: 0,
            exits: Vec::new(),
            started: 1,
        };
        let Kept { tasks, sender } =
            trial.open(clients, Some(MESSAGE_PAUSE.mul_f64(plan.pace)), Arc::clone(&trial.crowd)).await?;
        (trial.tasks, trial.sender) = (tasks, sender);
        trial.tasks.spawn(watch_own_lag(Arc::clone(&trial.crowd)));
        trial.until_served(&Arc::clone(&trial.crowd), ARRIVE_SECONDS_MAX).await?;
        trial.wait(BEFORE_SECONDS).await;
        trial.with_clients = trial.running()?.reading()?;
        trial.crowd.start_counting();
        Ok(trial)
    }

    /// Opens clients, as browsers would; they send messages with this pause in between.
    async fn open(&self, clients: usize, messages: Option<Duration>, crowd: Arc<Crowd>) -> Result<Kept, LoadError> {
        let port = self.proxy.as_ref().map_or(self.setup.port(), |proxy| proxy.port);
        let sessions: Result<Vec<Session>, LoadError> =
            self.users.iter().map(|(user, _)| Session::new(&session::cookie(user.0), COOKIE_NAME)).collect();
        let plan = rehearse::Plan {
            address: format!("https://127.0.0.1:{port}").parse()?,
            clients,
            sessions: sessions?,
            cookie_name: COOKIE_NAME.to_owned(),
            // They end when told to.
            seconds: rehearse::SECONDS_MAX,
            arrival_seconds: (clients / 200) as u64,
            projectors: vec![1],
            compressed: true,
            versions: Versions::Both,
            trust: Trust::Anything,
            keep_alive_seconds: 0,
            message_seconds: None,
            metrics: Vec::new(),
        };
        let observer: Arc<dyn Observer> = crowd;
        rehearse::keep_clients(plan, messages, observer).await
    }

    /// Waits, shorter or longer according to the plan.
    pub(super) async fn wait(&self, seconds: f64) {
        sleep(Duration::from_secs_f64(seconds * self.pace)).await;
    }

    /// Returns how often something happens that happens so often in a real fault.
    pub(super) fn times(&self, times: usize) -> usize {
        ((times as f64 * self.pace).round() as usize).clamp(1, times)
    }

    /// Returns the Redis that is written to.
    pub(super) fn primary(&self) -> &RedisServer {
        &self.redis[self.primary]
    }

    /// The same, to be killed or restarted.
    pub(super) fn primary_mut(&mut self) -> &mut RedisServer {
        &mut self.redis[self.primary]
    }

    /// Waits until the sentinels name another primary, and writes there from then on.
    pub(super) async fn follow_fail_over(&mut self, primary: usize) -> Result<(), LoadError> {
        for sentinel in &self.sentinels {
            sentinel.until_it_names(self.redis[primary].port).await?;
        }
        self.primary = primary;
        self.writer.move_to(&self.primary().url()).await;
        Ok(())
    }

    /// Stops the service, and starts it again.
    pub(super) async fn restart_service(&mut self) -> Result<(), LoadError> {
        self.stop_service().await?;
        self.service = Some(self.setup.start().await?);
        self.started += 1;
        Ok(())
    }

    async fn stop_service(&mut self) -> Result<(), LoadError> {
        if let Some(service) = self.service.take() {
            self.ended_cpu_micros += service.process().cpu_micros()?;
            self.exits.push(service.stop().await?);
        }
        Ok(())
    }

    /// Waits until all clients have all their streams.
    pub(super) async fn until_all_are_served(&self) -> Result<(), LoadError> {
        self.until_served(&self.crowd, RETURN_SECONDS_MAX).await
    }

    async fn until_served(&self, crowd: &Crowd, seconds_max: u64) -> Result<(), LoadError> {
        let what = "all clients to have data";
        until(what, seconds_max, async || Ok(crowd.waiting() == 0)).await
    }

    fn running(&self) -> Result<&Service, LoadError> {
        self.service.as_ref().ok_or_else(|| LoadError::Usage("the service does not run".to_owned()))
    }

    /// Returns where the log of the service is.
    pub(super) fn log(&self) -> PathBuf {
        self.setup.log()
    }

    /// Waits until it is quiet, compares, and ends everything.
    pub(super) async fn judge(&mut self) -> Result<Outcome, LoadError> {
        let mut broken = Vec::new();
        let over = Instant::now();
        self.wait(AFTER_SECONDS).await;
        self.sender.shutdown().await;
        let change_id = self.writer.finish().await?;
        let written = self.writer.written().await;
        let healing = until("all clients to be up to date", HEAL_SECONDS_MAX, async || {
            let (_, missing) = self.crowd.messages();
            let has_messages = missing.missed == 0 && (missing.unread == 0 || self.fault.may_lose_entries());
            Ok(has_messages && self.crowd.behind(change_id) == 0)
        });
        if healing.await.is_err() {
            let behind = self.crowd.behind(change_id);
            broken.push(format!("{behind} clients are not up to date {HEAL_SECONDS_MAX} s afterwards"));
        }
        let (messages, missing) = self.crowd.messages();
        let healed = over.elapsed();
        let counts = self.crowd.stop_counting();
        let cpu_micros = self.ended_cpu_micros + self.running()?.process().cpu_micros()?;
        let with_clients = [self.with_clients, self.running()?.reading()?];

        let users = self.users.len().min(self.clients);
        let fresh = Arc::new(Crowd::new(&vec![true; users], STREAMS));
        let newcomers = self.open(users, None, Arc::clone(&fresh)).await?;
        self.until_served(&fresh, ARRIVE_SECONDS_MAX).await?;
        let different = self.crowd.compare(&fresh);
        if let Some(first) = different.first() {
            broken.push(format!("{} of {} clients hold something else: {first}", different.len(), self.clients));
        }
        if let Some(difference) = self.differs_from_redis(&fresh).await? {
            broken.push(difference);
        }
        if !self.crowd.is_canary_seen() {
            broken.push("nobody saw the canary, so nothing is known of those who may not".to_owned());
        }
        drop(newcomers);
        self.tasks.shutdown().await;
        if let Some(proxy) = self.proxy.take() {
            proxy.stop().await?;
        }
        let after = settled(self.running()?.process(), &self.before).await?;
        broken.extend(after.left_since(&self.before));
        self.stop_service().await?;
        broken.extend(
            self.exits.iter().find(|exit| **exit != Some(0)).map(|exit| format!("the service exited with {exit:?}")),
        );
        Ok(Outcome {
            fault: self.fault,
            clients: self.clients,
            written,
            counts,
            messages,
            missing,
            healed,
            cpu_micros: cpu_micros.saturating_sub(self.with_clients.cpu_micros),
            with_clients,
            descriptors: [self.before.descriptors, after.descriptors],
            starts: self.started,
            broken,
        }
        .judged())
    }

    /// Returns how what an administrator is sent differs from what is in Redis.
    async fn differs_from_redis(&self, fresh: &Crowd) -> Result<Option<String>, LoadError> {
        let pairs: Vec<(String, String)> = self.primary().run(&["HGETALL", "full_data"]).await?;
        let begin = format!("{COMPARED_COLLECTION}:");
        let of_redis = pairs.iter().filter_map(|(key, text)| Some((key.strip_prefix(&begin)?.parse().ok()?, &**text)));
        let mut of_redis: Vec<(u64, &str)> = of_redis.collect();
        of_redis.sort_unstable();
        // User 1 is an administrator.
        let differs = fresh.look(0, |held| {
            let mut of_client: Vec<(u64, &str)> = held.collection(COMPARED_COLLECTION).collect();
            of_client.sort_unstable();
            of_client != of_redis
        });
        Ok((differs == Some(true))
            .then(|| format!("a new administrator is sent other elements of {COMPARED_COLLECTION} than Redis has")))
    }
}

/// Returns the users of a meeting in an order in which few clients have all groups, an administrator first.
fn users(meeting: &Generated) -> Vec<(UserId, GroupId)> {
    let mut seen = BTreeMap::<GroupId, usize>::new();
    let rank = |user: &(UserId, GroupId)| {
        let rank = seen.entry(user.1).or_default();
        *rank += 1;
        (*rank, *user)
    };
    let mut ranked: Vec<(usize, (UserId, GroupId))> = meeting.users().iter().map(rank).collect();
    // First the first of each group, then the second of each.
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, user)| user).collect()
}

/// Measures how late this program itself is: what it sees late it would otherwise blame on the service.
async fn watch_own_lag(crowd: Arc<Crowd>) {
    loop {
        let due = Instant::now() + LAG_PAUSE;
        sleep(LAG_PAUSE).await;
        crowd.lagged(due.elapsed());
    }
}

/// Returns how the service finds Redis.
fn variables(fault: Fault, redis: &RedisServer, sentinels: &[RedisServer]) -> Vec<(&'static str, String)> {
    if sentinels.is_empty() {
        let url = if fault.has_user_of_its_own() { redis.url_of_service() } else { redis.url() };
        return vec![("REDIS_URL", url)];
    }
    let addresses: Vec<String> = sentinels.iter().map(|one| format!("127.0.0.1:{}", one.port)).collect();
    vec![("REDIS_SENTINELS", addresses.join(",")), ("REDIS_URL", format!("redis://{USER}:{PASSWORD}@{WATCHED_NAME}"))]
}
