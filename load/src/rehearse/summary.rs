//! What are the figures of a rehearsal? The same for the terminal, the report and programs.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::verdict::span;
use super::{Logbook, Plan, Series, Times, Verdict};

/// One figure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Figure {
    /// What it says.
    pub name: &'static str,
    /// The figure, with its unit.
    pub value: String,
}

/// The result of a rehearsal.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// What was rehearsed.
    pub address: String,
    /// The answer.
    pub verdict: Verdict,
    /// The figures.
    pub figures: Vec<Figure>,
    /// What went wrong, and how often.
    pub troubles: BTreeMap<String, u64>,
}

impl Summary {
    /// Summarizes a rehearsal.
    #[must_use]
    pub fn new(plan: &Plan, logbook: &Logbook, series: &[Series]) -> Self {
        let mut figures = Vec::new();
        let mut add = |name, value| figures.push(Figure { name, value });
        let total = &logbook.total;
        add("clients", clients(plan, logbook));
        add("protocol", protocol(logbook));
        add("connected at the end", total.connected.to_string());
        add("offline at the end", total.offline.to_string());
        add("first data", times(&total.first_data));
        add("messages, from one client to all", messages(logbook));
        add(
            "changes, from the first client to the others",
            format!("{} ({} changes)", times(&total.spread), logbook.changes),
        );
        add("interruptions, by failure in a row", logbook.failures.map(|count| count.to_string()).join(", "));
        add("until a stream was open again", times(&logbook.outages));
        add("changes missing before a line", total.gaps.to_string());
        add("clients that got everything again", logbook.resets.to_string());
        add("lines with data", total.lines.to_string());
        add("received", format!("{:.1} MB", total.bytes as f64 / 1e6));
        add("lag of this program, at most", span(total.lag_micros as f64 / 1_000.0));
        let mut troubles = logbook.troubles.clone();
        for series in series {
            if let Some(trouble) = &series.trouble {
                *troubles.entry(format!("metrics: {trouble}")).or_default() += 1;
            }
        }
        Self { address: plan.address.to_string(), verdict: Verdict::of(plan, logbook), figures, troubles }
    }
}

fn clients(plan: &Plan, logbook: &Logbook) -> String {
    let sessions = match plan.sessions.len() {
        0 => "anonymous".to_owned(),
        1 => "one session".to_owned(),
        many => format!("{many} sessions"),
    };
    format!("{} over {} s, {sessions}, {} s in all", logbook.clients(), plan.arrival_seconds, logbook.seconds.len())
}

fn protocol(logbook: &Logbook) -> String {
    let version = match logbook.answers {
        [0, 0] => "none answered",
        [_, 0] => "HTTP/2",
        [0, _] => "HTTP/1.1",
        [_, _] => "HTTP/2 and HTTP/1.1",
    };
    let all = logbook.answers.iter().sum::<u64>();
    let compressed = match logbook.compressed_answers {
        0 => "uncompressed",
        some if some == all => "gzip",
        _ => "partly gzip",
    };
    format!("{version}, {compressed}")
}

fn messages(logbook: &Logbook) -> String {
    if logbook.messages_sent == 0 {
        return "none sent".to_owned();
    }
    let arrived = logbook.total.messages.count();
    format!(
        "{} ({} sent, {arrived} of {} deliveries)",
        times(&logbook.total.messages),
        logbook.messages_sent,
        logbook.messages_expected
    )
}

fn times(times: &Times) -> String {
    let at = |percent| times.percentile_ms(percent).map(span);
    match (at(50.0), at(95.0), at(99.0), at(100.0)) {
        (Some(half), Some(most), Some(nearly_all), Some(all)) => {
            format!("50 % {half}, 95 % {most}, 99 % {nearly_all}, all {all}")
        }
        _ => "–".to_owned(),
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{}\n{}", self.address, self.verdict.grade.sentence())?;
        for text in self.verdict.faults.iter().chain(&self.verdict.doubts).chain(&self.verdict.remarks) {
            writeln!(formatter, "  - {text}")?;
        }
        writeln!(formatter)?;
        let width = self.figures.iter().map(|figure| figure.name.len()).max().unwrap_or_default();
        for Figure { name, value } in &self.figures {
            writeln!(formatter, "{name:width$}  {value}")?;
        }
        if !self.troubles.is_empty() {
            writeln!(formatter, "\nWhat went wrong, and how often:")?;
            for (trouble, count) in &self.troubles {
                writeln!(formatter, "{count:6}  {trouble}")?;
            }
        }
        Ok(())
    }
}
