//! The autoupdate service, put together: configuration, wiring, the background loops, the demo.

mod check;
mod config;
mod demo;
mod demo_loop;
mod descriptors;
mod inspect;
pub mod service_manager;
mod signals;
mod sockets;
mod start;
mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
pub mod wiring;

use std::ffi::OsString;
use std::io::{self, Write, stdout};
use std::process::ExitCode;

use adapters::http::probe;
use config::{Config, ListenHost, LogFormat, Stop, Task};
use signals::Signals;
use start::StartError;
use tracing::warn;

/// The exit status for invalid arguments or variables.
const INVALID: u8 = 2;

/// Runs the program with these arguments (its name first) and environment variables.
pub fn main(arguments: impl IntoIterator<Item = OsString>, variable: impl Fn(&str) -> Option<OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let log_format = config::log_format(&arguments, &variable);
    let status = start(arguments, variable, log_format);
    telemetry::flush();
    status
}

fn start(arguments: Vec<OsString>, variable: impl Fn(&str) -> Option<OsString>, log_format: LogFormat) -> ExitCode {
    let no_color = variable("NO_COLOR");
    let (task, config) = match config::parse(arguments, variable) {
        Ok(start) => start,
        Err(Stop::Help(text)) => {
            let _ = stdout().write_all(text.as_bytes());
            return ExitCode::SUCCESS;
        }
        Err(Stop::Invalid(text)) => {
            telemetry::complain(log_format, &text);
            return ExitCode::from(INVALID);
        }
    };
    run(task, config, no_color).unwrap_or_else(|error| {
        telemetry::complain(log_format, &error);
        ExitCode::FAILURE
    })
}

fn run(task: Task, mut config: Config, no_color: Option<OsString>) -> Result<ExitCode, StartError> {
    if let Some(status) = run_once(&task, &config)? {
        return Ok(status);
    }
    // Before there are threads: sockets handed in by the service manager are taken out of the environment.
    let sockets = sockets::listen(&config.autoupdate_host, config.autoupdate_port);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        // First of all: a signal that arrives during startup must neither be lost nor end the process.
        let signals = Signals::listen()?;
        telemetry::start(config.log_format, &config.log_level, no_color.as_deref())?;
        tracing::info!(version = env!("CARGO_PKG_VERSION"), "starting");
        let sockets = sockets?;
        config.connections_max = connections_max(&task, config.connections_max, sockets.count())?;
        match task {
            Task::Demo => start::serve_demo(config, sockets, signals).await,
            _ => start::serve(config.with_redis_files()?, sockets, signals).await,
        }
    })
}

/// Runs a command that does not serve, and returns its status; `None` if the command serves.
fn run_once(task: &Task, config: &Config) -> Result<Option<ExitCode>, StartError> {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build();
    match task {
        Task::Serve | Task::Demo => return Ok(None),
        Task::Health => match &config.autoupdate_host {
            ListenHost::Network(host) => probe::health(host, config.autoupdate_port, config.tls)?,
            ListenHost::Unix(path) => probe::health_at(path, config.tls)?,
        },
        Task::Check { session } => {
            return Ok(Some(runtime()?.block_on(check::check(config.clone(), session.as_deref()))));
        }
        Task::View { question, key, compare } => {
            let config = config.clone().with_redis_files()?;
            let shown = runtime()?.block_on(inspect::view(&config, question, *key, *compare));
            return shown.or_else(end_with_the_reader).map(Some);
        }
        Task::Explain { question, key } => {
            let config = config.clone().with_redis_files()?;
            let shown = runtime()?.block_on(inspect::explain(&config, question, *key));
            return shown.or_else(end_with_the_reader).map(Some);
        }
    }
    Ok(Some(ExitCode::SUCCESS))
}

/// A reader such as `head` leaves once it has seen enough: that is no error, and there is nobody to tell.
fn end_with_the_reader(error: StartError) -> Result<ExitCode, StartError> {
    match error.downcast_ref::<io::Error>() {
        Some(failed) if failed.kind() == io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        _ => Err(error),
    }
}

/// Returns how many connections are served: fewer than `wanted` if the system allows fewer open files.
fn connections_max(task: &Task, wanted: usize, listening: usize) -> Result<usize, StartError> {
    let allowed = descriptors::connections_max(wanted, listening)?;
    // Nobody tries the demo with thousands of clients.
    if allowed < wanted && *task != Task::Demo {
        warn!(
            connections_max = wanted,
            lowered_to = allowed,
            reserved = descriptors::RESERVED_DESCRIPTORS,
            "the system allows fewer open files than CONNECTIONS_MAX needs: clients beyond the lowered number wait until \
             others leave; raise the limit (ulimit -n, LimitNOFILE=) or lower CONNECTIONS_MAX"
        );
    }
    Ok(allowed)
}
