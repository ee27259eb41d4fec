//! How are results reported: as a table for people, as JSON for programs?

use std::fmt::Write as _;

use serde::Serialize;

use crate::client::Coding;
use crate::statistics::Percentiles;

/// The result of one scenario.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Row {
    /// The scenario.
    pub scenario: String,
    /// The transport.
    pub transport: String,
    /// The compression of the answer, if any.
    pub coding: Option<Coding>,
    /// The number of connections.
    pub connections: usize,
    /// The number of changes published.
    pub changes: usize,
    /// The number of data lines received.
    pub deliveries: u64,
    /// The number of changes that did not arrive where they should have, summed over connections.
    pub missing: u64,
    /// Lines that would have made a client reconnect.
    pub gaps: u64,
    /// Lines that do not begin where the one before ended.
    pub unjoined: u64,
    /// Lines that the web client cannot read.
    pub bad_lines: u64,
    /// Connections that ended too early.
    pub ended: usize,
    /// The time from the first change (or connection) until everything had arrived, in seconds.
    pub wall_seconds: f64,
    /// The time from just before a change was published until its line arrived; for connections, until all data had.
    pub latency: Option<Percentiles>,
    /// The CPU time of the service, in seconds, with a resolution of 0.01 s.
    pub cpu_seconds: Option<f64>,
    /// The CPU time per line delivered, in microseconds.
    pub cpu_micros_per_delivery: Option<f64>,
    /// The CPU time per connection and change (per connection, if nothing changed), in microseconds.
    pub cpu_micros_per_connection: Option<f64>,
    /// Bytes of bodies on the wire, per connection.
    pub wire_bytes_per_connection: u64,
    /// The memory of the service before, in kB.
    pub memory_before_kb: Option<u64>,
    /// The memory of the service after, in kB.
    pub memory_after_kb: Option<u64>,
    /// The peak of its memory in between, in kB.
    pub memory_peak_kb: Option<u64>,
    /// The growth of its memory per connection, in bytes.
    pub memory_bytes_per_connection: Option<f64>,
    /// A remark for readers.
    pub note: String,
}

/// All results, and the meeting they were measured with.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The number of elements in the meeting.
    pub elements: usize,
    /// The size of the meeting as JSON, in bytes.
    pub bytes: usize,
    /// The number of users.
    pub users: usize,
    /// The seed it was generated from.
    pub seed: u64,
    /// The results in the order of the scenarios.
    pub rows: Vec<Row>,
}

impl Report {
    /// Returns the results as a Markdown table.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = format!(
            "{} elements, {:.1} MB, {} users, seed {}\n\n",
            self.elements,
            self.bytes as f64 / 1e6,
            self.users,
            self.seed
        );
        text.push_str(
            "| scenario | transport | conn. | changes | lines | missing | p50 ms | p99 ms | max ms | wall s | \
             CPU µs/line | CPU µs/conn. | kB/conn. sent | MB before → after (peak) | note |\n\
             |---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n",
        );
        for row in &self.rows {
            row.write(&mut text);
        }
        text
    }
}

impl Row {
    fn write(&self, text: &mut String) {
        let number =
            |value: Option<f64>, digits: usize| value.map_or("–".to_owned(), |value| format!("{value:.digits$}"));
        let latency = |of: fn(&Percentiles) -> f64| number(self.latency.as_ref().map(of), 1);
        let megabytes = |kb: Option<u64>| number(kb.map(|kb| kb as f64 / 1_000.0), 0);
        let mut notes = self.note.clone();
        for (count, what) in [
            (self.gaps, "gaps"),
            (self.unjoined, "unjoined"),
            (self.bad_lines, "bad lines"),
            (self.ended as u64, "connections ended"),
        ] {
            if count > 0 {
                let _ = write!(notes, " **{count} {what}**");
            }
        }
        if let Some(bytes) = self.memory_bytes_per_connection {
            let _ = write!(notes, " {:.1} kB a connection", bytes / 1_000.0);
        }
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "| {} | {}{} | {} | {} | {} | {} | {} | {} | {} | {:.2} | {} | {} | {:.1} | {} → {} ({}) | {} |",
            self.scenario,
            self.transport,
            self.coding.map(|coding| format!(", {}", coding.name())).unwrap_or_default(),
            self.connections,
            self.changes,
            self.deliveries,
            self.missing,
            latency(|latency| latency.p50_ms),
            latency(|latency| latency.p99_ms),
            latency(|latency| latency.max_ms),
            self.wall_seconds,
            number(self.cpu_micros_per_delivery, 1),
            number(self.cpu_micros_per_connection, 1),
            self.wire_bytes_per_connection as f64 / 1_000.0,
            megabytes(self.memory_before_kb),
            megabytes(self.memory_after_kb),
            megabytes(self.memory_peak_kb),
            notes.trim(),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_a_cell_for_every_column_and_names_what_went_wrong() {
        let row = Row { scenario: "speakers".to_owned(), unjoined: 3, ..Row::default() };
        let report = Report { elements: 1, bytes: 2, users: 3, seed: 4, rows: vec![row] };
        let table = report.table();
        let columns: Vec<usize> =
            table.lines().filter(|line| line.starts_with('|')).map(|line| line.matches('|').count()).collect();
        assert_eq!(columns, [16, 16, 16]);
        assert!(table.contains("**3 unjoined**"));
    }
}
