//! Does the service keep running and stop properly, whatever happens to its log?

use std::fs::{File, OpenOptions};
use std::io::{PipeReader, Read, pipe};
use std::net::TcpListener;
use std::process::Stdio;

use adapters::testing::fake_redis::FakeRedis;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{Meeting, Process, secret_file, with_redis, within};

/// Fewer bytes than a pipe holds, and more than what is logged before the test begins.
const PIPE_BYTES_MIN: usize = 32 * 1024;

/// A service on a meeting, with its log redirected.
struct Fixture {
    process: Process,
    meeting: Meeting,
    _redis: FakeRedis,
}

impl Fixture {
    /// Starts it with this log, after running `setup` in the shell. It logs every request.
    async fn start(setup: &str, log: impl Into<Stdio>) -> Self {
        let redis = FakeRedis::start().await.expect("a port");
        let meeting = Meeting::start(&redis.address()).await;
        let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let (port, secret) = (redis.port().to_string(), secret_file());
        let more = [("LOG_LEVEL", "debug"), ("LOG_FORMAT", "json"), ("DRAIN_SECONDS", "0")];
        let variables = with_redis(&port, &secret, &more);
        let process = Process::start_unheard(&socket, setup, &[], &variables, (Stdio::null(), log.into()));
        process.browser().until_healthy().await;
        Self { process, meeting, _redis: redis }
    }

    /// Checks that a stream continues and new clients are served, while `meanwhile` runs.
    async fn goes_on(&mut self, meanwhile: impl AsyncFnOnce(&Process)) {
        let mut watcher = self.process.browser().watch().await;
        watcher.line().await.expect("everything");
        meanwhile(&self.process).await;
        let motion = self.meeting.with("motions/motion:1", json!({"title": "changed"}));
        self.meeting.change(&[("motions/motion:1", motion)]).await;
        let change_id = self.meeting.mark().await;
        watcher.until(change_id).await;
        watcher.check(&self.meeting.view(0), "anonymous");
        assert_eq!(self.process.browser().health().await.0, 200);
    }

    /// Checks that it stops properly.
    async fn ends(mut self) {
        self.process.signal("TERM").await;
        assert_eq!(self.process.status().await, Some(0));
    }
}

/// Sends `count` health requests and waits for all answers. Each request is a line in the log.
async fn ask(process: &Process, count: usize) {
    let mut stream = TcpStream::connect(("127.0.0.1", process.port)).await.expect("it listens");
    let request = "GET /system/health HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let last = "GET /system/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let (mut answers, mut requests) = stream.split();
    let mut text = String::new();
    let requests = async {
        requests.write_all(request.repeat(count - 1).as_bytes()).await.expect("written");
        requests.write_all(last.as_bytes()).await.expect("written");
    };
    let answers = async { answers.read_to_string(&mut text).await.expect("text") };
    within("all answers", async { tokio::join!(requests, answers) }).await;
    assert_eq!(text.matches("HTTP/1.1 200 OK").count(), count);
}

fn full_disk() -> File {
    OpenOptions::new().write(true).open("/dev/full").expect("/dev/full")
}

/// Reads lines until one contains `text`; returns that line.
async fn read_until(mut log: PipeReader, text: &'static str) -> (Value, PipeReader) {
    let reading = tokio::task::spawn_blocking(move || {
        let mut line = Vec::new();
        loop {
            let mut byte = [0];
            log.read_exact(&mut byte).expect("the program logs");
            line.extend(byte);
            if byte == *b"\n" {
                let whole = String::from_utf8(std::mem::take(&mut line)).expect("UTF-8");
                if whole.contains(text) {
                    return (serde_json::from_str(&whole).expect(&whole), log);
                }
            }
        }
    });
    within(text, reading).await.expect("no panic")
}

#[tokio::test]
async fn a_log_on_a_full_disk() {
    let mut service = Fixture::start("", full_disk()).await;
    service.goes_on(async |process| ask(process, 10).await).await;
    service.ends().await;
}

#[tokio::test]
async fn a_log_that_reaches_the_maximum_file_size() {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("limited.log");
    let log = File::create(&path).expect("a file");
    let mut service = Fixture::start("ulimit -f 4", log).await;
    service.goes_on(async |process| ask(process, 100).await).await;
    let length = std::fs::metadata(&path).expect("a file").len();
    // The shell counts in blocks of 512 or 1,024 bytes.
    assert!(length == 4 * 512 || length == 4 * 1024, "{length}");
    service.ends().await;
}

#[tokio::test]
async fn a_log_whose_reader_ends() {
    let (log, writer) = pipe().expect("a pipe");
    let mut service = Fixture::start("", writer).await;
    let (_, log) = read_until(log, "\"listening\"").await;
    service
        .goes_on(async |process| {
            drop(log);
            ask(process, 10).await;
        })
        .await;
    service.ends().await;
}

#[tokio::test]
async fn a_log_whose_reader_stops_reading() {
    let (mut log, writer) = pipe().expect("a pipe");
    let mut service = Fixture::start("", writer).await;
    service.goes_on(async |process| ask(process, 2_000).await).await;
    service.ends().await;
    let mut text = String::new();
    log.read_to_string(&mut text).expect("text");
    assert!(text.len() > PIPE_BYTES_MIN && !text.contains("\"stopped\""), "the pipe was full: {} bytes", text.len());
}

#[tokio::test]
async fn a_log_whose_reader_resumes_says_how_much_is_missing() {
    let (log, writer) = pipe().expect("a pipe");
    let mut service = Fixture::start("", writer).await;
    // More lines than the pipe and the queue hold.
    service.goes_on(async |process| ask(process, 8_000).await).await;
    let (notice, log) = read_until(log, "log lines were dropped").await;
    assert!(notice["lines"].as_u64().is_some_and(|lines| lines > 0), "{notice}");
    ask(&service.process, 1).await;
    let (line, log) = read_until(log, "answered a request").await;
    assert_eq!(line["status"], 200, "{line}");
    // If the log is read, the queue is written out completely.
    let end = tokio::spawn(read_until(log, "\"stopped\""));
    service.ends().await;
    end.await.expect("the last line");
}

/// Checks that the demo runs with this standard output, where its greeting goes.
async fn check_demo(output: impl Into<Stdio>) {
    let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let streams = (output.into(), full_disk().into());
    let mut demo = Process::start_unheard(&socket, "", &["demo"], &[("DRAIN_SECONDS", "0")], streams);
    demo.browser().until_healthy().await;
    demo.signal("TERM").await;
    assert_eq!(demo.status().await, Some(0));
}

#[tokio::test]
async fn a_demo_whose_greeting_cannot_be_written() {
    check_demo(full_disk()).await;
    let (reader, writer) = pipe().expect("a pipe");
    drop(reader);
    check_demo(writer).await;
    let (sender, _reader) = tokio::net::unix::pipe::pipe().expect("a pipe");
    sender.writable().await.expect("an empty pipe");
    while sender.try_write(&[b'x'; 4096]).is_ok() {}
    check_demo(sender.into_blocking_fd().expect("a descriptor")).await;
}
