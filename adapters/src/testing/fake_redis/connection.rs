//! How does the fake Redis serve one connection?

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, BufReader, split};
use tokio::time::{Instant, sleep, timeout_at};

use super::commands::{adds_entries, block_milliseconds, name, run, writes};
use super::resp::{Reply, read_command};
use super::{Commands, EVERY_COMMAND, Fault, Shared};

/// Serves until the client disconnects or a fault closes the connection.
pub(super) async fn serve(shared: Arc<Shared>, stream: impl AsyncRead + AsyncWrite) {
    let mut connection = FakeConnection::new(shared.clone());
    let number = connection.number;
    tokio::select! {
        // Polled in a fixed order, so that a simulation can be repeated.
        biased;
        () = shared.until(|settings| settings.fault == Fault::Closed || number <= settings.closed_up_to) => {}
        // Errors need no handling: the client sees a closed connection.
        _ = connection.serve(stream) => {}
    }
}

const EXEC_ABORT: &str = "EXECABORT Transaction discarded because of previous errors.";

struct FakeConnection {
    shared: Arc<Shared>,
    number: u64,
    database: i64,
    may_pass: bool,
    /// The queued commands of an open transaction.
    queue: Option<Vec<Vec<Vec<u8>>>>,
    /// A command of the transaction was refused.
    is_aborted: bool,
}

impl FakeConnection {
    fn new(shared: Arc<Shared>) -> Self {
        let mut settings = shared.settings();
        settings.connections += 1;
        let (number, may_pass) = (settings.connections, settings.password.is_none());
        drop(settings);
        Self { shared, number, database: 0, may_pass, queue: None, is_aborted: false }
    }

    async fn serve(&mut self, stream: impl AsyncRead + AsyncWrite) -> io::Result<()> {
        let (reader, mut writer) = split(stream);
        let mut reader = BufReader::new(reader);
        let mut out = Vec::new();
        while let Some(words) = read_command(&mut reader).await? {
            self.until_it_answers().await;
            let reply = self.answer(&words).await;
            self.until_it_answers().await;
            reply.write(&mut out);
            // Answers to pipelined commands are sent together.
            if reader.buffer().is_empty() {
                let fault = self.shared.settings().fault;
                match fault {
                    Fault::Late(time) => sleep(time).await,
                    Fault::Half => {
                        let half = out.len() / 2;
                        return writer.write_all(&out[..half]).await;
                    }
                    Fault::None | Fault::Closed | Fault::Stalled => {}
                }
                writer.write_all(&out).await?;
                out.clear();
            }
        }
        Ok(())
    }

    async fn until_it_answers(&self) {
        self.shared.until(|settings| settings.fault != Fault::Stalled).await;
    }

    async fn answer(&mut self, words: &[Vec<u8>]) -> Reply {
        let name = name(words);
        self.shared.settings().commands.push(name.clone());
        if let Some((_, error)) =
            self.shared.settings().refused.clone().filter(|(refused, _)| *refused == name || refused == EVERY_COMMAND)
        {
            self.is_aborted = true;
            return Reply::Error(error);
        }
        let reply = match name.as_str() {
            "AUTH" => self.log_in(words),
            _ if !self.may_pass => Reply::Error("NOAUTH Authentication required.".to_owned()),
            "SELECT" => match words.get(1).and_then(|word| String::from_utf8_lossy(word).parse().ok()) {
                Some(database) => {
                    self.database = database;
                    Reply::OK
                }
                None => Reply::Error("ERR invalid DB index".to_owned()),
            },
            "CLIENT" | "UNWATCH" => Reply::OK,
            "ROLE" => self.role(),
            "SENTINEL" => self.watched(words),
            "HELLO" => Reply::Error("ERR unknown command 'HELLO'".to_owned()),
            "MULTI" => {
                self.queue = Some(Vec::new());
                self.is_aborted = false;
                Reply::OK
            }
            "EXEC" => match self.queue.take() {
                Some(_) if self.is_aborted => Reply::Error(EXEC_ABORT.to_owned()),
                Some(commands) => self.execute(commands),
                None => Reply::Error("ERR EXEC without MULTI".to_owned()),
            },
            _ => match &mut self.queue {
                Some(queue) => {
                    queue.push(words.to_vec());
                    Reply::Simple("QUEUED")
                }
                None => self.run_or_wait(words).await,
            },
        };
        self.let_happen_after(&name);
        reply
    }

    fn role(&self) -> Reply {
        let settings = self.shared.settings();
        match &settings.watched {
            Some((name, _)) => Reply::Array(vec![bulk("sentinel"), Reply::Array(vec![bulk(name)])]),
            None if settings.read_only_up_to == u64::MAX => {
                let primary =
                    [bulk("slave"), bulk("127.0.0.1"), Reply::Integer(0), bulk("connected"), Reply::Integer(0)];
                Reply::Array(primary.to_vec())
            }
            None => Reply::Array(vec![bulk("master"), Reply::Integer(0), Reply::Array(vec![])]),
        }
    }

    /// Answers `SENTINEL MASTERS` with name and address; knows no other subcommand.
    fn watched(&self, words: &[Vec<u8>]) -> Reply {
        let settings = self.shared.settings();
        match (&settings.watched, words.get(1)) {
            (Some((name, port)), Some(word)) if word.eq_ignore_ascii_case(b"MASTERS") => {
                let port = port.to_string();
                let fields = ["name", name, "ip", "127.0.0.1", "port", &port, "flags", "master"];
                Reply::Array(vec![Reply::Array(fields.map(bulk).to_vec())])
            }
            _ => Reply::Error("ERR unknown command 'SENTINEL'".to_owned()),
        }
    }

    fn log_in(&mut self, words: &[Vec<u8>]) -> Reply {
        let password = self.shared.settings().password.clone();
        self.may_pass = password.is_some_and(|password| words.last().is_some_and(|word| word == password.as_bytes()));
        if self.may_pass { Reply::OK } else { Reply::Error("WRONGPASS invalid username-password pair".to_owned()) }
    }

    fn execute(&self, commands: Vec<Vec<Vec<u8>>>) -> Reply {
        if commands.iter().any(|words| self.refuses(words)) {
            return Reply::Error(EXEC_ABORT.to_owned());
        }
        let mut data = self.shared.data();
        let replies = commands.iter().map(|words| run(&mut data, self.database, words)).collect();
        drop(data);
        if commands.iter().any(|words| adds_entries(words)) {
            self.shared.changed.notify_waiters();
        }
        Reply::Array(replies)
    }

    async fn run_or_wait(&self, words: &[Vec<u8>]) -> Reply {
        if self.refuses(words) {
            return Reply::Error("READONLY You can't write against a read only replica.".to_owned());
        }
        let end = block_milliseconds(words).map(|milliseconds| Instant::now() + Duration::from_millis(milliseconds));
        loop {
            let mut changed = pin!(self.shared.changed.notified());
            changed.as_mut().enable();
            let reply = run(&mut self.shared.data(), self.database, words);
            match end {
                Some(end) if reply == Reply::NilArray => {
                    if timeout_at(end, changed).await.is_err() {
                        return reply;
                    }
                }
                _ => {
                    if adds_entries(words) {
                        self.shared.changed.notify_waiters();
                    }
                    return reply;
                }
            }
        }
    }

    fn refuses(&self, words: &[Vec<u8>]) -> bool {
        self.number <= self.shared.settings().read_only_up_to && writes(&name(words))
    }

    fn let_happen_after(&self, name: &str) {
        let afterwards = self.shared.settings().afterwards.take_if(|(awaited, _)| awaited == name);
        if let Some((_, then)) = afterwards {
            then(&mut Commands(&mut self.shared.data()));
            self.shared.changed.notify_waiters();
        }
    }
}

fn bulk(text: &str) -> Reply {
    Reply::Bulk(text.as_bytes().to_vec())
}
