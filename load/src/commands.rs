//! What do the larger commands of `load` have in common?
#![allow(clippy::print_stderr, reason = "it is for whoever waits at the terminal")]

mod attack;
mod faults;
mod publish;
mod recording;
mod rehearse;

pub(crate) use attack::AttackArguments;
pub(crate) use faults::FaultsArguments;
pub(crate) use publish::{PublishArguments, publish};
pub(crate) use recording::{RecordArguments, ReplayArguments, record_meeting, replay_meeting, write_sessions};
pub(crate) use rehearse::{RehearseArguments, rehearse};

/// Reads a number of seconds, with or without `s`.
fn seconds(text: &str) -> Result<u64, String> {
    let number = text.strip_suffix('s').unwrap_or(text);
    number.parse().map_err(|_| format!("{text:?} is not a number of seconds such as 60"))
}

/// Completes with the first Ctrl-C. The second one ends the program as usual.
async fn interrupted() {
    if let Err(error) = tokio::signal::ctrl_c().await {
        eprintln!("Ctrl-C will end the program without a report: {error}");
        std::future::pending::<()>().await;
    }
    tokio::spawn(async {
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(130);
        }
    });
}
