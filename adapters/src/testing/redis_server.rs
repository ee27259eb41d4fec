//! How does a test get a real Redis? It starts its own, on a free port and in its own folder.

use std::collections::HashMap;
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::redis::{RedisAddress, RedisAuthority, RedisIdentity};

/// The name of the program.
const PROGRAM: &str = "redis-server";
/// How many ports are tried: one that was free a moment ago may be taken.
const START_ATTEMPTS_MAX: usize = 5;
/// How long a start may take before the next attempt.
const START_SECONDS_MAX: u64 = 20;
/// How long anything else may take before the test fails.
const WAIT_SECONDS_MAX: u64 = 60;
/// How long a primary may be silent before a sentinel considers it down.
const DOWN_AFTER_MILLISECONDS: u64 = 500;
/// The sentinels' `failover-timeout`: how long a fail-over may take, and half the time before the next attempt.
const FAIL_OVER_MILLISECONDS_MAX: u64 = 5_000;
/// The name under which sentinels watch the primary.
pub const WATCHED_NAME: &str = "mymaster";
/// The pause between two checks whether it has started.
const START_POLL_MILLISECONDS: u64 = 5;

/// A real Redis; killed when dropped.
pub struct RedisServer {
    process: Child,
    port: u16,
    kind: Kind,
    directory: TempDir,
}

/// What a server is started as.
enum Kind {
    /// Loses its data when it ends.
    Volatile,
    /// Has its data again after a restart.
    Persistent,
    /// Follows the primary at this port.
    Replica(u16),
    /// Watches the primary at this port.
    Sentinel(u16),
    /// Speaks TLS.
    Tls(TlsIdentity),
}

/// The certificate of a Redis that speaks TLS, and whom it trusts.
#[derive(Clone)]
pub struct TlsIdentity {
    /// Its certificate, in PEM, for the address 127.0.0.1.
    pub certificate: String,
    /// The private key of the certificate, in PEM.
    pub key: String,
    /// The authority that signed the certificate.
    pub authority: RedisAuthority,
    /// Which clients it accepts; `None`: all, without a certificate.
    pub clients: Option<TlsClients>,
}

/// The clients of a Redis that requires client certificates.
#[derive(Clone)]
pub struct TlsClients {
    /// The certificate of the authority that must have signed theirs, in PEM.
    pub authority: String,
    /// The identity of one such client.
    pub one: RedisIdentity,
}

impl RedisServer {
    /// Starts a server without persistence.
    ///
    /// # Errors
    /// If `redis-server` is not on the `PATH`, or does not start. Tests that need it are ignored where it is missing:
    /// `#[cfg_attr(not(has_redis_server), ignore = "…")]`.
    pub async fn start() -> io::Result<Self> {
        Self::start_as(|| Kind::Volatile).await
    }

    /// Starts a server that keeps its data over [`RedisServer::kill`] and [`RedisServer::restart`].
    pub async fn start_persistent() -> io::Result<Self> {
        Self::start_as(|| Kind::Persistent).await
    }

    /// Starts a replica of `primary`.
    pub async fn start_replica(primary: &Self) -> io::Result<Self> {
        Self::start_as(|| Kind::Replica(primary.port)).await
    }

    /// Starts a sentinel that watches `primary` under the name [`WATCHED_NAME`], and decides alone.
    pub async fn start_sentinel(primary: &Self) -> io::Result<Self> {
        Self::start_as(|| Kind::Sentinel(primary.port)).await
    }

    /// Starts a server that speaks TLS, which not every `redis-server` was built with (`has_redis_tls`).
    pub async fn start_tls(identity: TlsIdentity) -> io::Result<Self> {
        Self::start_as(|| Kind::Tls(identity.clone())).await
    }

    async fn start_as(kind: impl Fn() -> Kind) -> io::Result<Self> {
        for _ in 0..START_ATTEMPTS_MAX {
            let directory = tempfile::tempdir()?;
            let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
            let kind = kind();
            let process = spawn(port, &kind, directory.path())?;
            let mut server = Self { process, port, kind, directory };
            if server.has_started().await? {
                return Ok(server);
            }
        }
        Err(io::Error::other(format!("`{PROGRAM}` did not start in {START_ATTEMPTS_MAX} attempts")))
    }

    /// Waits until this replica has everything that `primary` has.
    pub async fn until_in_sync(&self, primary: &Self) {
        let offset = |info: &str, name: &str| {
            info.lines().find_map(|line| line.strip_prefix(name)).map(|offset| offset.trim().to_owned())
        };
        let of_primary = async || -> Option<String> {
            offset(&primary.ask::<String>(&["INFO", "replication"]).await?, "master_repl_offset:")
        };
        let of_replica = async || -> Option<String> {
            let info: String = self.ask(&["INFO", "replication"]).await?;
            if info.contains("master_link_status:up") { offset(&info, "slave_repl_offset:") } else { None }
        };
        self.until("it follows the primary", async || {
            of_replica().await.is_some() && of_replica().await == of_primary().await
        })
        .await;
    }

    /// Makes it a replica of `primary` while it runs. Only connections of blocked clients are cut.
    pub async fn follow(&self, primary: &Self) {
        let port = primary.port.to_string();
        self.until("it is a replica", async || self.ask::<String>(&["REPLICAOF", "127.0.0.1", &port]).await.is_some())
            .await;
    }

    /// Waits until this sentinel knows a replica that can take over.
    pub async fn until_it_could_fail_over(&self) {
        let is_able = async || -> Option<bool> {
            let replicas: Vec<HashMap<String, String>> = self.ask(&["SENTINEL", "REPLICAS", WATCHED_NAME]).await?;
            let is_able = |replica: &HashMap<String, String>| {
                replica.get("flags").is_some_and(|flags| flags == "slave")
                    && replica.get("master-link-status").is_some_and(|status| status == "ok")
            };
            Some(replicas.iter().any(is_able))
        };
        self.until("a replica is known", async || is_able().await == Some(true)).await;
    }

    /// Makes this sentinel begin a fail-over even though the primary is healthy.
    pub async fn fail_over(&self) {
        let begins = async || self.ask::<String>(&["SENTINEL", "FAILOVER", WATCHED_NAME]).await.is_some();
        self.until("a fail-over begins", begins).await;
    }

    /// Waits until this sentinel reports `server` as the primary, and no fail-over is in progress.
    pub async fn until_it_names(&self, server: &Self) {
        let port = server.port.to_string();
        let is_named = async || -> Option<bool> {
            let named: HashMap<String, String> = self.ask(&["SENTINEL", "MASTER", WATCHED_NAME]).await?;
            Some(named.get("port") == Some(&port) && named.get("flags").is_some_and(|flags| flags == "master"))
        };
        self.until("the sentinel names it", async || is_named().await == Some(true)).await;
    }

    /// Runs a command, such as `CONFIG SET`, and returns its answer.
    ///
    /// # Panics
    /// If the server does not answer, or refuses.
    pub async fn run<T: redis::FromRedisValue>(&self, command: &[&str]) -> T {
        self.ask(command).await.unwrap_or_else(|| panic!("Redis does not execute {command:?}"))
    }

    /// # Panics
    /// If it takes too long.
    async fn until(&self, what: &str, is_so: impl AsyncFn() -> bool) {
        let end = Instant::now() + Duration::from_secs(WAIT_SECONDS_MAX);
        while !is_so().await {
            assert!(Instant::now() < end, "{what}: not within {WAIT_SECONDS_MAX} seconds");
            tokio::time::sleep(Duration::from_millis(START_POLL_MILLISECONDS)).await;
        }
    }

    /// Its answer on a new connection; `None` if it does not answer, or refuses.
    async fn ask<T: redis::FromRedisValue>(&self, command: &[&str]) -> Option<T> {
        let client = redis::Client::open(self.address().connection_info().ok()?).ok()?;
        let mut connection = client.get_multiplexed_async_connection().await.ok()?;
        redis::cmd(command.first()?).arg(&command[1..]).query_async(&mut connection).await.ok()
    }

    /// The address it listens on.
    #[must_use]
    pub fn address(&self) -> RedisAddress {
        match &self.kind {
            Kind::Tls(identity) => {
                let address = format!("rediss://127.0.0.1:{}", self.port).parse::<RedisAddress>();
                let address = address.expect("an address").trusting(identity.authority.clone());
                match &identity.clients {
                    Some(clients) => address.identified_by(clients.one.clone()),
                    None => address,
                }
            }
            _ => RedisAddress::from_host("127.0.0.1", self.port),
        }
    }

    /// The port it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Kills it without warning, like a crash.
    pub fn kill(&mut self) -> io::Result<()> {
        self.process.kill()?;
        self.process.wait().map(drop)
    }

    /// Starts it again on the same port as a replica of `primary`, after [`RedisServer::kill`].
    pub async fn restart_as_replica(&mut self, primary: &Self) -> io::Result<()> {
        self.kind = Kind::Replica(primary.port);
        self.restart().await
    }

    /// Starts it again on the same port, after [`RedisServer::kill`].
    pub async fn restart(&mut self) -> io::Result<()> {
        self.process = spawn(self.port, &self.kind, self.directory.path())?;
        if self.has_started().await? {
            return Ok(());
        }
        Err(io::Error::other(format!("`{PROGRAM}` did not start again on port {}", self.port)))
    }

    /// Waits until it answers. Returns `false` if it exited (the port was taken) or took too long.
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

    /// The process id of the server that answers on the port, once it has loaded its data.
    async fn answers(&self) -> Option<u32> {
        self.ask::<String>(&["PING"]).await?;
        let info: String = self.ask(&["INFO", "server"]).await?;
        info.lines().find_map(|line| line.strip_prefix("process_id:"))?.trim().parse().ok()
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // It may have exited already.
        let _ = self.kill();
    }
}

fn spawn(port: u16, kind: &Kind, directory: &Path) -> io::Result<Child> {
    let mut command = Command::new(PROGRAM);
    match kind {
        Kind::Sentinel(primary) => {
            command.arg(write(directory, "sentinel.conf", &sentinel_settings(port, *primary))?).arg("--sentinel");
        }
        _ => add_settings(&mut command, port, kind, directory)?,
    }
    command.current_dir(directory).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().map_err(|error| io::Error::new(error.kind(), format!("`{PROGRAM}` cannot be started: {error}")))
}

/// With `appendfsync no`, every command is written to the file before it is answered, and only the flush to disk is
/// left to the system: a killed process loses nothing. (With `everysec` the write may be delayed as well.)
fn add_settings(command: &mut Command, port: u16, kind: &Kind, directory: &Path) -> io::Result<()> {
    let is_persistent = matches!(kind, Kind::Persistent);
    let port = port.to_string();
    command.args(["--bind", "127.0.0.1", "--save", "", "--dir"]).arg(directory);
    command.args(["--appendonly", if is_persistent { "yes" } else { "no" }, "--appendfsync", "no"]);
    // By default a primary waits five seconds for further replicas.
    command.args(["--repl-diskless-sync-delay", "0"]);
    match kind {
        Kind::Tls(identity) => {
            command.args(["--port", "0", "--tls-port", &port]);
            command.args(["--tls-auth-clients", if identity.clients.is_some() { "yes" } else { "no" }]);
            if let Some(clients) = &identity.clients {
                command.arg("--tls-ca-cert-file").arg(write(directory, "clients.pem", &clients.authority)?);
            }
            command.arg("--tls-cert-file").arg(write(directory, "cert.pem", &identity.certificate)?);
            command.arg("--tls-key-file").arg(write(directory, "key.pem", &identity.key)?);
        }
        Kind::Replica(primary) => {
            command.args(["--port", &port, "--replicaof", "127.0.0.1", &primary.to_string()]);
        }
        _ => {
            command.args(["--port", &port]);
        }
    }
    Ok(())
}

/// The configuration of a sentinel that decides alone (a quorum of one), and quickly.
fn sentinel_settings(port: u16, primary: u16) -> String {
    format!(
        "port {port}\nbind 127.0.0.1\n\
         sentinel monitor {WATCHED_NAME} 127.0.0.1 {primary} 1\n\
         sentinel down-after-milliseconds {WATCHED_NAME} {DOWN_AFTER_MILLISECONDS}\n\
         sentinel failover-timeout {WATCHED_NAME} {FAIL_OVER_MILLISECONDS_MAX}\n"
    )
}

fn write(directory: &Path, name: &str, text: &str) -> io::Result<PathBuf> {
    let path = directory.join(name);
    std::fs::write(&path, text)?;
    Ok(path)
}
