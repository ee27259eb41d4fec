//! What does the process do when it receives a signal?

use std::io;

use adapters::tls::CertificateReread;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{info, warn};

use crate::service_manager::ServiceManager;
use crate::telemetry;

/// The exit status after a second signal to stop.
const IMPATIENT: i32 = 2;

/// The signals that the service handles. Once this exists, none of them ends the process by itself.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    /// Listens for signals.
    ///
    /// # Errors
    /// The system does not allow it.
    pub(crate) fn listen() -> io::Result<Self> {
        // Some services use them, for instance to reopen their log. A signal that was once listened for no longer ends
        // the process, even if nobody listens later.
        for ignored in [SignalKind::user_defined1(), SignalKind::user_defined2()] {
            drop(signal(ignored)?);
        }
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Returns at the first signal to stop; at the second one the process ends at once. Before that, each SIGHUP
    /// triggers `reread`, of which `manager` is told; `None`: there is nothing to read again.
    pub(crate) async fn stop(mut self, reread: Option<CertificateReread>, manager: ServiceManager) {
        while !self.next_stops().await {
            match &reread {
                Some(reread) => {
                    info!("SIGHUP: reading the certificate again");
                    manager.reloading();
                    let checked = reread.now();
                    tokio::spawn(async move {
                        checked.await;
                        manager.reloaded();
                    });
                }
                None => info!("SIGHUP: no certificate is read from files, so there is nothing to read again"),
            }
        }
        tokio::spawn(async move {
            while !self.next_stops().await {}
            warn!("stopping at once");
            telemetry::flush();
            std::process::exit(IMPATIENT);
        });
    }

    /// Waits for a signal, and returns whether it is one to stop.
    async fn next_stops(&mut self) -> bool {
        tokio::select! {
            _ = self.terminate.recv() => true,
            _ = self.interrupt.recv() => true,
            _ = self.hang_up.recv() => false,
        }
    }
}
