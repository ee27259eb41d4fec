//! What is measured? One function a scenario; each opens its connections, does its work, and tells what it cost.

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

/// More connections than this are refused: they are on one machine.
pub const CONNECTIONS_MAX: usize = 20_000;

/// More changes a second than this are refused.
pub const RATE_MAX: u64 = 5_000;

/// Changes are published for no longer than this.
pub const SECONDS_MAX: u64 = 120;

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// From the start of the process until it is healthy.
    Start,
    /// Connections that wait: their memory.
    Idle,
    /// Many connect at once and get everything.
    Connect,
    /// One list of speakers changes, and all see it.
    Speakers,
    /// One ballot is cast; it concerns one voter and a few managers.
    Ballot,
    /// Many ballots a second for some time.
    Ballots,
    /// 200 elements change at once.
    Bulk,
    /// A group gains the right to see motions.
    Group,
    /// Changes while nobody listens.
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

    /// Its name on the command line and in reports.
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

    /// How many connections it has if none are given: those of the table in `docs/PERFORMANCE.md`.
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
    /// What the clients speak.
    pub transport: Transport,
    /// Which compression they ask for.
    pub coding: Option<Coding>,
    /// How many there are; `None`: as many as the scenario has by itself.
    pub connections: Option<usize>,
    /// How many changes are published, one after the other.
    pub changes: usize,
    /// How many changes a second, for [`Scenario::Ballots`] and [`Scenario::Churn`].
    pub rate: u64,
    /// For how long, in seconds, for the same.
    pub seconds: u64,
    /// How long to wait for what was published.
    pub patience: Duration,
}

/// Everything the scenarios share.
pub struct Stage {
    /// The service.
    pub server: Server,
    /// How to start it anew, if it was started here.
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
    /// The service or Redis does not answer, or the variation is of no use.
    pub async fn run(&mut self, scenario: Scenario, variation: Variation) -> Result<Vec<Row>, LoadError> {
        let connections = variation.connections.unwrap_or(scenario.connections());
        if connections > CONNECTIONS_MAX || variation.rate > RATE_MAX || variation.seconds > SECONDS_MAX {
            return Err(LoadError::Usage(format!(
                "at most {CONNECTIONS_MAX} connections, {RATE_MAX} changes a second, {SECONDS_MAX} seconds"
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

    /// The users whose group has the permission; an error if there are none.
    fn users_with(&self, permission: &str) -> Result<Vec<u64>, LoadError> {
        let users: Vec<u64> = self.meeting.users_with(permission).iter().map(|user| user.0).collect();
        if users.is_empty() {
            return Err(LoadError::Usage(format!("nobody in this meeting has {permission}; make it larger")));
        }
        Ok(users)
    }
}
