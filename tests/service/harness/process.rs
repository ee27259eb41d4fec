//! How is the real program run by a test?

use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsFd;
use std::process::{Output, Stdio};
use std::sync::LazyLock;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use super::{Browser, Protocol, SECRET, within};

/// The path of the program: the one that Cargo built for the tests, or another one, to measure it.
static PROGRAM: LazyLock<String> = LazyLock::new(|| {
    std::env::var("AUTOUPDATE_PROGRAM").unwrap_or_else(|_| env!("CARGO_BIN_EXE_autoupdate").to_owned())
});

/// The program while it runs. Killed when dropped.
pub(crate) struct Process {
    child: Child,
    log: mpsc::UnboundedReceiver<String>,
    output: mpsc::UnboundedReceiver<String>,
    /// All that was logged so far.
    pub(crate) logged: Vec<String>,
    pub(crate) port: u16,
}

/// A program with these arguments and variables, and no others.
fn command(program: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(variables.iter().copied()).kill_on_drop(true);
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

/// A program that a socket is handed in to (`LISTEN_FDS`), after `setup` was run by the shell.
fn command_on(socket: &impl AsFd, setup: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    // The shell's process id stays that of the program.
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

/// The program where the system allows it so many open files. The shell's process id stays that of the program.
fn command_within(open_files: usize, arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let script = format!("ulimit -n {open_files}; exec {} \"$@\"", *PROGRAM);
    command("/bin/sh", &[&["-c", &script, "sh"], arguments].concat(), variables)
}

/// Runs the program to its end, where the system allows it so many open files.
pub(crate) async fn run_within(open_files: usize, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let output = command_within(open_files, arguments, variables).stdin(Stdio::null()).output();
    within("the end of the program", output).await.expect("the program starts")
}

/// The variables of a program on this Redis.
pub(crate) fn with_redis<'a>(port: &'a str, secret: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut variables = vec![("MESSAGE_BUS_HOST", "127.0.0.1"), ("MESSAGE_BUS_PORT", port), ("SECRET_FILE", secret)];
    variables.extend(more);
    variables
}

/// A file with the secret of the tests; one for all of them, written once: a program may be reading it.
pub(crate) fn secret_file() -> String {
    // Written once: another test's program would read the file while it is empty.
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

    /// Starts the program on the Redis at this port, where the system allows it so many open files.
    pub(crate) async fn serve_within(open_files: usize, redis_port: u16, variables: &[(&str, &str)]) -> Self {
        let (port, secret) = (redis_port.to_string(), secret_file());
        let mut command = command_within(open_files, &[], &with_redis(&port, &secret, variables));
        command.stdin(Stdio::null()).env("AUTOUPDATE_PORT", "0").env("AUTOUPDATE_HOST", "127.0.0.1");
        Self::listening(command).await
    }

    /// Starts the program with just these variables, on whatever they say.
    pub(crate) async fn start_at(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = command(&PROGRAM, arguments, variables);
        command.stdin(Stdio::null());
        Self::listening(command).await
    }

    /// Starts the program as a service manager does that hands in a socket (`LISTEN_FDS`).
    pub(crate) async fn start_on(socket: &impl AsFd, redis_port: u16) -> Self {
        let (port, secret) = (redis_port.to_string(), secret_file());
        Self::listening(command_on(socket, "", &[], &with_redis(&port, &secret, &[]))).await
    }

    /// Starts the program on this socket, with its standard output and its log where the test wants them, so that nothing
    /// of them is heard here. `setup` is run by the shell before.
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
        // As in `[127.0.0.1:40123]`; a Unix socket has none.
        let addresses = listening["addresses"].as_str().expect("addresses");
        let port = addresses.trim_end_matches(']').rsplit(':').next().and_then(|port| port.parse().ok());
        process.port = port.unwrap_or(0);
        process
    }

    /// Waits for a line of the log that holds `text`.
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

    /// A client without a session.
    pub(crate) fn browser(&self) -> Browser {
        self.speaking(Protocol::Http1)
    }

    /// A client of this protocol.
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

    /// Waits for its end; gives its exit status.
    pub(crate) async fn status(&mut self) -> Option<i32> {
        let status = within("the end of the program", self.child.wait()).await.expect("a status").code();
        // Whoever looks at the log afterwards sees all of it.
        while let Some(line) = within("the end of the log", self.log.recv()).await {
            self.logged.push(line);
        }
        status
    }
}

/// The lines that a program writes; read all the time, so that it never waits for the test.
fn lines(pipe: impl AsyncRead + Send + Unpin + 'static) -> mpsc::UnboundedReceiver<String> {
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut lines = BufReader::new(pipe).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            // A test that does not look any more does not keep the program from writing.
            let _ = sender.send(line);
        }
    });
    receiver
}
