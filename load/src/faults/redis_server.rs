//! How are a Redis, its replica and its sentinels run? On free ports of this machine, each in a folder of its own.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use redis::FromRedisValue;
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::parts::{file_text, free_port, send, until};
use crate::error::LoadError;

/// The name under which the sentinels watch the primary.
pub(super) const WATCHED_NAME: &str = "mymaster";

/// How many ports are tried: one that was free a moment ago may be taken.
const START_ATTEMPTS_MAX: usize = 5;

/// How long it may take to start, or to reach another state.
const WAIT_SECONDS_MAX: u64 = 60;

/// How long an answer may take.
const ANSWER_SECONDS_MAX: u64 = 5;

/// The user that the service is, and its password.
pub(super) const USER: &str = "autoupdate";
pub(super) const PASSWORD: &str = "password-of-the-service";

/// What that user may do: what docs/OPERATIONS.md lists, and no more.
pub(super) const RIGHTS: &str = "~cache_ready ~full_data ~change_id ~autoupdate ~notify ~applause ~session:* \
    +ping +unwatch +multi +exec +time +get +exists +hlen +hgetall +hmget +zscore +zrevrange +zrangebyscore \
    +zadd +zcount +zremrangebyscore +xread +xlen +xrange +xrevrange +xadd";

/// What a server is started as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Has its data again after a restart.
    Primary,
    /// Follows the primary at this port.
    Replica(u16),
    /// Watches the primary at this port, with two others.
    Sentinel(u16),
}

/// A running server; killed when dropped.
#[derive(Debug)]
pub(super) struct RedisServer {
    child: Child,
    kind: Kind,
    /// The port that it listens on.
    pub(super) port: u16,
    program: PathBuf,
    directory: TempDir,
}

impl RedisServer {
    /// Starts a server, and waits until it answers.
    ///
    /// # Errors
    /// The program cannot be run, or does not answer.
    pub(super) async fn start(program: &std::path::Path, kind: Kind) -> Result<Self, LoadError> {
        for _ in 0..START_ATTEMPTS_MAX {
            let port = free_port()?;
            let directory = TempDir::new().map_err(LoadError::io("temporary directory"))?;
            file_text(&directory.path().join("settings"), &settings(kind, port, directory.path()))?;
            let program = program.to_owned();
            let child = spawn(&program, kind, &directory)?;
            let mut server = Self { child, kind, port, program, directory };
            if server.until_it_answers().await.is_ok() {
                return Ok(server);
            }
        }
        Err(LoadError::Usage(format!("{} does not start", program.display())))
    }

    /// Returns its address.
    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// Returns its address with the user of the service.
    pub(super) fn url_of_service(&self) -> String {
        format!("redis://{USER}:{PASSWORD}@127.0.0.1:{}/", self.port)
    }

    /// Runs a command as somebody who may do everything.
    ///
    /// # Errors
    /// Redis does not answer, or refuses.
    pub(super) async fn run<T: FromRedisValue>(&self, command: &[&str]) -> Result<T, LoadError> {
        self.run_at(&self.url(), command).await
    }

    /// The same, with another login.
    ///
    /// # Errors
    /// Redis does not answer, or refuses.
    pub(super) async fn run_at<T: FromRedisValue>(&self, url: &str, command: &[&str]) -> Result<T, LoadError> {
        let answer = async {
            let mut connection = redis::Client::open(url)?.get_multiplexed_async_connection().await?;
            Ok(redis::cmd(command[0]).arg(&command[1..]).query_async(&mut connection).await?)
        };
        let what = format!("the answer to {}", command[0]);
        timeout(Duration::from_secs(ANSWER_SECONDS_MAX), answer)
            .await
            .unwrap_or(Err(LoadError::TimeOut { what, seconds: ANSWER_SECONDS_MAX }))
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// It is gone.
    pub(super) fn signal(&self, signal: Signal) -> Result<(), LoadError> {
        send(&self.child, signal)
    }

    /// Kills it without warning, like a crash.
    ///
    /// # Errors
    /// It is gone.
    pub(super) async fn kill(&mut self) -> Result<(), LoadError> {
        self.child.kill().await.map_err(LoadError::io("redis-server"))
    }

    /// Starts it again, after [`RedisServer::kill`].
    ///
    /// # Errors
    /// It does not answer.
    pub(super) async fn restart(&mut self) -> Result<(), LoadError> {
        self.child = spawn(&self.program, self.kind, &self.directory)?;
        self.until_it_answers().await
    }

    /// Deletes its data, after [`RedisServer::kill`].
    ///
    /// # Errors
    /// It cannot be deleted.
    pub(super) fn forget_data(&self) -> Result<(), LoadError> {
        let data = self.directory.path().join("appendonlydir");
        std::fs::remove_dir_all(&data).map_err(LoadError::io(data.display().to_string()))
    }

    async fn until_it_answers(&mut self) -> Result<(), LoadError> {
        let id = self.child.id();
        until("redis-server to start", WAIT_SECONDS_MAX, async || {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return Err(LoadError::Usage("redis-server ended".to_owned()));
            }
            // Somebody else may have the port.
            let info: Option<String> = self.run(&["INFO", "server"]).await.ok();
            let found = info.and_then(|info| field(&info, "process_id:").and_then(|id| id.parse().ok()));
            let is_loaded =
                self.kind_is_sentinel() || self.run::<Option<String>>(&["GET", "cache_ready"]).await.is_ok();
            Ok(found.is_some() && found == id && is_loaded)
        })
        .await
    }

    const fn kind_is_sentinel(&self) -> bool {
        matches!(self.kind, Kind::Sentinel(_))
    }

    /// Waits until this replica has everything that its primary has.
    ///
    /// # Errors
    /// It takes too long.
    pub(super) async fn until_in_sync(&self, primary: &Self) -> Result<(), LoadError> {
        until("the replica to follow", WAIT_SECONDS_MAX, async || {
            let info: String = self.run(&["INFO", "replication"]).await.unwrap_or_default();
            let of_primary: String = primary.run(&["INFO", "replication"]).await.unwrap_or_default();
            let is_up = field(&info, "master_link_status:") == Some("up");
            Ok(is_up
                && field(&info, "slave_repl_offset:").is_some()
                && field(&of_primary, "connected_slaves:") == Some("1"))
        })
        .await
    }

    /// Waits until this sentinel knows a replica that can take over, and two other sentinels.
    ///
    /// # Errors
    /// It takes too long.
    pub(super) async fn until_it_could_fail_over(&self) -> Result<(), LoadError> {
        until("the sentinels to know each other and the replica", WAIT_SECONDS_MAX, async || {
            let replicas: Vec<HashMap<String, String>> =
                self.run(&["SENTINEL", "REPLICAS", WATCHED_NAME]).await.unwrap_or_default();
            let primary: HashMap<String, String> =
                self.run(&["SENTINEL", "MASTER", WATCHED_NAME]).await.unwrap_or_default();
            let has =
                |of: &HashMap<String, String>, name: &str, value: &str| of.get(name).is_some_and(|is| is == value);
            let is_able = replicas.iter().any(|one| has(one, "flags", "slave") && has(one, "master-link-status", "ok"));
            Ok(is_able && has(&primary, "num-other-sentinels", "2"))
        })
        .await
    }

    /// Waits until this sentinel names a primary at this port.
    ///
    /// # Errors
    /// It takes too long.
    pub(super) async fn until_it_names(&self, port: u16) -> Result<(), LoadError> {
        until("the sentinels to name the new primary", WAIT_SECONDS_MAX, async || {
            let named: Vec<String> =
                self.run(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", WATCHED_NAME]).await.unwrap_or_default();
            Ok(named.get(1) == Some(&port.to_string()))
        })
        .await
    }
}

fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}

fn spawn(program: &PathBuf, kind: Kind, directory: &TempDir) -> Result<Child, LoadError> {
    let mut command = Command::new(program);
    command.arg(directory.path().join("settings"));
    if matches!(kind, Kind::Sentinel(_)) {
        command.arg("--sentinel");
    }
    command.current_dir(directory.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.kill_on_drop(true).spawn().map_err(LoadError::io(program.display().to_string()))
}

/// Sentinels, and servers that they command, rewrite this file.
///
/// With `appendfsync no`, every command is written to the file before it is answered, and only the flush to the disk is
/// left to the system: a killed process loses nothing.
fn settings(kind: Kind, port: u16, directory: &std::path::Path) -> String {
    let place = format!("port {port}\nbind 127.0.0.1\ndir {}\n", directory.display());
    match kind {
        Kind::Sentinel(primary) => format!(
            "{place}sentinel monitor {WATCHED_NAME} 127.0.0.1 {primary} 2\n\
             sentinel down-after-milliseconds {WATCHED_NAME} 1000\n\
             sentinel failover-timeout {WATCHED_NAME} 10000\n"
        ),
        Kind::Primary | Kind::Replica(_) => {
            let follows = match kind {
                Kind::Replica(primary) => format!("replicaof 127.0.0.1 {primary}\n"),
                _ => String::new(),
            };
            // By default a primary waits five seconds for further replicas. Sentinel needs `role` of the service.
            format!(
                "{place}save \"\"\nappendonly yes\nappendfsync no\nrepl-diskless-sync-delay 0\n{follows}\
                 user {USER} on >{PASSWORD} {RIGHTS} +role\n"
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RIGHTS;

    #[test]
    fn the_operations_manual_lists_these_rights() {
        let manual = include_str!("../../../docs/OPERATIONS.md");
        let words: Vec<&str> = manual.split_whitespace().collect();
        let rights: Vec<&str> = RIGHTS.split_whitespace().collect();
        assert!(words.windows(rights.len()).any(|window| window == rights), "{rights:?}");
    }
}
