//! What did a client receive, and when?

use std::sync::{Arc, Mutex, PoisonError};

use super::Coding;
use super::lines::LineMeaning;
use crate::moment::now_micros;

/// How many lines of a client are recorded individually; later ones are merely counted.
const LINES_MAX: usize = 50_000;

/// A line with data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// The change id it leads to; for a message, its number.
    pub to: u64,
    /// When its last byte arrived.
    pub at_micros: u64,
}

/// Everything recorded of one client.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// When the client was started.
    pub started_micros: u64,
    /// When `{"connected":true}` first arrived.
    pub connected_micros: Option<u64>,
    /// When the newest bytes arrived.
    pub last_byte_micros: u64,
    /// The size of bodies on the wire in bytes, after compression.
    pub wire_bytes: u64,
    /// The data lines.
    pub lines: Vec<Line>,
    /// The number of data lines, including those not recorded individually.
    pub line_count: u64,
    /// The change id that the client has.
    pub change_id: u64,
    /// Lines that would make a client reconnect: they begin after the change that follows the one it has.
    pub gaps: u64,
    /// Lines that do not begin where the one before ended.
    pub unjoined: u64,
    /// Lines that replace everything.
    pub resets: u64,
    /// Lines that the web client cannot read: empty, or without ids.
    pub bad_lines: u64,
    /// `Content-Encoding` of the answer, if any.
    pub coding: Option<Coding>,
    /// Whether the bytes are only counted (see [`super::Reading`]).
    pub counted: bool,
    /// Why the client stopped receiving.
    pub ended: Option<String>,
}

impl Record {
    /// Records a line whose last byte arrived at `at_micros`.
    pub(super) fn line(&mut self, seen: LineMeaning, at_micros: u64) {
        match seen {
            // The line with the channel id belongs to the beginning of its stream.
            LineMeaning::Connected | LineMeaning::Channel(_) => {
                self.connected_micros.get_or_insert(at_micros);
            }
            LineMeaning::Bad => self.bad_lines += 1,
            LineMeaning::Message => {}
            LineMeaning::Data { from, to, all_data, is_quiet: _ } => {
                if all_data {
                    self.resets += 1;
                } else {
                    self.gaps += u64::from(from > self.change_id + 1);
                    self.unjoined += u64::from(from != self.change_id);
                }
                self.leads_to(to, at_micros);
            }
            LineMeaning::Point { to } => self.leads_to(to, at_micros),
        }
    }

    fn leads_to(&mut self, to: u64, at_micros: u64) {
        self.change_id = to;
        self.line_count += 1;
        if self.lines.len() < LINES_MAX {
            self.lines.push(Line { to, at_micros });
        }
    }

    /// Returns when the client received the change `id`, or `None` if it has not yet.
    #[must_use]
    pub fn had(&self, id: u64) -> Option<u64> {
        let index = self.lines.partition_point(|line| line.to < id);
        self.lines.get(index).map(|line| line.at_micros)
    }
}

/// A record that the client's task writes and the scenario reads.
#[derive(Clone, Debug)]
pub struct Shared(Arc<Mutex<Record>>);

impl Shared {
    pub(super) fn new(change_id: u64) -> Self {
        let started_micros = now_micros();
        Self(Arc::new(Mutex::new(Record { started_micros, change_id, ..Record::default() })))
    }

    /// Calls a function with the record.
    pub fn read<T>(&self, read: impl FnOnce(&Record) -> T) -> T {
        read(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn note<T>(&self, note: impl FnOnce(&mut Record) -> T) -> T {
        note(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(start: u64, lines: &[(u64, u64)], gaps: u64, unjoined: u64) {
        let mut record = Record { change_id: start, ..Record::default() };
        for (from, to) in lines {
            record.line(LineMeaning::Data { from: *from, to: *to, all_data: false, is_quiet: false }, *to * 10);
        }
        assert_eq!((record.gaps, record.unjoined), (gaps, unjoined), "{start} {lines:?}");
    }

    #[test]
    fn lines_that_do_not_join_are_counted() {
        check(5, &[(5, 6), (6, 9)], 0, 0);
        check(5, &[(6, 6), (7, 9)], 0, 2); // the form of the service this one replaces
        check(5, &[(7, 8)], 1, 1);
        check(5, &[(5, 6), (5, 7)], 0, 1);
    }

    #[test]
    fn a_change_is_there_with_the_first_line_that_reaches_it() {
        let mut record = Record::default();
        for to in [4, 7, 9] {
            record.line(LineMeaning::Data { from: 0, to, all_data: false, is_quiet: false }, to * 10);
        }
        assert_eq!([3, 4, 5, 7, 8, 9].map(|id| record.had(id)), [40, 40, 70, 70, 90, 90].map(Some));
        assert_eq!(record.had(10), None);
    }
}
