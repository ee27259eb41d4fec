//! The autoupdate service, put together: configuration, wiring, the background loops, the demo.

mod applause;
mod backoff;
mod compute;
mod config;
mod demo;
mod demo_loop;
mod descriptors;
mod ingest;
mod no_meeting;
mod notify;
mod sockets;
mod start;
mod stream_reader;
mod tasks;
mod telemetry;
#[cfg(test)]
mod test_support;
pub mod wiring;

use std::ffi::OsString;
use std::io::{Write, stderr, stdout};
use std::process::ExitCode;

use config::{Config, Stop, Task};
use start::StartError;

/// The status if arguments or variables cannot be used.
const INVALID: u8 = 2;

/// Runs the program with these arguments (its name first) and environment variables.
pub fn main(arguments: impl IntoIterator<Item = OsString>, variable: impl Fn(&str) -> Option<OsString>) -> ExitCode {
    let (task, config) = match config::parse(arguments, variable) {
        Ok(start) => start,
        Err(Stop::Help(text)) => {
            let _ = stdout().write_all(text.as_bytes());
            return ExitCode::SUCCESS;
        }
        Err(Stop::Invalid(text)) => {
            complain(&text);
            return ExitCode::from(INVALID);
        }
    };
    run(task, config).unwrap_or_else(|error| {
        complain(&error);
        ExitCode::FAILURE
    })
}

fn run(task: Task, config: Config) -> Result<ExitCode, StartError> {
    if task == Task::Health {
        adapters::http::probe::health(&config.autoupdate_host, config.autoupdate_port, config.tls)?;
        return Ok(ExitCode::SUCCESS);
    }
    telemetry::start(config.log_format, &config.log_level)?;
    descriptors::raise(config.connections_max);
    // Before there are threads: what the service manager hands in is taken out of the environment.
    let listeners = sockets::listen(&config.autoupdate_host, config.autoupdate_port)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match task {
            Task::Demo => start::serve_demo(config, listeners).await,
            Task::Serve | Task::Health => start::serve(config, listeners).await,
        }
    })
}

fn complain(text: &dyn std::fmt::Display) {
    // If nobody listens there is nobody to tell.
    let _ = writeln!(stderr(), "{text}");
}
