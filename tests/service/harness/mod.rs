//! What do the tests of the whole service share? A meeting, services, and clients.

mod browser;
mod lines;
mod meeting;
mod process;
mod service;

use std::time::Duration;

pub(crate) use browser::{Browser, Failure, Protocol};
pub(crate) use lines::{Lines, Watcher};
pub(crate) use meeting::{LOWEST, Meeting, SECRET, fixture};
pub(crate) use process::{Process, run, run_unread, run_within, secret_file, with_redis};
pub(crate) use service::{Service, Setup};

/// How long anything may take before a test fails. Far longer than on a slow machine: it only keeps a failing test from
/// running for ever.
pub(crate) const WAIT: Duration = Duration::from_secs(60);

/// Returns what `future` returns; panics if that takes too long.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(WAIT, future).await {
        Ok(value) => value,
        Err(_) => panic!("{what}: not within {} seconds", WAIT.as_secs()),
    }
}
