//! How is the log written without anybody waiting for its reader?
//!
//! Lines are queued, and a thread of the library writes them. Only that thread waits for a slow reader, and only it
//! runs into a full disk. Lost lines are counted, and reported as soon as a line can be written again.

use std::io::{self, Write};
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::fmt::MakeWriter;

/// The maximum number of lines that wait to be written. Further ones are dropped, and counted.
const QUEUED_LINES_MAX: usize = 4096;

/// The longest line that is queued, in bytes: together with [`QUEUED_LINES_MAX`] it limits the memory. A longer one is
/// dropped, and counted.
const LINE_BYTES_MAX: usize = 16 * 1024;

/// How long the end of the process waits for the log to be written; what is not written by then is lost.
pub(super) const FLUSH_TIME_MAX: Duration = Duration::from_secs(1);

/// How often lost lines are reported while the queue never empties.
const NOTICE_INTERVAL: Duration = Duration::from_secs(60);

/// The path of lines to where the log is written.
pub(super) struct LogQueue {
    lines: NonBlocking,
    counts: Arc<Counts>,
    /// Never dropped: its drop prints to standard output if the queue is full, which may block or panic.
    _worker: ManuallyDrop<WorkerGuard>,
}

/// What became of the lines.
#[derive(Default)]
struct Counts {
    offered: AtomicU64,
    /// How many were too long, or could not be written.
    failed: AtomicU64,
    /// How many did not fit; set before the first line is logged.
    overflown: OnceLock<ErrorCounter>,
    /// How many were taken from the queue, and written if possible.
    done: Mutex<u64>,
    progress: Condvar,
}

impl LogQueue {
    /// Starts writing to `out`; `notice` formats the line that says how many were lost.
    pub(super) fn new(out: impl Write + Send + 'static, notice: impl Fn(u64) -> Vec<u8> + Send + 'static) -> Self {
        let counts = Arc::<Counts>::default();
        let output = Output {
            out,
            counts: Arc::clone(&counts),
            notice: Box::new(notice),
            reported: 0,
            reported_at: Instant::now(),
            is_line_open: false,
        };
        let builder = NonBlockingBuilder::default().lossy(true).buffered_lines_limit(QUEUED_LINES_MAX);
        let (lines, worker) = builder.thread_name("log").finish(output);
        counts.overflown.get_or_init(|| lines.error_counter());
        Self { lines, counts, _worker: ManuallyDrop::new(worker) }
    }

    /// Queues a line, or drops it if it does not fit. Never waits.
    pub(super) fn put(&self, line: &[u8]) {
        if line.len() > LINE_BYTES_MAX {
            self.counts.failed.fetch_add(1, Ordering::Relaxed);
            return;
        }
        self.counts.offered.fetch_add(1, Ordering::Relaxed);
        // Reports no failure; only the counter does.
        let _ = self.lines.clone().write_all(line);
    }

    /// Returns how many lines were lost.
    pub(super) fn dropped(&self) -> u64 {
        self.counts.lost()
    }

    /// Waits until everything queued so far is written or lost, but no longer than `time_max`.
    pub(super) fn flush(&self, time_max: Duration) {
        let done = self.counts.done();
        let is_waiting = |done: &mut u64| *done < self.counts.queued();
        let _ = self.counts.progress.wait_timeout_while(done, time_max, is_waiting);
    }
}

impl Counts {
    fn overflown(&self) -> u64 {
        self.overflown.get().map_or(0, |counter| counter.dropped_lines() as u64)
    }

    fn lost(&self) -> u64 {
        self.failed.load(Ordering::Relaxed).saturating_add(self.overflown())
    }

    /// How many lines the queue has taken.
    fn queued(&self) -> u64 {
        self.offered.load(Ordering::Relaxed).saturating_sub(self.overflown())
    }

    fn done(&self) -> MutexGuard<'_, u64> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'a> MakeWriter<'a> for &'static LogQueue {
    type Writer = LineWriter;

    fn make_writer(&'a self) -> Self::Writer {
        LineWriter(self)
    }
}

/// Takes one line with each write, as the formatting layer does.
pub(super) struct LineWriter(&'static LogQueue);

impl Write for LineWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.put(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The other end of the queue, on the thread that writes. It never reports a failure to the library, which would throw
/// away the rest of what it took from the queue.
struct Output<W> {
    out: W,
    counts: Arc<Counts>,
    notice: Box<dyn Fn(u64) -> Vec<u8> + Send>,
    /// How many lost lines were reported, and when.
    reported: u64,
    reported_at: Instant,
    /// Whether the end of a line is missing because the rest of it could not be written.
    is_line_open: bool,
}

impl<W: Write> Output<W> {
    fn write_line(&mut self, line: &[u8]) -> io::Result<()> {
        if self.is_line_open {
            // The next line begins on a line of its own.
            self.write_rest(b"\n")?;
        }
        self.write_rest(line)
    }

    fn write_rest(&mut self, mut rest: &[u8]) -> io::Result<()> {
        while !rest.is_empty() {
            match self.out.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    rest = &rest[written..];
                    self.is_line_open = !rest.is_empty();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reports the lines that were lost since the last report.
    fn report_losses(&mut self) {
        let lost = self.counts.lost();
        if lost > self.reported {
            let notice = (self.notice)(lost - self.reported);
            if self.write_line(&notice).is_ok() {
                self.reported = lost;
                self.reported_at = Instant::now();
            }
        }
    }
}

impl<W: Write> Write for Output<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.write_line(line).is_err() {
            self.counts.failed.fetch_add(1, Ordering::Relaxed);
        } else if self.reported_at.elapsed() >= NOTICE_INTERVAL {
            self.report_losses();
        }
        *self.counts.done() += 1;
        self.counts.progress.notify_all();
        Ok(line.len())
    }

    /// Called when the queue is empty.
    fn flush(&mut self) -> io::Result<()> {
        self.report_losses();
        // Nobody waits for the report above: it is about lines that are lost anyway.
        let _ = self.out.flush();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
