//! How is the service run? As a real one: a process that is started, told to stop, and started again.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::parts::{file_text, free_port, send};
use crate::attack::Reading;
use crate::error::LoadError;
use crate::process::Process;
use crate::publisher::Access;
use crate::server::wait_until_healthy;
use crate::target::Loopback;

/// How long the service may take to stop.
const STOP_SECONDS_MAX: u64 = 60;

/// Runs the program with the socket that is its standard input, the way systemd does. It keeps the shell's process id.
const WITH_SOCKET: &str = "exec 3<&0 0</dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\"";

/// How to start the service, again and again at the same address.
#[derive(Debug)]
pub(super) struct Setup {
    program: PathBuf,
    variables: Vec<(&'static str, String)>,
    port: u16,
    /// The socket that is handed over; `None`: the service opens its own.
    socket: Option<TcpListener>,
    directory: TempDir,
}

/// A running service; killed when dropped.
#[derive(Debug)]
pub(super) struct Service {
    child: Child,
    process: Process,
}

impl Setup {
    /// Prepares a service that finds Redis by these variables.
    ///
    /// # Errors
    /// There is no port, or no file can be written.
    pub(super) fn new(
        program: PathBuf,
        access: &Access,
        redis: Vec<(&'static str, String)>,
        hands_over: bool,
    ) -> Result<Self, LoadError> {
        let directory = TempDir::new().map_err(LoadError::io("temporary directory"))?;
        let secret = directory.path().join("django");
        file_text(&secret, &format!("DJANGO_SECRET_KEY='{}'\n", access.secret))?;
        let (port, socket) = if hands_over {
            let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(LoadError::io("bind 127.0.0.1:0"))?;
            (socket.local_addr().map_err(LoadError::io("local address"))?.port(), Some(socket))
        } else {
            (free_port()?, None)
        };
        let mut variables = redis;
        variables.extend([
            ("AUTOUPDATE_HOST", "127.0.0.1".to_owned()),
            ("AUTOUPDATE_PORT", port.to_string()),
            ("SECRET_FILE", secret.display().to_string()),
            ("SESSION_PREFIX", access.session_prefix.clone()),
            ("LOG_FORMAT", "json".to_owned()),
        ]);
        Ok(Self { program, variables, port, socket, directory })
    }

    /// Returns where it listens.
    pub(super) const fn port(&self) -> u16 {
        self.port
    }

    /// Starts it, and waits until it is healthy.
    ///
    /// # Errors
    /// It cannot be started, or does not become healthy.
    pub(super) async fn start(&self) -> Result<Service, LoadError> {
        let mut command = match &self.socket {
            None => Command::new(&self.program),
            Some(_) => Command::new("/bin/sh"),
        };
        command.stdin(Stdio::null());
        if let Some(socket) = &self.socket {
            let socket: OwnedFd = socket.try_clone().map_err(LoadError::io("the socket"))?.into();
            command.arg("-c").arg(WITH_SOCKET).arg(&self.program).stdin(socket);
        }
        let path = self.log();
        let log = File::options().create(true).append(true).open(&path).map_err(LoadError::io("log of the service"))?;
        command.env_clear().envs(self.variables.iter().cloned()).stdout(Stdio::null()).stderr(log).kill_on_drop(true);
        let child = command.spawn().map_err(LoadError::io(self.program.display().to_string()))?;
        let target: Loopback = format!("127.0.0.1:{}", self.port).parse()?;
        wait_until_healthy(target).await?;
        let process = child.id().map(Process::new).transpose()?;
        let process = process.ok_or_else(|| LoadError::Usage("the service ended by itself".to_owned()))?;
        Ok(Service { child, process })
    }

    /// Returns where its log is.
    pub(super) fn log(&self) -> PathBuf {
        self.directory.path().join("log")
    }
}

impl Service {
    /// Returns its process.
    pub(super) const fn process(&self) -> Process {
        self.process
    }

    /// Returns what it has now.
    ///
    /// # Errors
    /// It is gone.
    pub(super) fn reading(&self) -> Result<Reading, LoadError> {
        Reading::of(self.process)
    }

    /// Tells it to stop, and waits for its end. Returns its exit status; `None`: it was killed by a signal.
    ///
    /// # Errors
    /// It does not end.
    pub(super) async fn stop(mut self) -> Result<Option<i32>, LoadError> {
        send(&self.child, Signal::TERM)?;
        let what = "the service to stop".to_owned();
        let status = timeout(Duration::from_secs(STOP_SECONDS_MAX), self.child.wait()).await;
        let status = status.map_err(|_| LoadError::TimeOut { what, seconds: STOP_SECONDS_MAX })?;
        Ok(status.map_err(LoadError::io("the service"))?.code())
    }
}
