//! What does somebody see who waits? One line that changes every second; where nobody looks, a line every ten seconds.
#![allow(clippy::print_stderr, reason = "it is for whoever waits at the terminal")]

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};

use super::{Logbook, Plan};

/// The interval between two lines where standard error is no terminal, in seconds.
const PLAIN_SECONDS: u64 = 10;

/// The progress of a rehearsal on standard error.
pub(super) struct Progress {
    /// `None` where standard error is no terminal.
    bar: Option<ProgressBar>,
    seconds: u64,
    shown: u64,
}

impl Progress {
    pub(super) fn new(plan: &Plan) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(plan.seconds);
            if let Ok(style) = ProgressStyle::with_template("{bar:24} {pos}/{len} s  {msg}") {
                bar.set_style(style);
            }
            bar
        });
        Self { bar, seconds: plan.seconds, shown: 0 }
    }

    /// Shows the state; called once a second.
    pub(super) fn show(&mut self, logbook: &Logbook) {
        let text = text(logbook);
        match &self.bar {
            Some(bar) => {
                bar.set_position(self.shown.min(self.seconds));
                bar.set_message(text);
            }
            None if self.shown.is_multiple_of(PLAIN_SECONDS) => {
                eprintln!("{} of {} s: {text}", self.shown, self.seconds);
            }
            None => {}
        }
        self.shown += 1;
    }

    pub(super) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Returns the state in one line.
fn text(logbook: &Logbook) -> String {
    let total = &logbook.total;
    let mut text = format!("{} of {} connected", total.connected, logbook.clients());
    let mut add = |part: String| text.push_str(&format!(", {part}"));
    if total.offline > 0 {
        add(format!("{} OFFLINE", total.offline));
    }
    if let Some(ms) = total.first_data.percentile_ms(95.0) {
        add(format!("first data within {ms:.0} ms"));
    }
    if let Some(ms) = total.spread.percentile_ms(99.0) {
        add(format!("changes within {ms:.0} ms"));
    }
    if let Some(ms) = total.messages.percentile_ms(99.0) {
        add(format!("messages within {ms:.0} ms"));
    }
    add(format!("{} lines", total.lines));
    if total.interruptions > 0 {
        add(format!("{} interruptions", total.interruptions));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_who_is_offline() {
        let mut logbook = Logbook::new(3, 2);
        assert_eq!(text(&logbook), "0 of 3 connected, 0 lines");
        logbook.total.offline = 2;
        logbook.total.interruptions = 9;
        logbook.total.first_data.add(250_000);
        assert!(text(&logbook).starts_with("0 of 3 connected, 2 OFFLINE, first data within 25"), "{}", text(&logbook));
    }
}
