//! Which service is measured: a running one, or one started for the purpose?

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use crate::error::LoadError;
use crate::process::Process;
use crate::publisher::{Access, address};
use crate::target::Loopback;

/// How long a service may take to become healthy.
const START_SECONDS_MAX: u64 = 60;

/// The interval between two health checks.
const HEALTH_PAUSE: Duration = Duration::from_millis(2);

/// How long one health check may take.
const HEALTH_SECONDS_MAX: u64 = 5;

/// A service under measurement. If this program started it, it is stopped when this is dropped.
#[derive(Debug)]
pub struct Server {
    /// Where it listens.
    pub target: Loopback,
    /// Its process, if it is known.
    pub process: Option<Process>,
    /// The time from the start of the process until it was healthy, if this program started it.
    pub started_in: Option<Duration>,
    _child: Option<Child>,
    _files: Option<TempDir>,
}

/// How to start a service.
#[derive(Clone, Debug)]
pub struct Program {
    /// The binary.
    pub path: PathBuf,
    /// The Redis it reads.
    pub redis: String,
    /// How users log in.
    pub access: Access,
}

impl Server {
    /// Returns a service that is already running.
    ///
    /// # Errors
    /// Returns an error if there is no process `pid`.
    pub fn running(target: Loopback, pid: Option<u32>) -> Result<Self, LoadError> {
        let process = pid.map(Process::new).transpose()?;
        Ok(Self { target, process, started_in: None, _child: None, _files: None })
    }

    /// Starts a service on a free port and waits until it is healthy.
    ///
    /// # Errors
    /// Returns an error if it cannot be started, or does not become healthy in time.
    pub async fn start(program: &Program) -> Result<Self, LoadError> {
        let (host, redis_port) = address(&program.redis)?;
        let files = TempDir::new().map_err(LoadError::io("temporary directory"))?;
        let secret = files.path().join("django");
        std::fs::write(&secret, format!("DJANGO_SECRET_KEY='{}'\n", program.access.secret))
            .map_err(LoadError::io("secret file"))?;
        let port = free_port()?;
        let begin = Instant::now();
        let child = Command::new(&program.path)
            .env("AUTOUPDATE_HOST", "127.0.0.1")
            .env("AUTOUPDATE_PORT", port.to_string())
            .env("MESSAGE_BUS_HOST", host)
            .env("MESSAGE_BUS_PORT", redis_port.to_string())
            .env("SECRET_FILE", &secret)
            .env("SESSION_PREFIX", &program.access.session_prefix)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .map_err(LoadError::io(program.path.display().to_string()))?;
        let target: Loopback = format!("127.0.0.1:{port}").parse()?;
        wait_until_healthy(target).await?;
        let started_in = Some(begin.elapsed());
        let process = child.id().map(Process::new).transpose()?;
        Ok(Self { target, process, started_in, _child: Some(child), _files: Some(files) })
    }
}

/// Waits until `/system/health` answers 200.
///
/// # Errors
/// Returns an error if it does not become healthy in time.
pub async fn wait_until_healthy(target: Loopback) -> Result<(), LoadError> {
    let wait = async {
        while !timeout(Duration::from_secs(HEALTH_SECONDS_MAX), is_healthy(target)).await.unwrap_or(false) {
            sleep(HEALTH_PAUSE).await;
        }
    };
    let what = format!("{}/system/health to answer 200", target.address());
    timeout(Duration::from_secs(START_SECONDS_MAX), wait)
        .await
        .map_err(|_| LoadError::TimeOut { what, seconds: START_SECONDS_MAX })
}

async fn is_healthy(target: Loopback) -> bool {
    let ask = async {
        let mut socket = TcpStream::connect(target.address()).await?;
        socket.write_all(b"GET /system/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
        let mut status = [0; 12];
        socket.read_exact(&mut status).await?;
        Ok::<_, std::io::Error>(status)
    };
    ask.await.is_ok_and(|status| &status == b"HTTP/1.1 200")
}

/// Returns a port that was free a moment ago.
fn free_port() -> Result<u16, LoadError> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(LoadError::io("bind 127.0.0.1:0"))?;
    listener.local_addr().map(|address| address.port()).map_err(LoadError::io("local address"))
}
