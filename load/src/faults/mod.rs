//! Does the service keep its promises when real parts around it fail?
//!
//! For each fault it starts everything itself, on free ports of this machine: a Redis, with a replica and sentinels where
//! they are part of the fault, the service, a proxy, a server that writes changes at a steady rate, and clients with the
//! habits of the web client. Afterwards every client must hold what a new one of the same user is sent.

mod canary;
mod crowd;
mod held;
mod mail;
mod outcome;
mod parts;
mod proxy;
mod redis_server;
mod scenario;
mod service;
mod trial;
mod writer;

use std::path::PathBuf;

pub use outcome::Outcome;
pub use scenario::{Fault, Harm, Known};
use trial::Trial;

use crate::error::LoadError;

/// The most clients.
pub const CLIENTS_MAX: usize = 5_000;

/// What faults are tried with.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The service.
    pub program: PathBuf,
    /// `redis-server`, or a program that takes the same arguments.
    pub redis: PathBuf,
    /// How many clients; `None`: as many as the fault has by default.
    pub clients: Option<usize>,
    /// How many elements the meeting has.
    pub elements: usize,
    /// How many users; the clients take their sessions in turn.
    pub users: usize,
    /// How many changes the server writes in a second.
    pub rate: u64,
    /// What every wait is multiplied with: 1 for a real fault, less for a short one.
    pub pace: f64,
    /// Where to keep the service's logs.
    pub logs: Option<PathBuf>,
}

impl Plan {
    /// Lets a fault happen, and judges what came of it.
    ///
    /// # Errors
    /// The fault cannot be tried: [`LoadError::Missing`] if a program for it is not there.
    pub async fn run(&self, fault: Fault) -> Result<Outcome, LoadError> {
        let clients = self.clients.unwrap_or(fault.known().clients);
        if clients == 0 || clients > CLIENTS_MAX || self.users == 0 {
            return Err(LoadError::Usage(format!("between 1 and {CLIENTS_MAX} clients, and at least one user")));
        }
        let mut trial = Trial::prepare(self, fault, clients).await?;
        let result = async {
            fault.strike(&mut trial).await?;
            trial.judge().await
        };
        let result = result.await;
        if let Some(folder) = &self.logs {
            let to = folder.join(format!("{fault}.log"));
            std::fs::copy(trial.log(), &to).map_err(LoadError::io(to.display().to_string()))?;
        }
        result
    }
}
