//! Where does the log go, and in what form?

mod journal;
mod queue;

use std::ffi::OsStr;
use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::panic::PanicHookInfo;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::signal::unix::{SignalKind, signal};
use tracing::{Dispatch, Level};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt;

use self::journal::WithPriority;
use self::queue::LogQueue;
use crate::config::{LogFilter, LogFormat};

/// Lines waiting to be written to standard error: a process has one, and one thread that writes to it.
static LOG: OnceLock<LogQueue> = OnceLock::new();

/// What lines look like.
#[derive(Clone, Copy)]
struct Look {
    format: LogFormat,
    has_colors: bool,
    /// Whether each line begins with its priority: see [`journal`].
    has_priority: bool,
}

impl Look {
    /// How lines look on standard error, without colors.
    fn on_stderr(format: LogFormat) -> Self {
        let journal = std::env::var_os("JOURNAL_STREAM");
        Self { format, has_colors: false, has_priority: journal::is_behind(io::stderr(), journal.as_deref()) }
    }
}

/// Starts logging to standard error, including panics. Neither waits for the reader of the log.
///
/// Must be called on the runtime: see [`survive_file_size_limit`].
///
/// # Errors
/// Something else already logs.
pub(crate) fn start(
    format: LogFormat,
    filter: &LogFilter,
    no_color: Option<&OsStr>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    survive_file_size_limit()?;
    let has_colors = wants_colors(io::stderr().is_terminal(), no_color);
    let look = Look { has_colors, ..Look::on_stderr(format) };
    dispatch(look, filter.env_filter(), log(look)).try_init()?;
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// Writes why the program ends to the log, in its format, regardless of the log level.
pub(crate) fn complain(format: LogFormat, text: &dyn Display) {
    let look = Look::on_stderr(format);
    let line = match format {
        LogFormat::Text if look.has_priority => {
            let prefix = journal::prefix(Level::ERROR);
            text.to_string().lines().map(|line| format!("{prefix}{line}\n")).collect::<String>().into_bytes()
        }
        LogFormat::Text => format!("{text}\n").into_bytes(),
        LogFormat::Json => render(look, || tracing::error!("{text}")),
    };
    log(look).put(&line);
}

/// Waits until everything that was logged is written, but not for a reader that has stopped reading: see
/// [`queue::FLUSH_TIME_MAX`]. To be called last, since the process ends without regard to the queue.
pub(crate) fn flush() {
    if let Some(log) = LOG.get() {
        log.flush(queue::FLUSH_TIME_MAX);
    }
}

/// Returns how many lines were dropped since startup, because they did not fit or could not be written.
pub(crate) fn dropped_lines() -> u64 {
    LOG.get().map_or(0, LogQueue::dropped)
}

fn log(look: Look) -> &'static LogQueue {
    LOG.get_or_init(|| LogQueue::new(io::stderr(), move |lines| notice(look, lines)))
}

/// Returns the line that says how many others are missing.
fn notice(look: Look, lines: u64) -> Vec<u8> {
    render(Look { has_colors: false, ..look }, || {
        tracing::warn!(lines, "{lines} log lines were dropped: the log was not read or written fast enough")
    })
}

/// As specified at <https://no-color.org>.
fn wants_colors(is_terminal: bool, no_color: Option<&OsStr>) -> bool {
    is_terminal && no_color.is_none_or(OsStr::is_empty)
}

fn dispatch<W>(look: Look, filter: EnvFilter, writer: W) -> Dispatch
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    // The layer would report a line that it cannot write with `eprintln!`, which panics where standard error is gone.
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(look.has_colors)
        .log_internal_errors(false)
        .with_writer(writer);
    match (look.format, look.has_priority) {
        (LogFormat::Text, false) => Dispatch::new(builder.finish()),
        (LogFormat::Text, true) => Dispatch::new(builder.without_time().map_event_format(WithPriority).finish()),
        (LogFormat::Json, has_priority) => {
            let builder = builder.json().flatten_event(true).with_span_list(false);
            if has_priority {
                Dispatch::new(builder.map_event_format(WithPriority).finish())
            } else {
                Dispatch::new(builder.finish())
            }
        }
    }
}

/// Returns what `event` would log, without logging it.
fn render(look: Look, event: impl FnOnce()) -> Vec<u8> {
    let buffer = Buffer::default();
    let writer = buffer.clone();
    // Without a lower level: as long as this lives, every place that logs is asked again what is wanted.
    let dispatch = dispatch(look, EnvFilter::new("warn"), move || writer.clone());
    tracing::dispatcher::with_default(&dispatch, event);
    std::mem::take(&mut *buffer.0.lock().unwrap_or_else(PoisonError::into_inner))
}

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Makes a write fail that would exceed `RLIMIT_FSIZE`. The signal for it would end the process unless somebody
/// listens; once somebody has, it stays caught.
fn survive_file_size_limit() -> io::Result<()> {
    signal(SignalKind::from_raw(libc::SIGXFSZ)).map(drop)
}

/// Only the place, and literal messages: a message made at run time may contain data of the meeting.
///
/// A panic in here would end the process, so nothing in it waits or fails.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let message = panic.payload().downcast_ref::<&'static str>().copied().unwrap_or("(not shown)");
    report_bug(&place, message);
}

/// The panic's words are a field of their own, which escapes line ends and leaves the message to be looked for.
fn report_bug(place: &str, panic: &str) {
    tracing::error!(place, panic, "a bug in this program; the current task was aborted");
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: Look = Look { format: LogFormat::Text, has_colors: false, has_priority: false };

    #[test]
    fn colors_are_for_terminals_and_can_be_declined() {
        for (is_terminal, no_color, expected) in [
            (true, None, true),
            (true, Some(""), true),
            (true, Some("1"), false),
            (true, Some("0"), false),
            (false, None, false),
            (false, Some(""), false),
        ] {
            assert_eq!(wants_colors(is_terminal, no_color.map(OsStr::new)), expected, "{is_terminal} {no_color:?}");
        }
    }

    /// Returns what is logged with this filter of a warning of the library for HTTP/2.
    fn warning_of_h2(filter: &str) -> String {
        let buffer = Buffer::default();
        let writer = buffer.clone();
        let filter: LogFilter = filter.parse().expect("a filter");
        let dispatch = dispatch(TEXT, filter.env_filter(), move || writer.clone());
        tracing::dispatcher::with_default(&dispatch, || tracing::warn!(target: "h2::proto", "a client misbehaves"));
        String::from_utf8(std::mem::take(&mut *buffer.0.lock().expect("no panic"))).expect("UTF-8")
    }

    #[test]
    fn clients_cannot_fill_the_log() {
        for quiet in ["info", "debug", "warn,adapters=debug"] {
            assert_eq!(warning_of_h2(quiet), "", "{quiet}");
        }
        for asked in ["info,h2=warn", "h2=debug"] {
            assert!(warning_of_h2(asked).contains("a client misbehaves"), "{asked}");
        }
    }

    #[test]
    fn a_bug_is_one_line_with_the_words_of_its_own() {
        let bug = || report_bug("src/main.rs:7:1", "it was\n<0>lost");
        let json = String::from_utf8(render(Look { format: LogFormat::Json, ..TEXT }, bug)).expect("UTF-8");
        let object: serde_json::Value = serde_json::from_str(&json).expect(&json);
        assert_eq!(object["message"], "a bug in this program; the current task was aborted");
        assert_eq!((&object["panic"], json.matches("\"message\"").count()), (&"it was\n<0>lost".into(), 1), "{json}");
        let text = String::from_utf8(render(TEXT, bug)).expect("UTF-8");
        assert!(text.contains("a bug in this program") && text.lines().count() == 1, "{text}");
    }

    #[test]
    fn the_notice_has_the_form_of_the_log() {
        let json: serde_json::Value =
            serde_json::from_slice(&notice(Look { format: LogFormat::Json, ..TEXT }, 7)).expect("one object");
        assert_eq!((json["level"].as_str(), json["lines"].as_u64()), (Some("WARN"), Some(7)), "{json}");
        let text = String::from_utf8(notice(TEXT, 7)).expect("UTF-8");
        assert!(text.contains(" WARN ") && text.contains("7 log lines were dropped") && text.ends_with('\n'), "{text}");
        let text = String::from_utf8(notice(Look { has_priority: true, ..TEXT }, 7)).expect("UTF-8");
        assert!(text.starts_with("<4>") && text.contains("7 log lines were dropped"), "{text}");
    }
}
