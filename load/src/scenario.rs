//! What is measured? Each scenario is one function that opens its connections, does its work, and returns the cost.

mod ballots;
mod changes;
mod churn;
mod connections;
mod crowd;
mod measure;
mod notify;
mod projector;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use domain::testing::generator::Generated;

pub use crowd::Crowd;

use crate::client::{Coding, Settings, TlsClient, Transport};
use crate::error::LoadError;
use crate::publisher::Publisher;
use crate::report::Row;
use crate::server::{Program, Server};

/// The most connections that are accepted: all are on one machine.
pub const CONNECTIONS_MAX: usize = 20_000;

/// The highest rate that is accepted, in changes per second.
pub const RATE_MAX: u64 = 5_000;

/// The longest time for which changes are published, in seconds.
pub const SECONDS_MAX: u64 = 120;

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// From the start of the process until it is healthy.
    Start,
    /// Memory of idle connections.
    Idle,
    /// Many connect at once and get everything.
    Connect,
    /// One list of speakers changes, and all see it.
    Speakers,
    /// One ballot is cast, which concerns one voter and a few managers.
    Ballot,
    /// Many ballots per second for some time.
    Ballots,
    /// 200 elements change at once.
    Bulk,
    /// A group gains the right to see motions.
    Group,
    /// Changes without listeners.
    Quiet,
    /// A vote, while other connections come, get everything, and leave: the memory that remains.
    Churn,
    /// Messages to all, to ten users, to one.
    Notify,
    /// A motion with amendments changes that two projectors show; then something that none shows.
    Projector,
}

impl Scenario {
    /// Every scenario, in the order in which they are best run: memory first, while the service has not grown.
    pub const ALL: [Self; 12] = [
        Self::Start,
        Self::Idle,
        Self::Quiet,
        Self::Connect,
        Self::Speakers,
        Self::Ballot,
        Self::Ballots,
        Self::Bulk,
        Self::Group,
        Self::Notify,
        Self::Projector,
        Self::Churn,
    ];

    /// Returns its name on the command line and in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Idle => "idle",
            Self::Connect => "connect",
            Self::Speakers => "speakers",
            Self::Ballot => "ballot",
            Self::Ballots => "ballots",
            Self::Bulk => "bulk",
            Self::Group => "group",
            Self::Quiet => "quiet",
            Self::Churn => "churn",
            Self::Notify => "notify",
            Self::Projector => "projector",
        }
    }

    /// Returns the default number of connections: that of the table in `docs/PERFORMANCE.md`.
    #[must_use]
    pub const fn connections(self) -> usize {
        match self {
            Self::Start | Self::Quiet => 0,
            Self::Connect => 200,
            Self::Churn => 500,
            _ => 1_000,
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl FromStr for Scenario {
    type Err = LoadError;

    fn from_str(text: &str) -> Result<Self, LoadError> {
        Self::ALL.into_iter().find(|scenario| scenario.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            LoadError::Usage(format!("{text:?} is no scenario; there are {names}"))
        })
    }
}

/// How a scenario is varied.
#[derive(Clone, Copy, Debug)]
pub struct Variation {
    /// The transport of the clients.
    pub transport: Transport,
    /// The compression they ask for.
    pub coding: Option<Coding>,
    /// The number of clients; `None` for the scenario's default.
    pub connections: Option<usize>,
    /// The number of changes to publish, one after the other.
    pub changes: usize,
    /// The rate in changes per second, for [`Scenario::Ballots`] and [`Scenario::Churn`].
    pub rate: u64,
    /// The duration in seconds, for the same scenarios.
    pub seconds: u64,
    /// How long to wait for published changes to arrive.
    pub patience: Duration,
}

/// Everything the scenarios share.
pub struct Stage {
    /// The service.
    pub server: Server,
    /// How to start it again, if this program started it.
    pub program: Option<Program>,
    /// The server's side of Redis.
    pub publisher: Publisher,
    /// The meeting that is in Redis.
    pub meeting: Generated,
    /// The name of the session cookie.
    pub cookie_name: String,
    /// For the transports with TLS.
    pub tls: TlsClient,
}

impl Stage {
    /// Runs one scenario.
    ///
    /// # Errors
    /// Returns an error if the service or Redis does not answer, or if the variation is invalid.
    pub async fn run(&mut self, scenario: Scenario, variation: Variation) -> Result<Vec<Row>, LoadError> {
        let connections = variation.connections.unwrap_or(scenario.connections());
        if connections > CONNECTIONS_MAX || variation.rate > RATE_MAX || variation.seconds > SECONDS_MAX {
            return Err(LoadError::Usage(format!(
                "at most {CONNECTIONS_MAX} connections, {RATE_MAX} changes per second, {SECONDS_MAX} seconds"
            )));
        }
        let mut rows = match scenario {
            Scenario::Start => connections::start(self).await,
            Scenario::Idle => connections::idle(self, variation, connections).await,
            Scenario::Connect => connections::connect(self, variation, connections).await,
            Scenario::Speakers => changes::speakers(self, variation, connections).await,
            Scenario::Bulk => changes::bulk(self, variation, connections).await,
            Scenario::Group => changes::group(self, variation, connections).await,
            Scenario::Quiet => changes::quiet(self).await,
            Scenario::Notify => notify::messages(self, variation, connections).await,
            Scenario::Projector => projector::motion(self, variation, connections).await,
            Scenario::Ballot => ballots::one_by_one(self, variation, connections).await,
            Scenario::Churn => churn::come_and_go(self, variation, connections).await,
            Scenario::Ballots => ballots::many(self, variation, connections).await,
        }?;
        for row in &mut rows {
            row.scenario = format!("{scenario}{}", row.scenario);
            if row.connections > 0 {
                row.transport = variation.transport.to_string();
            }
        }
        Ok(rows)
    }

    fn settings(&self, variation: Variation) -> Arc<Settings> {
        Arc::new(Settings {
            target: self.server.target,
            transport: variation.transport,
            coding: variation.coding,
            cookie_name: self.cookie_name.clone(),
            tls: self.tls.clone(),
        })
    }

    /// Returns the users whose group has the permission, or an error if there are none.
    fn users_with(&self, permission: &str) -> Result<Vec<u64>, LoadError> {
        let users: Vec<u64> = self.meeting.users_with(permission).iter().map(|user| user.0).collect();
        if users.is_empty() {
            return Err(LoadError::Usage(format!("no user in this meeting has {permission}; make it larger")));
        }
        Ok(users)
    }
}
