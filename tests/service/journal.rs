//! Does the journal of systemd learn how grave each line is, and only the journal? (docs/OPERATIONS.md, With systemd)

use std::fs::File;
use std::io::{BufRead, BufReader, PipeReader, pipe};
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::process::Stdio;

use tokio::sync::mpsc;

use crate::harness::{Process, run, secret_file, with_redis, within};

/// Returns a log to read and to write, and how `JOURNAL_STREAM` names it.
fn journal() -> (PipeReader, Stdio, String) {
    let (log, writer) = pipe().expect("a pipe");
    let file = File::from(OwnedFd::from(writer.try_clone().expect("a descriptor")));
    let metadata = file.metadata().expect("it is open");
    (log, writer.into(), format!("{}:{}", metadata.dev(), metadata.ino()))
}

/// Starts the program with these variables and a Redis that does not exist, stops it once it complains, and returns
/// what it logged to its journal.
async fn logged(variables: &[(&str, &str)]) -> Vec<String> {
    let (log, writer, stream) = journal();
    let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let secret = secret_file();
    let more = [&[("JOURNAL_STREAM", stream.as_str()), ("DRAIN_SECONDS", "0")], variables].concat();
    let output = (Stdio::null(), writer);
    // Nobody listens on port 1.
    let mut process = Process::start_unheard(&socket, "", &[], &with_redis("1", &secret, &more), output);
    let (heard, mut hearing) = mpsc::unbounded_channel();
    let reading = tokio::task::spawn_blocking(move || {
        for line in BufReader::new(log).lines() {
            let _ = heard.send(line.expect("UTF-8"));
        }
    });
    let mut lines = Vec::new();
    let complaint = async {
        while !lines.last().is_some_and(|line: &String| line.contains("WARN")) {
            lines.push(hearing.recv().await.expect("it complains"));
        }
    };
    within("a complaint", complaint).await;
    process.signal("TERM").await;
    assert_eq!(process.status().await, Some(0));
    within("the end of the log", reading).await.expect("no panic");
    while let Some(line) = hearing.recv().await {
        lines.push(line);
    }
    lines
}

/// Returns the priority at the beginning of a line, and the rest.
#[track_caller]
fn priority(line: &str) -> (&str, &str) {
    line.strip_prefix('<').and_then(|line| line.split_once('>')).expect(line)
}

#[tokio::test]
async fn each_line_begins_with_its_priority_and_has_no_time() {
    let lines = logged(&[]).await;
    for line in &lines {
        let (priority, rest) = priority(line);
        let level = rest.split_whitespace().next();
        assert!(matches!((priority, level), ("4", Some("WARN")) | ("6", Some("INFO"))), "{line}");
    }
    assert!(lines.iter().any(|line| line.starts_with("<6>")), "{lines:?}");
}

#[tokio::test]
async fn objects_come_after_their_priority() {
    for line in logged(&[("LOG_FORMAT", "json")]).await {
        let (priority, rest) = priority(&line);
        let object: serde_json::Value = serde_json::from_str(rest).expect(&line);
        let expected = if object["level"] == "WARN" { "4" } else { "6" };
        assert_eq!(priority, expected, "{line}");
    }
}

#[tokio::test]
async fn the_reason_why_the_program_ends_is_an_error() {
    let (log, writer, stream) = journal();
    let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let variables = [("JOURNAL_STREAM", stream.as_str()), ("DRAIN_SECONDS", "soon")];
    let mut process = Process::start_unheard(&socket, "", &[], &variables, (Stdio::null(), writer));
    assert_eq!(process.status().await, Some(2));
    let lines: Vec<String> = BufReader::new(log).lines().map(|line| line.expect("UTF-8")).collect();
    assert!(!lines.is_empty() && lines.iter().all(|line| line.starts_with("<3>")), "{lines:?}");
    assert!(lines.concat().contains("DRAIN_SECONDS"), "{lines:?}");
}

/// As for a program that a service starts, whose output that service reads.
#[tokio::test]
async fn another_log_has_no_priorities() {
    let (_log, _writer, stream) = journal();
    let output = run(&[], &[("JOURNAL_STREAM", &stream), ("DRAIN_SECONDS", "soon")]).await;
    let text = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(text.contains("DRAIN_SECONDS") && !text.contains("<3>"), "{text}");
}
