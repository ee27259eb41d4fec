//! The autoupdate service, put together: configuration, wiring, the background loops, the demo.

mod config;
mod demo;
mod demo_loop;
mod descriptors;
mod sockets;
mod start;
mod telemetry;
pub mod wiring;

use std::ffi::OsString;
use std::io::{Write, stdout};
use std::process::ExitCode;

use config::{Config, LogFormat, Stop, Task};
use start::StartError;

/// The status if arguments or variables cannot be used.
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

fn run(task: Task, config: Config, no_color: Option<OsString>) -> Result<ExitCode, StartError> {
    if task == Task::Health {
        adapters::http::probe::health(&config.autoupdate_host, config.autoupdate_port, config.tls)?;
        return Ok(ExitCode::SUCCESS);
    }
    // Before there are threads: what the service manager hands in is taken out of the environment.
    let listeners = sockets::listen(&config.autoupdate_host, config.autoupdate_port);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        telemetry::start(config.log_format, &config.log_level, no_color.as_deref())?;
        tracing::info!(version = env!("CARGO_PKG_VERSION"), "starting");
        descriptors::raise(config.connections_max);
        let listeners = listeners?;
        match task {
            Task::Demo => start::serve_demo(config, listeners).await,
            Task::Serve | Task::Health => start::serve(config, listeners).await,
        }
    })
}
