//! What does the program tell a service manager such as systemd? (docs/OPERATIONS.md, With systemd)

use std::path::PathBuf;

use adapters::testing::fake_redis::FakeRedis;
use tempfile::TempDir;
use tokio::net::UnixDatagram;

use crate::harness::{Meeting, Process, secret_file, within};

/// The socket of a service manager.
struct Manager {
    socket: UnixDatagram,
    path: PathBuf,
    _directory: TempDir,
}

impl Manager {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("notify");
        Self { socket: UnixDatagram::bind(&path).expect("a socket"), path, _directory: directory }
    }

    fn path(&self) -> &str {
        self.path.to_str().expect("UTF-8")
    }

    /// Returns the next message that has a line which starts with `start`.
    async fn until(&self, start: &str) -> String {
        let message = async {
            loop {
                let mut bytes = [0; 4096];
                let length = self.socket.recv(&mut bytes).await.expect("a message");
                let message = String::from_utf8_lossy(&bytes[..length]).into_owned();
                if message.lines().any(|line| line.starts_with(start)) {
                    return message;
                }
            }
        };
        within(&format!("{start:?} for the service manager"), message).await
    }
}

/// (spec: http.md#service-manager)
#[tokio::test]
async fn the_service_manager_is_told_of_start_state_reload_and_stop() {
    let redis = FakeRedis::start().await.expect("a port");
    let manager = Manager::new();
    let certificates = tempfile::tempdir().expect("a directory");
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    std::fs::write(certificates.path().join("key.pem"), made.signing_key.serialize_pem()).expect("a file");
    std::fs::write(certificates.path().join("cert.pem"), made.cert.pem()).expect("a file");
    let certificates = certificates.path().to_str().expect("UTF-8");
    let variables = [("NOTIFY_SOCKET", manager.path()), ("CERT_DIR", certificates), ("WATCHDOG_USEC", "100000")];
    let mut process = Process::serve(redis.port(), &variables).await;

    // Without a meeting too: it can be waited for.
    let ready = manager.until("READY=1").await;
    assert!(ready.contains("STATUS=not serving: the meeting is not loaded yet"), "{ready}");
    manager.until("WATCHDOG=1").await;
    Meeting::start(&redis.address()).await;
    manager.until("STATUS=serving 0 streams").await;
    let _watcher = process.browser().watch().await;
    manager.until("STATUS=serving 1 streams").await;
    // Again and again.
    manager.until("WATCHDOG=1").await;

    process.signal("HUP").await;
    let reloading = manager.until("RELOADING=1").await;
    assert!(reloading.contains("MONOTONIC_USEC="), "{reloading}");
    manager.until("READY=1").await;
    process.until_logged("the certificate is unchanged").await;

    process.signal("TERM").await;
    let stopping = manager.until("STOPPING=1").await;
    assert!(stopping.contains("STATUS=stopping, with 1 streams open"), "{stopping}");
    assert_eq!(process.status().await, Some(0));
}

/// (spec: http.md#service-manager)
#[tokio::test]
async fn a_service_that_hangs_gives_no_sign_of_life() {
    let redis = FakeRedis::start().await.expect("a port");
    Meeting::start(&redis.address()).await;
    let manager = Manager::new();
    let variables = [("NOTIFY_SOCKET", manager.path()), ("WATCHDOG_USEC", "100000")];
    let process = Process::serve(redis.port(), &variables).await;
    manager.until("WATCHDOG=1").await;
    process.signal("STOP").await;
    // Those that were on their way; then none for many times their interval.
    let silence = async {
        let mut bytes = [0; 4096];
        let limit = std::time::Duration::from_secs(1);
        while tokio::time::timeout(limit, manager.socket.recv(&mut bytes)).await.is_ok() {}
    };
    within("silence", silence).await;
    process.signal("CONT").await;
    manager.until("WATCHDOG=1").await;
}

/// A manager that does not want a watchdog, or one for another process, gets none.
#[tokio::test]
async fn without_a_watchdog_only_the_state_is_told() {
    let manager = Manager::new();
    let secret = secret_file();
    for watchdog in [("WATCHDOG_USEC", "0"), ("WATCHDOG_PID", "1")] {
        let variables =
            [("NOTIFY_SOCKET", manager.path()), watchdog, ("DRAIN_SECONDS", "0"), ("SECRET_FILE", &*secret)];
        let mut demo = Process::start(&["demo"], &variables).await;
        manager.until("STATUS=serving").await;
        demo.signal("TERM").await;
        let mut told = Vec::new();
        while !told.last().is_some_and(|message: &String| message.contains("STOPPING=1")) {
            told.push(manager.until("").await);
        }
        assert!(!told.iter().any(|message| message.contains("WATCHDOG")), "{told:?}");
        assert_eq!(demo.status().await, Some(0));
    }
}
