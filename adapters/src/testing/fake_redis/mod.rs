//! What if a test needs a Redis, but there is none? One in process that speaks as much of RESP2 as the service uses, and
//! fails on demand.

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

/// Bytes in one direction of a stream in memory before the writer waits.
const DUPLEX_BYTES_MAX: usize = 64 * 1024;

/// A Redis in process. It ends when the last clone is dropped.
#[derive(Clone)]
pub struct FakeRedis {
    shared: Arc<Shared>,
    _listener: Arc<JoinSet<()>>,
    address: SocketAddr,
}

/// What is wrong with a [`FakeRedis`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// Every connection is closed, at once and when it is opened.
    Closed,
    /// Connections are accepted, but no command is answered.
    Stalled,
    /// Answers come so late.
    Late(Duration),
    /// Of every answer half the bytes come, and then the connection is closed.
    Half,
}

/// Stands for any command in [`FakeRedis::refuse`].
pub const EVERY_COMMAND: &str = "*";

/// What was in a [`FakeRedis`] at one moment.
#[derive(Clone)]
pub struct Copy(Data);

#[derive(Default)]
struct Shared {
    data: Arc<Mutex<Data>>,
    /// Told at every change of the data or the settings; wakes what waits, in the order in which it came, so that a
    /// simulation can be repeated.
    changed: Arc<Notify>,
    settings: Mutex<Settings>,
}

#[derive(Default)]
struct Settings {
    fault: Fault,
    password: Option<String>,
    /// It is a sentinel, and names the primary of that name at that port.
    watched: Option<(String, u16)>,
    /// The name of a command that is refused, and with which error.
    refused: Option<(String, String)>,
    /// Connections up to that number are closed.
    closed_up_to: u64,
    /// Connections up to that number refuse to write.
    read_only_up_to: u64,
    /// How many connections were opened; each is known by its number.
    connections: u64,
    /// The commands that came, and were not taken yet.
    commands: Vec<String>,
    /// What happens after the next command of that name.
    afterwards: Option<(String, Afterwards)>,
}

/// Runs commands inside a [`FakeRedis`], without a connection.
pub struct Commands<'a>(&'a mut Data);

/// What a test lets happen in between.
type Afterwards = Box<dyn FnOnce(&mut Commands<'_>) + Send>;

impl Commands<'_> {
    /// Runs one command; its parts are separated by single blanks.
    pub fn run(&mut self, command: &str) {
        let words: Vec<_> = command.split(' ').map(|word| word.as_bytes().to_vec()).collect();
        commands::run(self.0, 0, &words);
    }
}

impl FakeRedis {
    /// Starts one on a free port of the loopback address.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let mut tasks = JoinSet::new();
        let accepting = shared.clone();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                // Without that each answer to a pipeline waits for the one before to be acknowledged.
                let _ = stream.set_nodelay(true);
                connections.spawn(connection::serve(accepting.clone(), stream));
            }
        });
        Ok(Self { shared, _listener: Arc::new(tasks), address })
    }

    /// Creates one without a socket: only [`FakeRedis::transport`] leads there.
    #[must_use]
    pub fn in_memory() -> Self {
        Self::over(Shared::default())
    }

    /// Returns another way to the same data, without a socket. What is wrong with one is not wrong with the other.
    #[must_use]
    pub fn another_way(&self) -> Self {
        let (data, changed) = (Arc::clone(&self.shared.data), Arc::clone(&self.shared.changed));
        Self::over(Shared { data, changed, settings: Mutex::default() })
    }

    fn over(shared: Shared) -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self { shared: Arc::new(shared), _listener: Arc::default(), address }
    }

    /// Runs one command without a connection, whatever is wrong with those.
    pub fn run(&self, words: &[&[u8]]) {
        let words: Vec<_> = words.iter().map(|word| word.to_vec()).collect();
        commands::run(&mut self.shared.data(), 0, &words);
        self.shared.changed.notify_waiters();
    }

    /// Returns a copy of all that is in it.
    #[must_use]
    pub fn copy(&self) -> Copy {
        Copy(self.shared.data().clone())
    }

    /// Goes back to what was in it then, as a replica that had not received the rest and was made the primary. Its clock
    /// does not go back.
    pub fn restore(&self, copy: &Copy) {
        let mut data = self.shared.data();
        let (milliseconds, seconds_passed) = (data.milliseconds, data.seconds_passed);
        *data = Data { milliseconds, seconds_passed, ..copy.0.clone() };
        drop(data);
        self.shared.changed.notify_waiters();
    }

    /// Loses the newest `count` entries of a stream, as a Redis does that wrote them to its disk too late.
    pub fn lose_newest_entries(&self, stream: &str, count: usize) {
        commands::lose_newest_entries(&mut self.shared.data(), stream, count);
        self.shared.changed.notify_waiters();
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> RedisAddress {
        RedisAddress::from_host(&self.address.ip().to_string(), self.address.port())
    }

    /// The port it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Reaches it without sockets.
    #[must_use]
    pub fn transport(&self) -> Arc<dyn Transport> {
        Arc::new(self.clone())
    }

    /// From now on this is wrong, for connections that are open, too.
    pub fn set_fault(&self, fault: Fault) {
        self.shared.settings().fault = fault;
        self.shared.changed.notify_waiters();
    }

    /// Closes every open connection once; new ones work.
    pub fn drop_connections(&self) {
        let mut settings = self.shared.settings();
        settings.closed_up_to = settings.connections;
        drop(settings);
        self.shared.changed.notify_waiters();
    }

    /// Connections that are open now refuse to write from now on, as those to a primary that was demoted.
    pub fn demote_open_connections(&self) {
        let mut settings = self.shared.settings();
        settings.read_only_up_to = settings.connections;
    }

    /// All connections, also new ones, refuse to write from now on.
    pub fn demote(&self) {
        self.shared.settings().read_only_up_to = u64::MAX;
    }

    /// All connections may write again.
    pub fn promote(&self) {
        self.shared.settings().read_only_up_to = 0;
    }

    /// From now on the command `name` (in upper case, or [`EVERY_COMMAND`]) is refused with this error, also in
    /// transactions.
    pub fn refuse(&self, name: &str, error: &str) {
        self.shared.settings().refused = Some((name.to_owned(), error.to_owned()));
    }

    /// Refuses nothing any more.
    pub fn refuse_nothing(&self) {
        self.shared.settings().refused = None;
    }

    /// From now on it is a sentinel, which says that `primary` is the primary called `name`.
    pub fn name_primary(&self, name: &str, primary: &Self) {
        self.name_primary_at(name, primary.port());
    }

    /// As [`FakeRedis::name_primary`], with the port of something in front of it.
    pub fn name_primary_at(&self, name: &str, port: u16) {
        self.shared.settings().watched = Some((name.to_owned(), port));
    }

    /// Sets its clock forward, which stands still by itself.
    pub fn let_seconds_pass(&self, seconds: u64) {
        self.shared.data().seconds_passed += seconds;
    }

    /// Connections must give this password first.
    pub fn require_password(&self, password: &str) {
        self.shared.settings().password = Some(password.to_owned());
    }

    /// After the next command `name` (a name in upper case; `EXEC` for a transaction), as if somebody else came in between.
    pub fn after(&self, name: &str, then: impl FnOnce(&mut Commands<'_>) + Send + 'static) {
        self.shared.settings().afterwards = Some((name.to_owned(), Box::new(then)));
    }

    /// The names of the commands that came so far, oldest first; forgets them.
    pub fn take_commands(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.settings().commands)
    }

    /// How many connections were opened so far.
    #[must_use]
    pub fn connections_opened(&self) -> u64 {
        self.shared.settings().connections
    }
}

#[async_trait]
impl Transport for FakeRedis {
    async fn open(&self) -> io::Result<Box<dyn ByteStream>> {
        let (near, far) = duplex(DUPLEX_BYTES_MAX);
        tokio::spawn(connection::serve(self.shared.clone(), far));
        Ok(Box::new(near))
    }
}

impl Shared {
    fn data(&self) -> MutexGuard<'_, Data> {
        self.data.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn settings(&self) -> MutexGuard<'_, Settings> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns once the settings are so.
    async fn until(&self, is_so: impl Fn(&Settings) -> bool) {
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            if is_so(&self.settings()) {
                return;
            }
            changed.await;
        }
    }
}
