//! The autoupdate service, put together: configuration, wiring, the background loops, the demo.

mod applause;
mod backoff;
mod compute;
mod config;
mod demo;
mod demo_loop;
mod descriptors;
mod ingest;
mod notify;
mod signals;
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

use adapters::http::probe;
use config::{Config, ListenHost, Stop, Task};
use signals::Signals;
use start::StartError;
use tracing::warn;

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

fn run(task: Task, mut config: Config) -> Result<ExitCode, StartError> {
    if task == Task::Health {
        match &config.autoupdate_host {
            ListenHost::Network(host) => probe::health(host, config.autoupdate_port, config.tls)?,
            ListenHost::Unix(path) => probe::health_at(path, config.tls)?,
        }
        return Ok(ExitCode::SUCCESS);
    }
    telemetry::start(config.log_format, &config.log_level)?;
    // Before there are threads: what the service manager hands in is taken out of the environment.
    let sockets = sockets::listen(&config.autoupdate_host, config.autoupdate_port)?;
    let wanted = std::mem::take(&mut config.connections_max);
    config.connections_max = descriptors::connections_max(wanted, sockets.count())?;
    // Nobody tries the demo with thousands of clients.
    if config.connections_max < wanted && task != Task::Demo {
        warn!(
            connections_max = wanted,
            lowered_to = config.connections_max,
            reserved = descriptors::RESERVED_DESCRIPTORS,
            "the system allows fewer open files than CONNECTIONS_MAX needs: clients beyond the lowered number wait until \
             others leave; raise the limit (ulimit -n, LimitNOFILE=) or lower CONNECTIONS_MAX"
        );
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        // First of all: a signal that comes while the service starts is neither lost nor its end.
        let signals = Signals::listen()?;
        match task {
            Task::Demo => start::serve_demo(config, sockets, signals).await,
            Task::Serve | Task::Health => start::serve(config.with_redis_files()?, sockets, signals).await,
        }
    })
}

fn complain(text: &dyn std::fmt::Display) {
    // If nobody listens there is nobody to tell.
    let _ = writeln!(stderr(), "{text}");
}
