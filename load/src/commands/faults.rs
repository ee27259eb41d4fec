//! What does `load faults` offer?
#![allow(clippy::print_stdout, reason = "results go to the terminal; this is no service")]

use std::path::PathBuf;

use clap::Args;
use load::error::LoadError;
use load::faults::{Fault, Outcome, Plan};

#[derive(Args)]
pub(crate) struct FaultsArguments {
    /// Binary of the service
    #[arg(long)]
    program: PathBuf,
    /// Binary of Redis or Valkey: server, replica and sentinels
    #[arg(long, default_value = "redis-server")]
    server: PathBuf,
    /// Which faults; all if not given
    #[arg(long = "fault", value_delimiter = ',')]
    faults: Vec<Fault>,
    /// Number of clients; if not given, each fault's default
    #[arg(long)]
    clients: Option<usize>,
    /// Number of elements of the meeting
    #[arg(long, default_value_t = 1_000)]
    elements: usize,
    /// How many of them are users; the clients take their sessions in turn
    #[arg(long, default_value_t = 40)]
    users: usize,
    /// Changes per second
    #[arg(long, default_value_t = 10)]
    rate: u64,
    /// What every wait is multiplied with: below 1 for faults that are shorter than real ones
    #[arg(long, default_value_t = 1.0)]
    pace: f64,
    /// Folder to keep the service's logs in
    #[arg(long)]
    logs: Option<PathBuf>,
}

impl FaultsArguments {
    /// Tries the faults. Returns whether all promises were kept, and everything could be tried.
    pub(crate) async fn run(self) -> Result<bool, LoadError> {
        let plan = Plan {
            program: self.program,
            redis: self.server,
            clients: self.clients,
            elements: self.elements,
            users: self.users,
            rate: self.rate,
            pace: self.pace.clamp(0.01, 10.0),
            logs: self.logs,
        };
        let faults = if self.faults.is_empty() { Fault::ALL.to_vec() } else { self.faults };
        let mut rows = Vec::new();
        let mut is_well = true;
        for fault in faults {
            eprintln!("{fault} …");
            match plan.run(fault).await {
                Ok(outcome) => {
                    outcome.troubles().iter().for_each(|trouble| eprintln!("    {trouble}"));
                    outcome.broken.iter().for_each(|broken| eprintln!("    BROKEN: {broken}"));
                    is_well &= outcome.broken.is_empty();
                    rows.push(outcome.row());
                }
                // The others are tried nevertheless.
                Err(error) => {
                    eprintln!("    not tried: {error}");
                    is_well &= matches!(error, LoadError::Missing(_));
                }
            }
        }
        println!("{}", Outcome::HEADING);
        rows.iter().for_each(|row| println!("{row}"));
        Ok(is_well)
    }
}
