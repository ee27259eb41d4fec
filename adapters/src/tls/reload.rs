//! How does a renewed certificate come into use without a restart?

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior};

use super::CurrentCertificate;
use super::certificate::{CertificateError, Files, fingerprint};

/// How often the files are read again, in seconds. Their contents are compared, not their times: symbolic links that are
/// switched, and copies that keep an old time, are seen as well.
pub const CERTIFICATE_CHECK_SECONDS: u64 = 5;

/// Looks whether the certificate's files changed.
pub struct CertificateWatch {
    directory: PathBuf,
    seen: Seen,
    current: Arc<CurrentCertificate>,
}

/// What the last look found, so that each state is acted on and logged once.
enum Seen {
    Files(Files),
    Error(String),
}

/// What a look found.
#[derive(Debug)]
pub enum Checked {
    /// The same as at the last look.
    Unchanged,
    /// Another certificate, which new connections get from now on; its SHA-256 fingerprint.
    Replaced {
        /// As browsers show it.
        fingerprint: String,
    },
    /// Something that cannot be used; the old certificate is kept.
    Broken(CertificateError),
}

impl CertificateWatch {
    pub(super) fn new(directory: PathBuf, files: Files, current: Arc<CurrentCertificate>) -> Self {
        Self { directory, seen: Seen::Files(files), current }
    }

    /// Looks every [`CERTIFICATE_CHECK_SECONDS`], for ever; logs what changed. A broken certificate is logged once.
    ///
    /// Whoever asks by `reread` need not wait for that, and is told in the log what was found, changed or not.
    pub async fn run(mut self, reread: Arc<Notify>) {
        let period = Duration::from_secs(CERTIFICATE_CHECK_SECONDS);
        let mut ticks = tokio::time::interval_at(Instant::now() + period, period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let asked = tokio::select! {
                _ = ticks.tick() => false,
                () = reread.notified() => true,
            };
            // Reading may block for long on a network file system; the runtime's threads serve clients meanwhile.
            let look = tokio::task::spawn_blocking(move || {
                let checked = self.check();
                (self, checked)
            });
            let Ok((watch, checked)) = look.await else {
                tracing::error!(
                    "looking for a changed certificate failed; it is not looked for any more until a restart"
                );
                return;
            };
            self = watch;
            match checked {
                Checked::Unchanged if asked => self.log_unchanged(),
                Checked::Unchanged => {}
                Checked::Replaced { fingerprint } => {
                    tracing::info!(fingerprint_sha256 = %fingerprint, "serving a changed certificate from now on");
                }
                Checked::Broken(error) => {
                    tracing::error!(%error, "the changed certificate cannot be used; the old one is kept");
                }
            }
        }
    }

    fn log_unchanged(&self) {
        match &self.seen {
            Seen::Files(_) => tracing::info!("the certificate was read again; it has not changed"),
            Seen::Error(error) => {
                tracing::error!(%error, "the changed certificate cannot be used; the old one is kept");
            }
        }
    }

    /// Looks once.
    pub fn check(&mut self) -> Checked {
        let files = match Files::read(&self.directory) {
            Ok(files) => files,
            Err(error) => return self.broken(error),
        };
        if matches!(&self.seen, Seen::Files(seen) if *seen == files) {
            return Checked::Unchanged;
        }
        match files.certificate() {
            Ok(certificate) => {
                let fingerprint = fingerprint(&certificate);
                self.current.replace(certificate);
                self.seen = Seen::Files(files);
                Checked::Replaced { fingerprint }
            }
            Err(error) => self.broken(error),
        }
    }

    fn broken(&mut self, error: CertificateError) -> Checked {
        let text = error.to_string();
        if matches!(&self.seen, Seen::Error(seen) if *seen == text) {
            return Checked::Unchanged;
        }
        self.seen = Seen::Error(text);
        Checked::Broken(error)
    }
}
