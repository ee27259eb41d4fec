//! What came of a fault, and was a promise broken?

use std::time::Duration;

use super::crowd::Counts;
use super::mail::Missing;
use super::writer::Written;
use super::{Fault, Harm};
use crate::attack::Reading;
use crate::rehearse::FAILURES_UNTIL_OFFLINE;
use crate::statistics::Percentiles;

/// What came of a fault.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The fault.
    pub fault: Fault,
    /// How many clients there were.
    pub clients: usize,
    /// Which promises were broken; none: all were kept.
    pub broken: Vec<String>,
    pub(super) written: Written,
    pub(super) counts: Counts,
    /// How many messages were taken.
    pub(super) messages: usize,
    pub(super) missing: Missing,
    /// From the end of the fault until everybody was up to date; the server wrote for three seconds of it.
    pub(super) healed: Duration,
    /// CPU time of the service from the beginning of the fault until everybody was up to date.
    pub(super) cpu_micros: u64,
    /// What the service had before the fault and when everybody was up to date, with all clients.
    pub(super) with_clients: [Reading; 2],
    /// Descriptors before the first client and after the last.
    pub(super) descriptors: [u64; 2],
    /// How often the service was started.
    pub(super) starts: usize,
}

impl Outcome {
    /// Adds the promises that were broken according to what was counted.
    pub(super) fn judged(mut self) -> Self {
        let known = self.fault.known();
        let counts = &self.counts;
        let count = |(promise, count): (&String, &u64)| format!("{promise} ({count} times)");
        self.broken.extend(counts.broken.iter().map(count));
        if known.harm == Harm::Nothing && counts.broken_off > 0 {
            self.broken.push(format!("{} streams were broken off", counts.broken_off));
        }
        if known.harm <= Harm::Reconnect && counts.failures_max >= FAILURES_UNTIL_OFFLINE {
            self.broken.push(format!("users were shown as offline: {} failures in a row", counts.failures_max));
        }
        let Missing { unread, missed } = self.missing;
        if self.messages == 0 {
            self.broken.push("no message was taken, so nothing is known of messages".to_owned());
        }
        if missed > 0 {
            self.broken.push(format!("{missed} times a message did not reach somebody who listened"));
        }
        if unread > 0 && !self.fault.may_lose_entries() {
            self.broken.push(format!("{unread} messages reached nobody"));
        }
        if !known.may_reset && counts.resets > 0 {
            self.broken.push(format!("{} times a client was sent everything again", counts.resets));
        }
        self
    }

    /// Returns why streams ended or failed, and how often.
    #[must_use]
    pub fn troubles(&self) -> Vec<String> {
        self.counts.troubles.iter().map(|(trouble, count)| format!("{count} × {trouble}")).collect()
    }

    /// The heading of [`Outcome::row`].
    pub const HEADING: &'static str = "| fault | may do | changes written / refused | streams broken off | failures in a row | \
         without a stream, median / worst | without news, median / worst | sent everything again | messages / of them lost | up to date after | CPU | \
         memory before / after | descriptors before / after | starts | own lag | kept its promises |\n\
         |---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|";

    /// Returns a row of a table in Markdown.
    #[must_use]
    pub fn row(&self) -> String {
        let counts = &self.counts;
        let seconds = |micros: &[u64]| {
            let of = Percentiles::of(micros.to_vec());
            of.map_or("–".to_owned(), |of| format!("{:.1} / {:.1} s", of.p50_ms / 1e3, of.max_ms / 1e3))
        };
        format!(
            "| {} × {} | {} | {} / {} | {} | {} | {} | {} | {} | {} / {} | {:.1} s | {:.1} s | {} / {} MB | {} / {} | {} | {:.1} s | {} |",
            self.clients,
            self.fault,
            self.fault.known().harm,
            self.written.changes,
            self.written.refused,
            counts.broken_off,
            counts.failures_max,
            seconds(&counts.without_stream_micros),
            seconds(&counts.without_news_micros),
            counts.resets,
            self.messages,
            self.missing.unread,
            self.healed.as_secs_f64(),
            self.cpu_micros as f64 / 1e6,
            self.with_clients[0].memory_kb / 1024,
            self.with_clients[1].memory_kb / 1024,
            self.descriptors[0],
            self.descriptors[1],
            self.starts,
            counts.lag_max.as_secs_f64(),
            if self.broken.is_empty() { "yes".to_owned() } else { format!("**no**: {}", self.broken.join("; ")) },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(fault: Fault, change: impl FnOnce(&mut Counts), expected: &[&str]) {
        check_with(fault, Missing::default(), change, expected);
    }

    #[track_caller]
    fn check_with(fault: Fault, missing: Missing, change: impl FnOnce(&mut Counts), expected: &[&str]) {
        let mut counts = Counts::default();
        change(&mut counts);
        let outcome = Outcome {
            fault,
            clients: 2,
            broken: Vec::new(),
            written: Written::default(),
            counts,
            messages: 3,
            missing,
            healed: Duration::from_secs(3),
            cpu_micros: 0,
            with_clients: [Reading::default(); 2],
            descriptors: [9, 9],
            starts: 1,
        }
        .judged();
        assert_eq!(outcome.broken, expected, "{fault}");
        assert_eq!(outcome.row().ends_with("| yes |"), expected.is_empty(), "{}", outcome.row());
        assert_eq!(
            outcome.row().matches('|').count(),
            Outcome::HEADING.lines().next().map_or(0, |line| line.matches('|').count())
        );
    }

    #[test]
    fn a_fault_may_do_what_is_known_of_it_and_nothing_else() {
        check(Fault::RedisKilled, |_| (), &[]);
        check(Fault::RedisKilled, |counts| counts.broken_off = 3, &["3 streams were broken off"]);
        check(Fault::RedisKilled, |counts| counts.resets = 1, &["1 times a client was sent everything again"]);
        check(Fault::RedisLostData, |counts| (counts.broken_off, counts.resets) = (3, 1), &[]);
        check(Fault::Restarts, |counts| counts.failures_max = 3, &[]);
        check(Fault::Restarts, |counts| counts.failures_max = 4, &["users were shown as offline: 4 failures in a row"]);
        check(Fault::RedisEvicts, |counts| counts.failures_max = 9, &[]);
        let unread = Missing { unread: 1, missed: 0 };
        check_with(Fault::RedisKilled, unread, |_| (), &["1 messages reached nobody"]);
        check_with(Fault::FailOver, unread, |_| (), &[]);
        let missed = Missing { unread: 0, missed: 2 };
        check_with(Fault::FailOver, missed, |_| (), &["2 times a message did not reach somebody who listened"]);
        check(Fault::RedisEvicts, |counts| counts.broken = [("a gap".to_owned(), 2)].into(), &["a gap (2 times)"]);
    }
}
