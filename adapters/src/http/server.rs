//! Who accepts connections, how many, and how do they all end?

use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep, timeout};

use super::acceptor::Acceptor;
use super::address::Address;
use super::connection::{ConnectionContext, serve as serve_connection};
use super::drain::Drain;
use super::limits::Limits;

/// The pause after the first failure to accept; it doubles with each further one.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// The longest pause after a failure to accept. Without pauses a lack of file descriptors would keep a core busy.
const ACCEPT_PAUSE_MAX: Duration = Duration::from_secs(1);

/// How serving ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServeOutcome {
    /// How many connections were still open when the time for draining was over, and were cut.
    pub cut: usize,
}

/// Serves connections until draining begins, and then the open ones until they end, or until [`Limits::drain`] has
/// passed. Streams must end themselves when they observe draining.
pub async fn serve<A: Acceptor>(
    mut acceptor: A,
    context: ConnectionContext,
    limits: Limits,
    mut drain: Drain,
) -> ServeOutcome {
    let context = Arc::new(context);
    let mut connections = JoinSet::new();
    let mut failures = Failures::default();
    loop {
        let ready = connections.len() < limits.connections_max;
        tokio::select! {
            // What frees a place goes before what takes one.
            biased;
            () = drain.begun() => break,
            Some(ended) = connections.join_next() => log_panic(ended),
            accepted = accept(&mut acceptor, failures.resume), if ready => match accepted {
                Ok((io, peer)) => {
                    failures.over();
                    connections.spawn(serve_connection(io, peer, Arc::clone(&context), drain.clone()));
                }
                Err(error) => failures.failed(&error, connections.len()),
            },
        }
    }
    // The sockets close here, so that clients go to another instance; a service manager's copy of them stays open.
    drop(acceptor);
    let all_ended = async {
        while let Some(ended) = connections.join_next().await {
            log_panic(ended);
        }
    };
    let _ = timeout(limits.drain, all_ended).await;
    let cut = connections.len();
    connections.shutdown().await;
    ServeOutcome { cut }
}

async fn accept<A: Acceptor>(acceptor: &mut A, resume: Option<Instant>) -> std::io::Result<(A::Io, Address)> {
    if let Some(resume) = resume {
        sleep(resume.saturating_duration_since(Instant::now())).await;
    }
    acceptor.accept().await
}

/// How many attempts to accept have failed in a row.
#[derive(Default)]
struct Failures {
    count: u32,
    /// When the next attempt may be made. A moment, not a duration: interrupting the wait must not restart it.
    resume: Option<Instant>,
}

impl Failures {
    fn failed(&mut self, error: &std::io::Error, open: usize) {
        if self.count == 0 {
            tracing::error!(%error, open_connections = open, "cannot accept connections; retrying");
        }
        let pause = ACCEPT_PAUSE.saturating_mul(1 << self.count.min(16)).min(ACCEPT_PAUSE_MAX);
        self.count = self.count.saturating_add(1);
        self.resume = Some(Instant::now() + pause);
    }

    fn over(&mut self) {
        if self.count > 0 {
            tracing::info!(failures = self.count, "accepting connections again");
        }
        *self = Self::default();
    }
}

fn log_panic(ended: Result<(), JoinError>) {
    if ended.is_err_and(|error| error.is_panic()) {
        tracing::error!("a connection was ended by a panic, which is a bug");
    }
}

#[cfg(test)]
mod tests;
