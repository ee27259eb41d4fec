//! What does somebody notice who uses the service while it is attacked?
//!
//! The canary has a thread of its own, so that the attacker's work does not delay it. It keeps a stream open, sends
//! itself messages over a second connection and waits for each, and opens a new connection from time to time.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::error::LoadError;
use crate::statistics::Percentiles;

/// The pause between two messages: less often than a user may send (`SENDS_PER_MINUTE_MAX`).
const PAUSE: Duration = Duration::from_millis(125);

/// How long a message may take before the canary counts as dead.
const PATIENCE: Duration = Duration::from_secs(10);

/// After how many messages it opens a new connection.
const NEWCOMER_EVERY: u64 = 4;

/// What the canary noticed.
#[derive(Clone, Debug, Default)]
pub struct Notes {
    /// From sending a message to receiving it.
    pub round_trip: Option<Percentiles>,
    /// The longest time from opening a new connection to the answer to its first request; `None`: it got none in time,
    /// or tried none.
    pub newcomer_max: Option<Duration>,
    /// How many new connections got no answer.
    pub newcomers_refused: usize,
    /// Why it died.
    pub died: Option<String>,
}

#[derive(Debug, Default)]
struct Heard {
    round_trips_micros: Vec<u64>,
    newcomer_max: Option<Duration>,
    newcomers_refused: usize,
    died: Option<String>,
}

/// A canary that sings until it is stopped.
#[derive(Debug)]
pub struct Canary {
    heard: Arc<Mutex<Heard>>,
    /// Changes with each message that came back, and ends with the canary.
    sung: watch::Receiver<()>,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Canary {
    /// Begins, with this session (a header field with its line end).
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start(service: SocketAddr, cookie: &str) -> Result<Self, LoadError> {
        let heard = Arc::<Mutex<Heard>>::default();
        let (stop, stopped) = watch::channel(false);
        let (singing, sung) = watch::channel(());
        let (noting, cookie) = (Arc::clone(&heard), cookie.to_owned());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(LoadError::io("the canary's runtime"))?;
        let thread = std::thread::spawn(move || {
            if let Err(error) = runtime.block_on(sing(service, &cookie, &noting, &singing, stopped)) {
                lock(&noting).died = Some(error.to_string());
            }
            // Whoever waits for it learns only now that it is dead.
            drop(singing);
        });
        Ok(Self { heard, sung, stop, thread: Some(thread) })
    }

    /// Returns what it noticed since the last call: at least one message, however busy the machine, unless it died.
    pub async fn take_notes(&mut self) -> Notes {
        while lock(&self.heard).round_trips_micros.is_empty() {
            if self.sung.changed().await.is_err() {
                break;
            }
        }
        let mut heard = lock(&self.heard);
        Notes {
            round_trip: Percentiles::of(std::mem::take(&mut heard.round_trips_micros)),
            newcomer_max: heard.newcomer_max.take(),
            newcomers_refused: std::mem::take(&mut heard.newcomers_refused),
            died: heard.died.clone(),
        }
    }
}

impl Drop for Canary {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn lock(heard: &Mutex<Heard>) -> std::sync::MutexGuard<'_, Heard> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn sing(
    service: SocketAddr,
    cookie: &str,
    heard: &Mutex<Heard>,
    singing: &watch::Sender<()>,
    mut stopped: watch::Receiver<bool>,
) -> io::Result<()> {
    let open = async { tokio::try_join!(Listening::open(service, cookie), TcpStream::connect(service)) };
    let open = timeout(PATIENCE, open).await.map_err(|_| io::Error::other("it could not begin in time"))?;
    let (mut listening, sending) = open?;
    let mut sending = BufReader::new(sending);
    for number in 0_u64.. {
        let begin = Instant::now();
        let song = async {
            send(&mut sending, &listening.channel, cookie, number).await?;
            listening.hear(number).await
        };
        timeout(PATIENCE, song).await.map_err(|_| io::Error::other("a message took too long"))??;
        lock(heard).round_trips_micros.push(u64::try_from(begin.elapsed().as_micros()).unwrap_or(u64::MAX));
        singing.send_replace(());
        if number % NEWCOMER_EVERY == 0 {
            let begin = Instant::now();
            let is_answered = timeout(PATIENCE, come(service)).await.is_ok_and(|answer| answer.is_ok());
            let mut heard = lock(heard);
            heard.newcomers_refused += usize::from(!is_answered);
            heard.newcomer_max = heard.newcomer_max.max(is_answered.then(|| begin.elapsed()));
        }
        tokio::select! {
            () = sleep(PAUSE) => {}
            _ = stopped.changed() => break,
        }
    }
    Ok(())
}

/// A stream of messages.
struct Listening {
    stream: BufReader<TcpStream>,
    channel: String,
}

impl Listening {
    async fn open(service: SocketAddr, cookie: &str) -> io::Result<Self> {
        let mut stream = TcpStream::connect(service).await?;
        let request = format!("GET /system/notify HTTP/1.1\r\nHost: localhost\r\n{cookie}\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut listening = Self { stream: BufReader::new(stream), channel: String::new() };
        let channel = listening.line(|line| line.get("channel_id").cloned()).await?;
        listening.channel = channel.as_str().unwrap_or_default().to_owned();
        Ok(listening)
    }

    async fn hear(&mut self, number: u64) -> io::Result<()> {
        self.line(|line| (line.get("message")? == number).then_some(())).await
    }

    /// Waits for a line in which something is found. What is between the lines belongs to HTTP.
    async fn line<T>(&mut self, mut find: impl FnMut(&Value) -> Option<T>) -> io::Result<T> {
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line).await? == 0 {
                return Err(io::Error::other("its stream was ended"));
            }
            if let Some(found) = serde_json::from_str(&line).ok().as_ref().and_then(&mut find) {
                return Ok(found);
            }
        }
    }
}

async fn send(sending: &mut BufReader<TcpStream>, channel: &str, cookie: &str, number: u64) -> io::Result<()> {
    let body =
        json!({"channel_id": channel, "name": "canary", "message": number, "to_channels": [channel]}).to_string();
    let length = body.len();
    let request = format!(
        "POST /system/notify/send HTTP/1.1\r\nHost: localhost\r\n{cookie}Content-Length: {length}\r\n\r\n{body}"
    );
    sending.write_all(request.as_bytes()).await?;
    let mut status = String::new();
    sending.read_line(&mut status).await?;
    if !status.starts_with("HTTP/1.1 200") {
        return Err(io::Error::other(format!("its message was answered with {:?}", status.trim_end())));
    }
    // The rest of the head; there is no body.
    let mut line = String::new();
    while sending.read_line(&mut line).await? > 2 {
        line.clear();
    }
    Ok(())
}

/// Opens a connection and asks for the health.
async fn come(service: SocketAddr) -> io::Result<()> {
    let mut stream = TcpStream::connect(service).await?;
    stream.write_all(b"GET /system/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
    let mut status = [0; 12];
    stream.read_exact(&mut status).await?;
    if &status == b"HTTP/1.1 200" { Ok(()) } else { Err(io::Error::other("not healthy")) }
}
