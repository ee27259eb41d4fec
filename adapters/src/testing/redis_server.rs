//! How does a test get a real Redis? It starts one of its own, on a free port, in a folder of its own.

use std::io;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::redis::RedisAddress;

/// The program.
const PROGRAM: &str = "redis-server";
/// A port that was free a moment ago may be taken; then another one is tried.
const START_ATTEMPTS_MAX: usize = 5;
/// How long it may take to start. Longer: the next attempt.
const START_SECONDS_MAX: u64 = 20;
/// The pause between two looks whether it has started.
const START_POLL_MILLISECONDS: u64 = 5;

/// A real Redis; killed when dropped.
pub struct RedisServer {
    process: Child,
    port: u16,
    persistent: bool,
    directory: TempDir,
}

impl RedisServer {
    /// Starts one without persistence; `None`, said loudly, if `redis-server` is not installed.
    pub async fn start() -> io::Result<Option<Self>> {
        Self::start_with(false).await
    }

    /// Starts one that finds its data again after [`RedisServer::kill`] and [`RedisServer::restart`].
    pub async fn start_persistent() -> io::Result<Option<Self>> {
        Self::start_with(true).await
    }

    async fn start_with(persistent: bool) -> io::Result<Option<Self>> {
        for _ in 0..START_ATTEMPTS_MAX {
            let directory = tempfile::tempdir()?;
            let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
            let process = match spawn(port, persistent, directory.path()) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    super::skip("tests against a real Redis, because `redis-server` is not installed");
                    return Ok(None);
                }
                process => process?,
            };
            let mut server = Self { process, port, persistent, directory };
            if server.has_started().await? {
                return Ok(Some(server));
            }
        }
        Err(io::Error::other(format!("`{PROGRAM}` did not start in {START_ATTEMPTS_MAX} attempts")))
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> RedisAddress {
        RedisAddress::from_host("127.0.0.1", self.port)
    }

    /// The port it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Kills it, as a crash would.
    pub fn kill(&mut self) -> io::Result<()> {
        self.process.kill()?;
        self.process.wait().map(drop)
    }

    /// Starts it again at the same address, after [`RedisServer::kill`].
    pub async fn restart(&mut self) -> io::Result<()> {
        self.process = spawn(self.port, self.persistent, self.directory.path())?;
        if self.has_started().await? {
            return Ok(());
        }
        Err(io::Error::other(format!("`{PROGRAM}` did not start again on port {}", self.port)))
    }

    /// Waits until it answers. False if it ended (the port was taken), or takes too long.
    async fn has_started(&mut self) -> io::Result<bool> {
        let end = Instant::now() + Duration::from_secs(START_SECONDS_MAX);
        while self.process.try_wait()?.is_none() && Instant::now() < end {
            if self.answers().await == Some(self.process.id()) {
                return Ok(true);
            }
            tokio::time::sleep(Duration::from_millis(START_POLL_MILLISECONDS)).await;
        }
        Ok(false)
    }

    /// The process id of who answers at the port, once its data is loaded.
    async fn answers(&self) -> Option<u32> {
        let client = redis::Client::open(("127.0.0.1", self.port)).ok()?;
        let mut connection = client.get_multiplexed_async_connection().await.ok()?;
        redis::cmd("PING").exec_async(&mut connection).await.ok()?;
        let info: String = redis::cmd("INFO").arg("server").query_async(&mut connection).await.ok()?;
        info.lines().find_map(|line| line.strip_prefix("process_id:"))?.trim().parse().ok()
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // It may be dead already.
        let _ = self.kill();
    }
}

/// `appendfsync no` writes every command out before it is answered, and leaves only the flush to the disk to the system: a
/// killed process loses nothing. (`everysec` may put off the writing itself.)
fn spawn(port: u16, persistent: bool, directory: &Path) -> io::Result<Child> {
    Command::new(PROGRAM)
        .args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", "", "--dir"])
        .arg(directory)
        .args(["--appendonly", if persistent { "yes" } else { "no" }, "--appendfsync", "no"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}
