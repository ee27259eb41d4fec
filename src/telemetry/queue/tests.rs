//! Are lines written, and lost ones counted and reported?

use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, Sender, channel};

use super::*;

/// Far longer than anything here takes; it only keeps a failing test from running for ever.
const WAIT: Duration = Duration::from_secs(60);

/// A disk that may be full, and passes on everything that is written.
struct Disk {
    is_full: Arc<AtomicBool>,
    /// How many bytes the next write writes, if not all.
    room: Option<usize>,
    written: Sender<Vec<u8>>,
}

impl Disk {
    fn new() -> (Self, Arc<AtomicBool>, Receiver<Vec<u8>>) {
        let (sender, written) = channel();
        let is_full = Arc::<AtomicBool>::default();
        (Self { is_full: Arc::clone(&is_full), room: None, written: sender }, is_full, written)
    }
}

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = match self.room.take() {
            Some(room) => room,
            None if self.is_full.load(Ordering::SeqCst) => return Err(io::ErrorKind::StorageFull.into()),
            None => bytes.len(),
        };
        let _ = self.written.send(bytes[..length].to_vec());
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A log that signals when a write begins, and blocks it until the test lets go.
struct Blocked {
    begins: Sender<()>,
    goes_on: Receiver<()>,
    out: Disk,
}

impl Write for Blocked {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.begins.send(());
        // Once the test drops the sender, writes no longer block.
        let _ = self.goes_on.recv();
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn notice(lost: u64) -> Vec<u8> {
    format!("lost {lost}\n").into_bytes()
}

/// Reads what is written, up to `lines` lines.
#[track_caller]
fn read(written: &Receiver<Vec<u8>>, lines: usize) -> String {
    let mut text = String::new();
    while text.matches('\n').count() < lines {
        let bytes = written.recv_timeout(WAIT).unwrap_or_else(|_| panic!("no more lines after {text:?}"));
        text.push_str(std::str::from_utf8(&bytes).expect("UTF-8"));
    }
    text
}

#[test]
fn what_cannot_be_written_is_lost_and_told_of_when_something_can() {
    let (disk, is_full, written) = Disk::new();
    let queue = LogQueue::new(disk, notice);
    queue.put(b"written\n");
    queue.flush(WAIT);
    is_full.store(true, Ordering::SeqCst);
    for _ in 0..5 {
        queue.put(b"lost\n");
    }
    queue.flush(WAIT);
    assert_eq!((queue.dropped(), read(&written, 1)), (5, "written\n".to_owned()));
    is_full.store(false, Ordering::SeqCst);
    queue.put(b"written again\n");
    queue.flush(WAIT);
    // Which of the two is first depends on when the last line was found to be the last.
    let text = read(&written, 2);
    assert!(["written again\nlost 5\n", "lost 5\nwritten again\n"].contains(&&*text), "{text}");
    queue.put(b"not reported twice\n");
    assert_eq!(read(&written, 1), "not reported twice\n");
}

#[test]
fn a_line_that_was_cut_off_ends_before_the_next_one() {
    let (mut disk, is_full, written) = Disk::new();
    disk.room = Some(2);
    is_full.store(true, Ordering::SeqCst);
    let queue = LogQueue::new(disk, notice);
    queue.put(b"{\"cut\": 1}\n");
    queue.flush(WAIT);
    is_full.store(false, Ordering::SeqCst);
    queue.put(b"{\"whole\": 1}\n");
    let text = read(&written, 3);
    assert!(text.starts_with("{\"\n") && text.contains("\n{\"whole\": 1}\n") && text.contains("\nlost 1\n"), "{text}");
}

#[test]
fn a_line_that_is_written_in_parts_is_whole() {
    let (mut disk, _, written) = Disk::new();
    disk.room = Some(2);
    let queue = LogQueue::new(disk, notice);
    queue.put(b"a line\n");
    assert_eq!((read(&written, 1).as_str(), queue.dropped()), ("a line\n", 0));
}

#[test]
fn a_line_that_is_too_long_is_counted() {
    let (disk, _, written) = Disk::new();
    let queue = LogQueue::new(disk, notice);
    let line = |length: usize| format!("{}\n", "x".repeat(length - 1));
    queue.put(line(LINE_BYTES_MAX + 1).as_bytes());
    assert_eq!(queue.dropped(), 1);
    queue.put(line(LINE_BYTES_MAX).as_bytes());
    assert_eq!(read(&written, 2), line(LINE_BYTES_MAX) + "lost 1\n");
}

#[test]
fn logging_never_waits_for_the_reader() {
    let (out, _, written) = Disk::new();
    let ((begins, begun), (go_on, goes_on)) = (channel(), channel());
    let queue = LogQueue::new(Blocked { begins, goes_on, out }, notice);
    queue.put(b"first\n");
    begun.recv_timeout(WAIT).expect("the first line is being written");
    for _ in 0..QUEUED_LINES_MAX {
        queue.put(b"fits\n");
    }
    assert_eq!(queue.dropped(), 0);
    for _ in 0..3 {
        queue.put(b"does not fit\n");
    }
    assert_eq!(queue.dropped(), 3);
    // The end of the process does not wait for it either.
    queue.flush(Duration::from_millis(1));

    drop(go_on);
    let text = read(&written, QUEUED_LINES_MAX + 2);
    assert_eq!(text, format!("first\n{}lost 3\n", "fits\n".repeat(QUEUED_LINES_MAX)));
    queue.put(b"fits again\n");
    queue.flush(WAIT);
    assert_eq!(written.try_iter().collect::<Vec<_>>().concat(), b"fits again\n");
}
