//! Is an installation ready for its hall? Many clients with the habits of the web client, against a running service,
//! through its proxy.
//!
//! A rehearsal only does what browsers do: it opens streams. It does not connect to Redis, and sends messages only
//! if told to.

mod address;
mod client;
mod descriptors;
mod dial;
mod habits;
mod html;
mod logbook;
mod messages;
mod metrics;
mod plot;
mod progress;
mod sessions;
mod summary;
mod times;
mod verdict;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep, sleep_until};

pub use address::Address;
pub use dial::{Trust, Versions};
pub(crate) use habits::FAILURES_UNTIL_OFFLINE;
pub use html::page;
pub use logbook::{Logbook, Second};
pub use metrics::{Sample, Series};
pub use sessions::Session;
pub use summary::Summary;
pub use times::Times;
pub use verdict::{Grade, Verdict};

use crate::error::LoadError;
use client::Client;
use dial::Dialer;
use progress::Progress;

/// The most clients of one rehearsal. More need more than one machine.
pub const CLIENTS_MAX: usize = 20_000;

/// The longest rehearsal, in seconds.
pub const SECONDS_MAX: u64 = 3_600;

/// How much later than it should a sign of life may come.
const KEEP_ALIVE_SLACK: Duration = Duration::from_secs(15);

/// How often the lag of this program is measured.
const LAG_PAUSE: Duration = Duration::from_millis(100);

/// What is rehearsed.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where browsers reach the installation.
    pub address: Address,
    /// The number of clients. Each stands for one open tab.
    pub clients: usize,
    /// Who is logged in; the clients take them in turn. Without any, all clients are anonymous.
    pub sessions: Vec<Session>,
    /// The name of the session cookie.
    pub cookie_name: String,
    /// How long it lasts, in seconds, including the time in which the clients arrive.
    pub seconds: u64,
    /// Over how many seconds the clients arrive.
    pub arrival_seconds: u64,
    /// The projectors that each client listens to; with none, that stream is not opened.
    pub projectors: Vec<u64>,
    /// Whether the clients ask for compressed streams.
    pub compressed: bool,
    /// Which versions of HTTP the clients offer.
    pub versions: Versions,
    /// Which certificates are trusted.
    pub trust: Trust,
    /// After how many seconds of silence the service shows a sign of life on a stream; 0: never.
    pub keep_alive_seconds: u64,
    /// How often a message is sent through the public route, in seconds; `None`: never.
    pub message_seconds: Option<u64>,
    /// Where the metrics of the service are.
    pub metrics: Vec<Address>,
}

impl Plan {
    /// Checks the limits.
    ///
    /// # Errors
    /// Returns an error that names the value that is out of range.
    pub fn check(&self) -> Result<(), LoadError> {
        let usage = |text: String| Err(LoadError::Usage(text));
        if self.clients == 0 || self.clients > CLIENTS_MAX {
            return usage(format!("{} clients: between 1 and {CLIENTS_MAX} can be rehearsed", self.clients));
        }
        if self.seconds == 0 || self.seconds > SECONDS_MAX {
            return usage(format!("{} s: a rehearsal lasts between 1 and {SECONDS_MAX} s", self.seconds));
        }
        if self.arrival_seconds >= self.seconds {
            let (arrival, seconds) = (self.arrival_seconds, self.seconds);
            return usage(format!("the clients arrive over {arrival} s, but the rehearsal lasts only {seconds} s"));
        }
        if self.message_seconds == Some(0) {
            return usage("0 s: messages are sent at most once a second".to_owned());
        }
        if self.message_seconds.is_some() && self.sessions.is_empty() {
            return usage("messages need a login: give at least one session".to_owned());
        }
        Ok(())
    }
}

/// A rehearsal that runs: what its tasks share.
struct Rehearsal {
    plan: Plan,
    dialer: Dialer,
    /// Whether all streams of a client share a connection, as HTTP/2 has it.
    is_shared: bool,
    logbook: Mutex<Logbook>,
    observer: Option<Arc<dyn Observer>>,
}

/// Is told what the clients go through, at once. The numbers of streams are those of the logbook: 0 for autoupdate.
pub(crate) trait Observer: Send + Sync {
    /// `{"connected":true}` arrived: the stream is open, or shows a sign of life.
    fn opened(&self, client: usize, stream: usize);

    /// Any other line arrived.
    fn line(&self, client: usize, stream: usize, text: &[u8]);

    /// A message to everybody was taken by the service; it was sent at this time.
    fn taken(&self, number: u64, sent_micros: u64);

    /// The stream ended, or failed for the `failures`th time in a row.
    fn interrupted(&self, client: usize, stream: usize, failures: u32, reason: &str);
}

impl Rehearsal {
    async fn new(plan: Plan, observer: Option<Arc<dyn Observer>>) -> Result<Arc<Self>, LoadError> {
        plan.check()?;
        let dialer = Dialer::new(&plan.trust, plan.versions)?;
        let is_shared = client::reach(&dialer, &plan.address).await?;
        descriptors::check(plan.clients, if is_shared { 1 } else { plan.streams_of_client() })?;
        let mut logbook = Logbook::new(plan.clients, plan.streams_of_client());
        logbook.silence_max = plan.silence_max();
        Ok(Arc::new(Self { dialer, is_shared, logbook: Mutex::new(logbook), observer, plan }))
    }

    fn clients(self: &Arc<Self>) -> Vec<Arc<Client>> {
        (0..self.plan.clients).map(|number| Arc::new(Client::new(number, self))).collect()
    }

    fn logbook(&self) -> MutexGuard<'_, Logbook> {
        self.logbook.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs a rehearsal and returns what was observed, until its time is over or `stop` completes.
///
/// # Errors
/// Returns an error if the plan is invalid, if the installation cannot be reached at all, or if the clients need more
/// open files than the system allows.
pub async fn run(plan: Plan, stop: impl Future<Output = ()>) -> Result<(Logbook, Vec<Series>), LoadError> {
    let rehearsal = Rehearsal::new(plan, None).await?;
    let clients = rehearsal.clients();

    let end = Instant::now() + Duration::from_secs(rehearsal.plan.seconds);
    let mut tasks = JoinSet::new();
    tasks.spawn(arrive(Arc::clone(&rehearsal), clients.clone()));
    tasks.spawn(watch_own_lag(Arc::clone(&rehearsal)));
    if let Some(seconds) = rehearsal.plan.message_seconds {
        tasks.spawn(messages::send(Arc::clone(&rehearsal), clients, Duration::from_secs(seconds), end));
    }
    let series = metrics::follow(&rehearsal, &mut tasks);
    let mut progress = Progress::new(&rehearsal.plan);
    tokio::select! {
        () = async {
            let mut seconds = interval(Duration::from_secs(1));
            loop {
                seconds.tick().await;
                let mut logbook = rehearsal.logbook();
                logbook.take_stock();
                progress.show(&logbook);
            }
        } => {}
        () = sleep_until(end) => {}
        () = stop => rehearsal.logbook().is_cut_short = true,
    }
    progress.end();
    tasks.shutdown().await;
    let logbook = rehearsal.logbook().take();
    Ok((logbook, series.take()))
}

/// Clients that are kept open.
pub(crate) struct Kept {
    /// The clients; they end with it.
    pub(crate) tasks: JoinSet<()>,
    /// Sends messages, until it is dropped.
    pub(crate) sender: JoinSet<()>,
}

/// Opens clients, and keeps them open. What they go through is for the observer. With this pause in between, one after
/// the other sends a message to everybody; `None`: nobody sends any.
///
/// # Errors
/// Returns an error if the plan is invalid, or if the service cannot be reached at all.
pub(crate) async fn keep_clients(
    plan: Plan,
    messages: Option<Duration>,
    observer: Arc<dyn Observer>,
) -> Result<Kept, LoadError> {
    let rehearsal = Rehearsal::new(plan, Some(Arc::clone(&observer))).await?;
    let clients = rehearsal.clients();
    let (mut tasks, mut sender) = (JoinSet::new(), JoinSet::new());
    if let Some(pause) = messages {
        sender.spawn(messages::send_to_all(Arc::clone(&rehearsal), clients.clone(), pause, observer));
    }
    tasks.spawn(arrive(rehearsal, clients));
    Ok(Kept { tasks, sender })
}

impl Plan {
    fn streams_of_client(&self) -> usize {
        if self.projectors.is_empty() { 2 } else { 3 }
    }

    /// For how long a stream of a service that works can be silent; `None`: for ever.
    fn silence_max(&self) -> Option<Duration> {
        (self.keep_alive_seconds > 0)
            .then(|| Duration::from_secs(self.keep_alive_seconds).saturating_add(KEEP_ALIVE_SLACK))
    }
}

/// Starts the clients one after the other. They end with this task.
async fn arrive(rehearsal: Arc<Rehearsal>, clients: Vec<Arc<Client>>) {
    let mut streams = JoinSet::new();
    let begin = Instant::now();
    let count = clients.len() as u32;
    for (number, client) in clients.into_iter().enumerate() {
        sleep_until(begin + Duration::from_secs(rehearsal.plan.arrival_seconds) * number as u32 / count).await;
        client.start(&mut streams);
    }
    while streams.join_next().await.is_some() {}
}

/// Measures how late this program itself is: what it sees late it would otherwise blame on the service.
async fn watch_own_lag(rehearsal: Arc<Rehearsal>) {
    loop {
        let due = Instant::now() + LAG_PAUSE;
        sleep(LAG_PAUSE).await;
        let lag = due.elapsed();
        rehearsal.logbook().lagged(lag.as_micros() as u64);
    }
}

#[cfg(test)]
impl Plan {
    /// Returns a plan for tests.
    pub(super) fn example() -> Self {
        Self {
            address: "https://localhost".parse().expect("an address"),
            clients: 2,
            sessions: vec![Session::new("abc", "c").expect("a session")],
            cookie_name: "c".to_owned(),
            seconds: 60,
            arrival_seconds: 10,
            projectors: vec![1],
            compressed: true,
            versions: Versions::Both,
            trust: Trust::Public,
            keep_alive_seconds: 30,
            message_seconds: Some(1),
            metrics: Vec::new(),
        }
    }
}
