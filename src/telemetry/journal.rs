//! Is the log read by the systemd journal?
//!
//! Then each line begins with its priority, as `sd-daemon(3)` describes it, so that `journalctl -p warning` finds what
//! it should; and lines for people come without the time, since the journal notes it.

use std::ffi::OsStr;
use std::fmt;
use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Returns whether `stream` leads to the journal: `named` is the variable `JOURNAL_STREAM`, the device and the inode of
/// what the service manager connected. It is inherited by processes whose output goes elsewhere.
pub(super) fn is_behind(stream: impl AsFd, named: Option<&OsStr>) -> bool {
    let Some((device, inode)) = named.and_then(OsStr::to_str).and_then(|named| named.split_once(':')) else {
        return false;
    };
    let file = stream.as_fd().try_clone_to_owned().map(File::from);
    file.and_then(|file| file.metadata())
        .is_ok_and(|file| device.parse() == Ok(file.dev()) && inode.parse() == Ok(file.ino()))
}

/// Returns what a line of this level begins with.
pub(super) fn prefix(level: Level) -> &'static str {
    match level {
        Level::ERROR => "<3>",
        Level::WARN => "<4>",
        Level::INFO => "<6>",
        _ => "<7>",
    }
}

/// Lines in the format `F`, each after its priority.
pub(super) struct WithPriority<F>(pub(super) F);

impl<F, S, N> FormatEvent<S, N> for WithPriority<F>
where
    F: FormatEvent<S, N>,
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        writer.write_str(prefix(*event.metadata().level()))?;
        self.0.format_event(context, writer, event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_journal_is_known_by_its_stream() {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        let file = File::from(writer.try_clone().map(std::os::fd::OwnedFd::from).expect("a descriptor"));
        let metadata = file.metadata().expect("it is open");
        let (device, inode) = (metadata.dev(), metadata.ino());
        drop(reader);
        for (named, expected) in [
            (Some(format!("{device}:{inode}")), true),
            (Some(format!("{device}:{}", inode + 1)), false),
            (Some(format!("{}:{inode}", device + 1)), false),
            (Some("nonsense".to_owned()), false),
            (Some(String::new()), false),
            (None, false),
        ] {
            assert_eq!(is_behind(&writer, named.as_deref().map(OsStr::new)), expected, "{named:?}");
        }
    }
}
