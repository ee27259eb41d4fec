//! What happens when the program is started?

use std::io::{Write, stderr, stdout};
use std::process::ExitCode;

use autoupdate::config::{self, Stop, Task};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The status if the arguments or variables cannot be used.
const INVALID: u8 = 2;

fn main() -> ExitCode {
    let (task, config) = match config::parse(std::env::args_os(), |name| std::env::var_os(name)) {
        Ok(start) => start,
        Err(Stop::Help(text)) => {
            let _ = stdout().write_all(text.as_bytes());
            return ExitCode::SUCCESS;
        }
        Err(Stop::Invalid(text)) => {
            let _ = writeln!(stderr(), "{text}");
            return ExitCode::from(INVALID);
        }
    };
    match task {
        Task::Health => {
            match adapters::http::probe::health(&config.autoupdate_host, config.autoupdate_port, config.tls) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => {
                    let _ = writeln!(stderr(), "{error}");
                    ExitCode::FAILURE
                }
            }
        }
        Task::Serve | Task::Demo => ExitCode::FAILURE,
    }
}
