//! How does a test run the real program?

use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsFd;
use std::process::{Output, Stdio};
use std::sync::LazyLock;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use super::{Browser, Protocol, SECRET, within};

/// The path of the program: the one that Cargo built for the tests, or another one that is to be measured.
static PROGRAM: LazyLock<String> = LazyLock::new(|| {
    std::env::var("AUTOUPDATE_PROGRAM").unwrap_or_else(|_| env!("CARGO_BIN_EXE_autoupdate").to_owned())
});

/// A running program. Killed when dropped.
pub(crate) struct Process {
    child: Child,
    log: mpsc::UnboundedReceiver<String>,
    output: mpsc::UnboundedReceiver<String>,
    /// Everything read from the log so far.
    pub(crate) logged: Vec<String>,
    pub(crate) port: u16,
}

/// A command with these arguments and environment variables, and no others except `PATH`.
fn command(program: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(variables.iter().copied()).kill_on_drop(true);
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

/// A command that runs `setup` in a shell, then the program with an inherited socket (`LISTEN_FDS`).
fn command_on(socket: &impl AsFd, setup: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    // The program keeps the shell's process id.
    let script = format!("{setup}\nexec 3<&0 0</dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec {} \"$@\"", *PROGRAM);
    let mut command = command("/bin/sh", &[&["-c", &script, "sh"], arguments].concat(), variables);
    command.stdin(socket.as_fd().try_clone_to_owned().expect("a socket"));
    command
}

/// Runs the program to its end.
pub(crate) async fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let output = command(&PROGRAM, arguments, variables).stdin(Stdio::null()).output();
    within("the end of the program", output).await.expect("the program starts")
}

/// Runs the program to its end with a standard output whose reader has left.
pub(crate) async fn run_unread(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let (reader, output) = std::io::pipe().expect("a pipe");
    drop(reader);
    let program =
        command(&PROGRAM, arguments, variables).stdin(Stdio::null()).stdout(output).stderr(Stdio::piped()).spawn();
    let end = program.expect("the program starts").wait_with_output();
    within("the end of the program", end).await.expect("it ends")
}

/// A command that runs the program with a limit of open files. The program keeps the shell's process id.
fn command_within(open_files: usize, arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let script = format!("ulimit -n {open_files}; exec {} \"$@\"", *PROGRAM);
    command("/bin/sh", &[&["-c", &script, "sh"], arguments].concat(), variables)
}

/// Runs the program to its end with a limit of open files.
pub(crate) async fn run_within(open_files: usize, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let output = command_within(open_files, arguments, variables).stdin(Stdio::null()).output();
    within("the end of the program", output).await.expect("the program starts")
}

/// Environment variables that point the program to the Redis on `port`, followed by `more`.
pub(crate) fn with_redis<'a>(port: &'a str, secret: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut variables = vec![("MESSAGE_BUS_HOST", "127.0.0.1"), ("MESSAGE_BUS_PORT", port), ("SECRET_FILE", secret)];
    variables.extend(more);
    variables
}

/// The path of a file with the secret of the tests, shared by all.
pub(crate) fn secret_file() -> String {
    // Written only once: otherwise the program of another test might read it while it is empty.
    static FILE: LazyLock<String> = LazyLock::new(|| {
        let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("secret-of-the-tests");
        std::fs::write(&path, format!("DJANGO_SECRET_KEY='{SECRET}'\n")).expect("a file");
        path.to_str().expect("UTF-8").to_owned()
    });
    FILE.clone()
}

impl Process {
    /// Starts the program on a port of the system's choice, and waits until it listens.
    pub(crate) async fn start(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = command(&PROGRAM, arguments, variables);
        command.stdin(Stdio::null()).env("AUTOUPDATE_PORT", "0").env("AUTOUPDATE_HOST", "127.0.0.1");
        Self::listening(command).await
    }

    /// Starts the program on the Redis at this port, with a limit of open files.
    pub(crate) async fn serve_within(open_files: usize, redis_port: u16, variables: &[(&str, &str)]) -> Self {
        let (port, secret) = (redis_port.to_string(), secret_file());
        let mut command = command_within(open_files, &[], &with_redis(&port, &secret, variables));
        command.stdin(Stdio::null()).env("AUTOUPDATE_PORT", "0").env("AUTOUPDATE_HOST", "127.0.0.1");
        Self::listening(command).await
    }

    /// Starts the program with only these variables; they decide where it listens.
    pub(crate) async fn start_at(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = command(&PROGRAM, arguments, variables);
        command.stdin(Stdio::null());
        Self::listening(command).await
    }

    /// Starts the program like a service manager that passes it a socket (`LISTEN_FDS`).
    pub(crate) async fn start_on(socket: &impl AsFd, redis_port: u16) -> Self {
        let (port, secret) = (redis_port.to_string(), secret_file());
        Self::listening(command_on(socket, "", &[], &with_redis(&port, &secret, &[]))).await
    }

    /// Starts the program on this socket, after running `setup` in the shell. Standard output and log go where the test
    /// wants them, so this type sees nothing of them.
    pub(crate) fn start_unheard(
        socket: &TcpListener,
        setup: &str,
        arguments: &[&str],
        variables: &[(&str, &str)],
        (output, log): (Stdio, Stdio),
    ) -> Self {
        let mut command = command_on(socket, setup, arguments, variables);
        let child = command.stdout(output).stderr(log).spawn().expect("the program starts");
        let port = socket.local_addr().expect("bound").port();
        let (_, log) = mpsc::unbounded_channel();
        let (_, output) = mpsc::unbounded_channel();
        Self { child, log, output, logged: Vec::new(), port }
    }

    /// Starts the program on the Redis at this port of the loopback address, with the secret of the tests.
    pub(crate) async fn serve(redis_port: u16, variables: &[(&str, &str)]) -> Self {
        Self::start(&[], &with_redis(&redis_port.to_string(), &secret_file(), variables)).await
    }

    async fn listening(mut command: Command) -> Self {
        command.env("LOG_FORMAT", "json").stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let log = lines(child.stderr.take().expect("piped"));
        let output = lines(child.stdout.take().expect("piped"));
        let mut process = Self { child, log, output, logged: Vec::new(), port: 0 };
        let listening = process.until_logged("\"message\":\"listening\"").await;
        // The addresses look like `[127.0.0.1:40123]`; a Unix socket has no port.
        let addresses = listening["addresses"].as_str().expect("addresses");
        let port = addresses.trim_end_matches(']').rsplit(':').next().and_then(|port| port.parse().ok());
        process.port = port.unwrap_or(0);
        process
    }

    /// Waits for a line of the log that contains `text`, and returns it.
    pub(crate) async fn until_logged(&mut self, text: &str) -> Value {
        loop {
            let line = within(&format!("`{text}` in the log"), self.log.recv()).await;
            let line = line.unwrap_or_else(|| panic!("the program ended without `{text}`: {:#?}", self.logged));
            self.logged.push(line.clone());
            if line.contains(text) {
                return serde_json::from_str(&line).expect("a line of the log is JSON");
            }
        }
    }

    /// The next line of its standard output.
    pub(crate) async fn output_line(&mut self) -> Option<String> {
        within("a line of output", self.output.recv()).await
    }

    /// Creates a client without a session.
    pub(crate) fn browser(&self) -> Browser {
        self.speaking(Protocol::Http1)
    }

    /// Creates a client with this protocol.
    pub(crate) fn speaking(&self, protocol: Protocol) -> Browser {
        Browser::new(SocketAddr::from(([127, 0, 0, 1], self.port)), protocol)
    }

    /// Returns its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// Sends it a signal, such as `TERM`.
    pub(crate) async fn signal(&self, name: &str) {
        let id = self.id().to_string();
        let status = Command::new("sh").args(["-c", "kill -\"$0\" \"$1\"", name, &id]).status().await;
        assert!(status.expect("sh").success());
    }

    /// Waits for its end; returns the exit status.
    pub(crate) async fn status(&mut self) -> Option<i32> {
        let status = within("the end of the program", self.child.wait()).await.expect("a status").code();
        // Reads the rest of the log, so that `logged` is complete.
        while let Some(line) = within("the end of the log", self.log.recv()).await {
            self.logged.push(line);
        }
        status
    }
}

/// The lines that a program writes. They are read continuously, so that it never blocks on the test.
fn lines(pipe: impl AsyncRead + Send + Unpin + 'static) -> mpsc::UnboundedReceiver<String> {
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut lines = BufReader::new(pipe).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            // If the test no longer reads, the program must still be able to write.
            let _ = sender.send(line);
        }
    });
    receiver
}
