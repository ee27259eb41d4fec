//! How does a test get a Redis without installing one? This one runs in process, speaks as much of RESP2 as the service
//! uses, and fails on demand.

mod commands;
mod connection;
mod data;
mod resp;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::io::duplex;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use self::data::Data;
use crate::redis::{ByteStream, RedisAddress, Transport};

/// How many bytes an in-memory stream holds in each direction before the writer waits.
const DUPLEX_BYTES_MAX: usize = 64 * 1024;

/// A Redis in process. It stops when the last clone is dropped.
#[derive(Clone)]
pub struct FakeRedis {
    shared: Arc<Shared>,
    _listener: Arc<JoinSet<()>>,
    address: SocketAddr,
    is_greeted: bool,
}

/// What is wrong with a [`FakeRedis`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// Open connections are closed at once, new ones as soon as they are opened.
    Closed,
    /// Connections are accepted, but no command is answered.
    Stalled,
    /// Every answer is delayed by this time.
    Late(Duration),
    /// The first half of an answer is sent, then the connection is closed.
    Half,
}

/// Matches any command in [`FakeRedis::refuse`].
pub const EVERY_COMMAND: &str = "*";

/// A snapshot of the data of a [`FakeRedis`].
#[derive(Clone)]
pub struct Copy(Data);

#[derive(Default)]
struct Shared {
    data: Arc<Mutex<Data>>,
    /// Told at every change of the data; wakes what waits, in the order in which it came, so that a simulation can be
    /// repeated.
    changed: Arc<Notify>,
    settings: Mutex<Settings>,
    /// As `changed`, for the settings.
    settings_changed: Notify,
}

#[derive(Default)]
struct Settings {
    fault: Fault,
    password: Option<String>,
    /// If set, this is a sentinel, which reports the primary of that name at that port.
    watched: Option<(String, u16)>,
    /// The name of a refused command, and the error it is refused with.
    refused: Option<(String, String)>,
    /// Connections with numbers up to this one are closed.
    closed_up_to: u64,
    /// Connections with numbers up to this one refuse to write.
    read_only_up_to: u64,
    /// How many connections were opened. They are numbered from 1.
    connections: u64,
    /// The commands received since [`FakeRedis::take_commands`] was last called.
    commands: Vec<String>,
    /// What to do after the next command of that name.
    afterwards: Option<(String, Afterwards)>,
}

/// Runs commands inside a [`FakeRedis`], without a connection.
pub struct Commands<'a>(&'a mut Data);

/// What a test does between two commands.
type Afterwards = Box<dyn FnOnce(&mut Commands<'_>) + Send>;

impl Commands<'_> {
    /// Runs one command; its words are separated by single spaces.
    pub fn run(&mut self, command: &str) {
        let words: Vec<_> = command.split(' ').map(|word| word.as_bytes().to_vec()).collect();
        commands::run(self.0, 0, &words);
    }
}

impl FakeRedis {
    /// Starts a Redis on a free port of the loopback address.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let mut tasks = JoinSet::new();
        let accepting = shared.clone();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                // Without this, each answer to a pipeline would wait until the previous one is acknowledged.
                let _ = stream.set_nodelay(true);
                connections.spawn(connection::serve(accepting.clone(), stream));
            }
        });
        Ok(Self { shared, _listener: Arc::new(tasks), address, is_greeted: true })
    }

    /// Creates a Redis without a socket, which only [`FakeRedis::transport`] reaches.
    #[must_use]
    pub fn in_memory() -> Self {
        Self::over(Shared::default())
    }

    /// Returns another way to the same data, without a socket. What is wrong with one is not wrong with the other.
    #[must_use]
    pub fn another_way(&self) -> Self {
        let (data, changed) = (Arc::clone(&self.shared.data), Arc::clone(&self.shared.changed));
        Self::over(Shared { data, changed, ..Shared::default() })
    }

    /// Spares connections the greeting of the client library, which costs a simulation a fifth of its time.
    #[must_use]
    pub fn without_greeting(self) -> Self {
        Self { is_greeted: false, ..self }
    }

    fn over(shared: Shared) -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self { shared: Arc::new(shared), _listener: Arc::default(), address, is_greeted: true }
    }

    /// Runs one command without a connection, and so regardless of any [`Fault`].
    pub fn run(&self, words: &[&[u8]]) {
        let words: Vec<_> = words.iter().map(|word| word.to_vec()).collect();
        commands::run(&mut self.shared.data(), 0, &words);
        self.shared.changed.notify_waiters();
    }

    /// Returns a snapshot of its data.
    #[must_use]
    pub fn copy(&self) -> Copy {
        Copy(self.shared.data().clone())
    }

    /// Goes back to what was in it then, as a replica that had not received the rest and was made the primary. Its clock
    /// does not go back.
    pub fn restore(&self, copy: &Copy) {
        self.restore_with_clock_of(self, copy);
    }

    /// As [`FakeRedis::restore`], but with the clock of another Redis, as on the same machine.
    pub fn restore_with_clock_of(&self, from: &Self, copy: &Copy) {
        let now = from.shared.data();
        let (milliseconds, seconds_passed) = (now.milliseconds, now.seconds_passed);
        drop(now);
        *self.shared.data() = Data { milliseconds, seconds_passed, ..copy.0.clone() };
        self.shared.changed.notify_waiters();
    }

    /// Loses the newest `count` entries of a stream, as a Redis does that wrote them to its disk too late.
    pub fn lose_newest_entries(&self, stream: &str, count: usize) {
        commands::lose_newest_entries(&mut self.shared.data(), stream, count);
        self.shared.changed.notify_waiters();
    }

    /// The address it listens on.
    #[must_use]
    pub fn address(&self) -> RedisAddress {
        RedisAddress::from_host(&self.address.ip().to_string(), self.address.port())
    }

    /// The port it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// A transport that reaches it without sockets.
    #[must_use]
    pub fn transport(&self) -> Arc<dyn Transport> {
        Arc::new(self.clone())
    }

    /// Sets what is wrong from now on, for open connections as well.
    pub fn set_fault(&self, fault: Fault) {
        self.shared.settings().fault = fault;
        self.shared.settings_changed.notify_waiters();
    }

    /// Closes every open connection once; new ones work.
    pub fn drop_connections(&self) {
        let mut settings = self.shared.settings();
        settings.closed_up_to = settings.connections;
        drop(settings);
        self.shared.settings_changed.notify_waiters();
    }

    /// Makes the connections that are open now refuse to write, like those to a primary that was demoted.
    pub fn demote_open_connections(&self) {
        let mut settings = self.shared.settings();
        settings.read_only_up_to = settings.connections;
    }

    /// Makes all connections refuse to write, new ones as well.
    pub fn demote(&self) {
        self.shared.settings().read_only_up_to = u64::MAX;
    }

    /// Lets all connections write again.
    pub fn promote(&self) {
        self.shared.settings().read_only_up_to = 0;
    }

    /// Refuses the command `name` (in upper case, or [`EVERY_COMMAND`]) with this error from now on, also in
    /// transactions.
    pub fn refuse(&self, name: &str, error: &str) {
        self.shared.settings().refused = Some((name.to_owned(), error.to_owned()));
    }

    /// Stops refusing commands.
    pub fn refuse_nothing(&self) {
        self.shared.settings().refused = None;
    }

    /// Makes it a sentinel that reports `primary` as the primary called `name`.
    pub fn name_primary(&self, name: &str, primary: &Self) {
        self.name_primary_at(name, primary.port());
    }

    /// Like [`FakeRedis::name_primary`], with the port of something in front of the primary.
    pub fn name_primary_at(&self, name: &str, port: u16) {
        self.shared.settings().watched = Some((name.to_owned(), port));
    }

    /// Advances its clock, which does not move otherwise.
    pub fn let_seconds_pass(&self, seconds: u64) {
        self.shared.data().seconds_passed += seconds;
    }

    /// Requires this password of every connection.
    pub fn require_password(&self, password: &str) {
        self.shared.settings().password = Some(password.to_owned());
    }

    /// Runs `then` right after the next command `name` (in upper case; `EXEC` for a transaction), as if another client
    /// came in between.
    pub fn after(&self, name: &str, then: impl FnOnce(&mut Commands<'_>) + Send + 'static) {
        self.shared.settings().afterwards = Some((name.to_owned(), Box::new(then)));
    }

    /// Returns the names of the commands received since the last call, oldest first.
    pub fn take_commands(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.settings().commands)
    }

    /// Returns how many connections were opened so far.
    #[must_use]
    pub fn connections_opened(&self) -> u64 {
        self.shared.settings().connections
    }
}

#[async_trait]
impl Transport for FakeRedis {
    async fn open(&self) -> io::Result<Box<dyn ByteStream>> {
        if self.shared.settings().fault == Fault::Closed {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        let (near, far) = duplex(DUPLEX_BYTES_MAX);
        tokio::spawn(connection::serve(self.shared.clone(), far));
        Ok(Box::new(near))
    }

    fn is_greeted(&self) -> bool {
        self.is_greeted
    }
}

impl Shared {
    fn data(&self) -> MutexGuard<'_, Data> {
        self.data.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn settings(&self) -> MutexGuard<'_, Settings> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns once the settings satisfy `is_so`.
    async fn until(&self, is_so: impl Fn(&Settings) -> bool) {
        loop {
            let mut changed = pin!(self.settings_changed.notified());
            changed.as_mut().enable();
            if is_so(&self.settings()) {
                return;
            }
            changed.await;
        }
    }
}
