//! What does the process do at a signal?

use std::io;

use adapters::tls::CertificateReread;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{info, warn};

use crate::telemetry;

/// The status after a second signal to stop.
const IMPATIENT: i32 = 2;

/// The signals that mean something to the service. From the moment that this is made, none of them ends the process by
/// itself.
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
        // Others mean something by them, such as to open the log again. Who was once listened for ends the process no
        // more, even if nobody listens later.
        for ignored in [SignalKind::user_defined1(), SignalKind::user_defined2()] {
            drop(signal(ignored)?);
        }
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Returns at the first signal to stop; at the second one the process ends at once. Until the first, asks by `reread` at
    /// each SIGHUP; `None`: there is nothing that could be read again.
    pub(crate) async fn stop(mut self, reread: Option<CertificateReread>) {
        while !self.next_stops().await {
            match &reread {
                Some(reread) => {
                    info!("SIGHUP: reading the certificate again");
                    reread.now();
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

    /// Waits for a signal: whether it is one to stop.
    async fn next_stops(&mut self) -> bool {
        tokio::select! {
            _ = self.terminate.recv() => true,
            _ = self.interrupt.recv() => true,
            _ = self.hang_up.recv() => false,
        }
    }
}
