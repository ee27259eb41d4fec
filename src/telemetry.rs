//! Where does the log go, and in what form?

use std::io::{self, IsTerminal};
use std::panic::PanicHookInfo;

use crate::config::{LogFilter, LogFormat};

/// Logs to standard error from now on, panics too.
///
/// # Errors
/// Something else logs already.
pub(crate) fn start(format: LogFormat, filter: &LogFilter) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter.env_filter())
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr);
    match format {
        LogFormat::Text => builder.try_init()?,
        LogFormat::Json => builder.json().flatten_event(true).try_init()?,
    }
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// The place alone, and what stands in the source: a message made at run time may hold data of the meeting.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let message = panic.payload().downcast_ref::<&'static str>().copied().unwrap_or("(not shown)");
    tracing::error!(place, message, "a mistake in this program; what it was doing was given up");
}
