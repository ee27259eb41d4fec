//! What do the programs that a fault needs have in common?

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Child;
use tokio::time::{Instant, sleep};

use crate::error::LoadError;

/// The pause between two looks whether something is so.
const PAUSE: Duration = Duration::from_millis(20);

/// Waits until something is so.
///
/// # Errors
/// It takes longer than this, or `is_so` fails.
pub(super) async fn until(
    what: &str,
    seconds_max: u64,
    mut is_so: impl AsyncFnMut() -> Result<bool, LoadError>,
) -> Result<(), LoadError> {
    let end = Instant::now() + Duration::from_secs(seconds_max);
    while !is_so().await? {
        if Instant::now() > end {
            return Err(LoadError::TimeOut { what: what.to_owned(), seconds: seconds_max });
        }
        sleep(PAUSE).await;
    }
    Ok(())
}

/// Returns a port that was free a moment ago.
///
/// # Errors
/// There is none.
pub(super) fn free_port() -> Result<u16, LoadError> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(LoadError::io("bind 127.0.0.1:0"))?;
    listener.local_addr().map(|address| address.port()).map_err(LoadError::io("local address"))
}

/// Sends a signal to a child that was not waited for, so that the number is still its.
///
/// # Errors
/// It is gone.
pub(super) fn send(child: &Child, signal: Signal) -> Result<(), LoadError> {
    let gone = || LoadError::Usage("a program ended by itself".to_owned());
    let id = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)).ok_or_else(gone)?;
    kill_process(id, signal).map_err(|error| LoadError::Io("a signal".to_owned(), error.into()))
}

/// Writes a file.
///
/// # Errors
/// It cannot be written.
pub(super) fn file_text(path: &Path, text: &str) -> Result<(), LoadError> {
    std::fs::write(path, text).map_err(LoadError::io(path.display().to_string()))
}

/// Finds a program on the `PATH`, or where Debian has those that only root runs as a rule.
pub(super) fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
    folders.map(|folder| folder.join(name)).find(|path| path.is_file())
}
