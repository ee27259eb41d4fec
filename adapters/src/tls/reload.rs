//! How does a renewed certificate come into use without a restart?

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use domain::ports::clock::Clock;
use rustls::sign::CertifiedKey;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::CurrentCertificate;
use super::certificate_error::CertificateError;
use super::description::{self, describe};
use super::doubts::{self, Doubt};
use super::files::Files;

/// How often the files are read again, in seconds. Their contents are compared, not their times, so that switched
/// symbolic links and copies that keep an old time are noticed as well.
pub const CERTIFICATE_CHECK_SECONDS: u64 = 5;

/// How long anybody waits for the end of a check, in seconds.
const CHECK_SECONDS_MAX: u64 = 60;

/// Checks whether the certificate's files have changed.
pub struct CertificateWatch {
    directory: PathBuf,
    seen: FilesSeen,
    current: Arc<CurrentCertificate>,
    reread: CertificateReread,
    host: Option<String>,
    /// The doubts that were logged last.
    logged: Vec<Doubt>,
}

/// Makes a [`CertificateWatch`] check at once, for a signal. Clones belong to the same watch.
#[derive(Clone, Debug, Default)]
pub struct CertificateReread(Arc<RereadState>);

#[derive(Debug, Default)]
struct RereadState {
    demanded: Notify,
    checked: Arc<Notify>,
}

impl CertificateReread {
    /// Requests a check, whose outcome is logged in any case. Several pending requests are answered by one check.
    ///
    /// The future is ready when the next check has ended, or after a minute if it does not; it need not be
    /// awaited.
    pub fn now(&self) -> impl Future<Output = ()> + Send + 'static {
        // Notified from now on, not only once it is polled.
        let checked = Arc::clone(&self.0.checked).notified_owned();
        self.0.demanded.notify_one();
        async move {
            let _ = timeout(Duration::from_secs(CHECK_SECONDS_MAX), checked).await;
        }
    }
}

/// What the last check found, so that each state is acted on and logged once.
enum FilesSeen {
    Files(Files),
    Error(String),
}

/// What a check found.
#[derive(Debug)]
pub enum Checked {
    /// The same as the last check.
    Unchanged,
    /// Another certificate, which new connections get from now on; its SHA-256 fingerprint.
    Replaced {
        /// As browsers show it.
        fingerprint: String,
    },
    /// Something unusable; the old certificate is kept.
    Broken(CertificateError),
}

impl CertificateWatch {
    pub(super) fn new(directory: PathBuf, files: Files, current: Arc<CurrentCertificate>) -> Self {
        Self {
            directory,
            seen: FilesSeen::Files(files),
            current,
            reread: CertificateReread::default(),
            host: None,
            logged: Vec::new(),
        }
    }

    /// Also warns about a certificate that does not name `host`, if that is a name that others can know.
    #[must_use]
    pub fn for_host(self, host: &str) -> Self {
        Self { host: doubts::named_host(host).map(str::to_owned), ..self }
    }

    /// Returns a handle that makes this watch check at once, even while it runs.
    #[must_use]
    pub fn reread(&self) -> CertificateReread {
        self.reread.clone()
    }

    /// Checks every [`CERTIFICATE_CHECK_SECONDS`] and whenever a reread is requested, forever. Logs what is served now
    /// and whenever that changes, once why a changed certificate cannot be used, and every day what browsers will
    /// object to.
    ///
    /// What is served now is logged before this returns, so that it is in the log before clients connect.
    pub fn run(mut self, clock: Arc<dyn Clock>) -> impl Future<Output = ()> + Send + 'static {
        self.log_served("serving the certificate");
        self.log_timely(clock.unix_seconds());
        self.look_for_ever(clock)
    }

    async fn look_for_ever(mut self, clock: Arc<dyn Clock>) {
        let reread = self.reread();
        loop {
            let is_demanded = tokio::select! {
                () = reread.0.demanded.notified() => true,
                () = clock.sleep(Duration::from_secs(CERTIFICATE_CHECK_SECONDS)) => false,
            };
            if is_demanded {
                self.forget_logged();
            }
            // Reading may block for long on a network file system; the runtime's threads serve clients meanwhile.
            let look = tokio::task::spawn_blocking(move || {
                let checked = self.check();
                (self, checked)
            });
            let Ok((watch, checked)) = look.await else {
                tracing::error!(
                    "cannot check for a changed certificate any more; restart the service to use a new one"
                );
                return;
            };
            self = watch;
            match checked {
                Checked::Unchanged if is_demanded => self.log_served("the certificate is unchanged"),
                Checked::Unchanged => {}
                Checked::Replaced { .. } => self.log_served("serving a changed certificate from now on"),
                Checked::Broken(error) => {
                    tracing::error!(%error, "the changed certificate cannot be used; the old one stays in use");
                }
            }
            self.log_timely(clock.unix_seconds());
            if is_demanded {
                reread.0.checked.notify_waiters();
            }
        }
    }

    /// Checks the files once.
    pub fn check(&mut self) -> Checked {
        let files = match Files::read(&self.directory) {
            Ok(files) => files,
            Err(error) => return self.broken(error),
        };
        if matches!(&self.seen, FilesSeen::Files(seen) if *seen == files) {
            return Checked::Unchanged;
        }
        match files.certificate() {
            Ok(certificate) => {
                let fingerprint = certificate.cert.first().map(|der| description::fingerprint(der)).unwrap_or_default();
                self.current.replace(certificate);
                self.seen = FilesSeen::Files(files);
                self.logged.clear();
                Checked::Replaced { fingerprint }
            }
            Err(error) => self.broken(error),
        }
    }

    /// Makes problems that were already logged be logged again.
    fn forget_logged(&mut self) {
        self.logged.clear();
        if let FilesSeen::Error(text) = &mut self.seen {
            text.clear();
        }
    }

    /// Returns what to warn about now, unless exactly that was logged before. A doubt counts days, so each is logged
    /// daily.
    pub(super) fn not_yet_logged(&mut self, unix_seconds: u64) -> Vec<Doubt> {
        let doubts = doubts::timely(&self.current.get().cert, unix_seconds);
        if doubts == self.logged {
            return Vec::new();
        }
        self.logged.clone_from(&doubts);
        doubts
    }

    fn log_timely(&mut self, unix_seconds: u64) {
        for doubt in self.not_yet_logged(unix_seconds) {
            tracing::warn!("{doubt}");
        }
    }

    fn log_served(&self, message: &'static str) {
        let current = self.current.get();
        if let FilesSeen::Files(files) = &self.seen {
            log_passed_over(files);
        }
        log_certificate(&current, message);
        for doubt in doubts::lasting(&current.cert, self.host.as_deref()) {
            tracing::warn!("{doubt}");
        }
    }

    fn broken(&mut self, error: CertificateError) -> Checked {
        let text = error.to_string();
        if matches!(&self.seen, FilesSeen::Error(seen) if *seen == text) {
            return Checked::Unchanged;
        }
        self.seen = FilesSeen::Error(text);
        Checked::Broken(error)
    }
}

/// Logs what a certificate says about itself.
pub(super) fn log_certificate(certificate: &CertifiedKey, message: &'static str) {
    let Some(leaf) = certificate.cert.first().and_then(|der| describe(der)) else { return };
    tracing::info!(
        subject = leaf.subject,
        names = leaf.names,
        issuer = leaf.issuer,
        not_before = leaf.not_before,
        not_after = leaf.not_after,
        fingerprint_sha256 = leaf.fingerprint,
        certificates = certificate.cert.len(),
        "{message}"
    );
}

fn log_passed_over(files: &Files) {
    for other in &files.passed_over {
        tracing::warn!(
            served = %files.certificate_file.display(),
            "{} exists too and is not used; remove one of the two pairs",
            other.display()
        );
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use domain::testing::ManualClock;
    use futures_util::FutureExt;

    use super::*;
    use crate::tls::TlsServer;

    fn write_certificate(directory: &Path) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        std::fs::write(directory.join("cert.pem"), made.cert.pem()).expect("written");
        std::fs::write(directory.join("key.pem"), made.signing_key.serialize_pem()).expect("written");
    }

    #[tokio::test]
    async fn files_are_checked_periodically_and_on_demand() {
        let directory = tempfile::tempdir().expect("a directory");
        write_certificate(directory.path());
        let (server, watch) = TlsServer::new(Some(directory.path().to_owned())).expect("a certificate");
        let watch = watch.expect("files to watch");
        let reread = watch.reread();
        let clock = ManualClock::new(0);
        let mut run = std::pin::pin!(watch.run(Arc::new(clock.clone())));
        let served = || server.certificate.get().cert[0].clone();

        // Runs until the watch waits for time to pass again. It is polled first, so that it has noticed what is due.
        let mut looked = async || {
            tokio::select! {
                biased;
                () = &mut run => panic!("it runs for ever"),
                () = clock.until_asleep(1) => {}
            }
        };
        looked().await;
        for is_demanded in [true, false, true] {
            let before = served();
            write_certificate(directory.path());
            clock.advance(Duration::from_secs(CERTIFICATE_CHECK_SECONDS) - Duration::from_millis(1));
            looked().await;
            assert_eq!(served(), before, "it was not yet time");
            let checked = is_demanded.then(|| reread.now());
            if !is_demanded {
                clock.advance(Duration::from_millis(1));
            }
            looked().await;
            assert_ne!(served(), before, "demanded: {is_demanded}");
            if let Some(checked) = checked {
                assert_eq!(checked.now_or_never(), Some(()), "it has ended");
            }
        }
    }

    #[test]
    fn a_broken_certificate_is_reported_again_on_demand() {
        let directory = tempfile::tempdir().expect("a directory");
        write_certificate(directory.path());
        let (_server, watch) = TlsServer::new(Some(directory.path().to_owned())).expect("a certificate");
        let mut watch = watch.expect("files to watch");
        std::fs::write(directory.path().join("cert.pem"), "broken").expect("written");
        assert!(matches!(watch.check(), Checked::Broken(_)));
        assert!(matches!(watch.check(), Checked::Unchanged));
        watch.forget_logged();
        assert!(matches!(watch.check(), Checked::Broken(_)));
    }
}
