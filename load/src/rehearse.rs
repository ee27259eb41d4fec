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
    logbook: Mutex<Logbook>,
}

impl Rehearsal {
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
    plan.check()?;
    let dialer = Dialer::new(&plan.trust, plan.versions)?;
    let is_shared = client::reach(&dialer, &plan.address).await?;
    descriptors::check(plan.clients, if is_shared { 1 } else { plan.streams_of_client() })?;
    let logbook = Mutex::new(Logbook::new(plan.clients, plan.streams_of_client()));
    let rehearsal = Arc::new(Rehearsal { dialer, logbook, plan });
    let clients: Vec<Arc<Client>> =
        (0..rehearsal.plan.clients).map(|number| Arc::new(Client::new(number, &rehearsal))).collect();

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

impl Plan {
    fn streams_of_client(&self) -> usize {
        if self.projectors.is_empty() { 2 } else { 3 }
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
