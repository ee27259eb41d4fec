//! Is the hall ready? The answer in words, with the reasons.

use serde::Serialize;

use super::messages::is_logged_in;
use super::{Address, Logbook, Plan};

/// First data that nearly everybody must have within this time, in milliseconds; and the time that is still good.
const FIRST_DATA_MS_MAX: f64 = 10_000.0;
const FIRST_DATA_MS_GOOD: f64 = 3_000.0;

/// How late a change may reach all but one in a hundred, in milliseconds; and what is still good.
const LATENCY_MS_MAX: f64 = 1_000.0;
const LATENCY_MS_GOOD: f64 = 250.0;

/// How late this program itself may be, in milliseconds; and what is still good. Beyond, times say more about the
/// machine that it runs on.
const LAG_MS_MAX: f64 = 500.0;
const LAG_MS_GOOD: f64 = 100.0;

/// One message in so many may fail before users notice.
const FAILED_MESSAGES_SHARE: u64 = 10;

/// The answer in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grade {
    /// Everything was as it should be.
    Ready,
    /// Nobody was affected, but something should be known.
    ReadyWithRemarks,
    /// Times were too long, but perhaps only because the rehearsing machine was too busy.
    Unclear,
    /// Users would have been affected.
    NotReady,
}

impl Grade {
    /// Returns the answer as a sentence.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Ready => "The hall is ready.",
            Self::ReadyWithRemarks => "The hall is ready, with remarks.",
            Self::Unclear => "It is unclear whether the hall is ready: the machine that rehearsed was too busy.",
            Self::NotReady => "The hall is not ready.",
        }
    }
}

/// The answer with its reasons.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The answer.
    pub grade: Grade,
    /// What users would have noticed.
    pub faults: Vec<String>,
    /// What users would have noticed, unless it was the rehearsing machine.
    pub doubts: Vec<String>,
    /// What should be known.
    pub remarks: Vec<String>,
}

impl Verdict {
    /// Judges a rehearsal.
    #[must_use]
    pub fn of(plan: &Plan, logbook: &Logbook) -> Self {
        let (mut faults, mut late, mut remarks) = (Vec::new(), Vec::new(), Vec::new());
        streams(plan, logbook, &mut faults, &mut remarks);
        deliveries(plan, logbook, &mut faults, &mut remarks);
        latencies(logbook, &mut late, &mut remarks);
        circumstances(plan, logbook, &mut remarks);
        let doubts = if lag_ms(logbook) > LAG_MS_MAX { std::mem::take(&mut late) } else { Vec::new() };
        faults.append(&mut late);
        let grade = match (faults.is_empty(), doubts.is_empty(), remarks.is_empty()) {
            (false, _, _) => Grade::NotReady,
            (true, false, _) => Grade::Unclear,
            (true, true, false) => Grade::ReadyWithRemarks,
            (true, true, true) => Grade::Ready,
        };
        Self { grade, faults, doubts, remarks }
    }
}

/// Returns a duration for people.
pub(super) fn span(ms: f64) -> String {
    if ms < 1_000.0 { format!("{ms:.0} ms") } else { format!("{:.1} s", ms / 1_000.0) }
}

fn lag_ms(logbook: &Logbook) -> f64 {
    logbook.total.lag_micros as f64 / 1_000.0
}

fn streams(plan: &Plan, logbook: &Logbook, faults: &mut Vec<String>, remarks: &mut Vec<String>) {
    let (started, with_data) = (logbook.clients_started(), logbook.clients_with_data());
    if with_data < started {
        faults.push(format!("{} of {started} clients got no data at all.", started - with_data));
    }
    let offline = logbook.failures.last().copied().unwrap_or_default();
    if offline > 0 {
        faults.push(format!(
            "{offline} times a stream failed four times in a row, after which the web client shows its user as \
             offline; at the end {} clients were offline.",
            logbook.total.offline
        ));
    }
    let anonymous = logbook.channels().iter().filter(|(_, channel)| !is_logged_in(channel)).count();
    if anonymous > 0 && !plan.sessions.is_empty() {
        remarks
            .push(format!("{anonymous} clients were anonymous, although sessions were given: compare --cookie-name."));
    }
    if logbook.total.gaps > 0 {
        faults.push(format!("{} times changes were missing before a line.", logbook.total.gaps));
    }
    if logbook.bad_lines > 0 {
        faults.push(format!("{} lines could not be read.", logbook.bad_lines));
    }
    if let Some(silence_max) = logbook.silence_max.filter(|_| logbook.silent_streams > 0) {
        faults.push(format!(
            "Up to {} streams at a time said nothing for {} or longer, although the service shows a sign of life every \
             {} s (--keep-alive, for KEEP_ALIVE_SECONDS of the service).",
            logbook.silent_streams,
            span(silence_max.as_secs_f64() * 1_000.0),
            plan.keep_alive_seconds,
        ));
    }
    let away = started.saturating_sub(logbook.total.connected);
    // Those who came just before Ctrl-C may not be connected yet.
    if away > 0 && !logbook.is_cut_short {
        faults.push(format!("At the end {away} of {started} clients were not connected."));
    }
    let first_failures = logbook.failures[0];
    if first_failures > 0 && offline == 0 && away == 0 {
        let longest = logbook.outages.percentile_ms(100.0).unwrap_or_default();
        remarks.push(format!(
            "{first_failures} times a stream was interrupted. Nobody would have noticed: all were open again before \
             the fourth failure, the last after {}.",
            span(longest)
        ));
    }
}

/// Sorts times into those that are too long and those that should be known.
fn latencies(logbook: &Logbook, late: &mut Vec<String>, remarks: &mut Vec<String>) {
    let total = &logbook.total;
    let mut judge = |ms: f64, good: f64, max: f64, text: String| match ms {
        ms if ms > max => late.push(text),
        ms if ms > good => remarks.push(text),
        _ => {}
    };
    if let Some(ms) = total.first_data.percentile_ms(95.0) {
        let text = format!("One client in twenty waited {} or longer for its first data.", span(ms));
        judge(ms, FIRST_DATA_MS_GOOD, FIRST_DATA_MS_MAX, text);
    }
    for (times, what) in [(&total.messages, "A message"), (&total.spread, "A change that others already had")] {
        if let Some(ms) = times.percentile_ms(99.0) {
            let text = format!("{what} reached one client in a hundred only after {} or later.", span(ms));
            judge(ms, LATENCY_MS_GOOD, LATENCY_MS_MAX, text);
        }
    }
}

fn deliveries(plan: &Plan, logbook: &Logbook, faults: &mut Vec<String>, remarks: &mut Vec<String>) {
    let total = &logbook.total;
    if plan.message_seconds.is_some() && logbook.messages_tried == 0 {
        remarks.push("No message could be sent, because no client is logged in and listens.".to_owned());
    }
    let failed = logbook.messages_tried.saturating_sub(logbook.messages_sent);
    if failed > 0 {
        let text = format!("{failed} of {} messages were refused or not answered.", logbook.messages_tried);
        // A short interruption takes a few with it.
        if failed * FAILED_MESSAGES_SHARE > logbook.messages_tried { faults.push(text) } else { remarks.push(text) }
    }
    let missing = logbook.messages_expected.saturating_sub(total.messages.count());
    if missing > 0 {
        let text = format!("{missing} of {} deliveries of messages did not arrive", logbook.messages_expected);
        if logbook.failures[0] > 0 || logbook.is_cut_short {
            remarks.push(format!("{text}; clients miss those that are sent while they reconnect."));
        } else {
            faults.push(format!("{text}."));
        }
    }
    if total.messages.count() == 0 && total.spread.count() == 0 {
        remarks.push(
            match plan.message_seconds {
                None => {
                    "How fast changes arrive is unknown: nothing changed in the meeting, and no messages were sent \
                         (--send-notify sends some)."
                }
                Some(_) => {
                    "How fast changes arrive is unknown: nothing changed in the meeting, and no message arrived."
                }
            }
            .to_owned(),
        );
    }
}

fn circumstances(plan: &Plan, logbook: &Logbook, remarks: &mut Vec<String>) {
    let lag_ms = lag_ms(logbook);
    if lag_ms > LAG_MS_GOOD {
        remarks.push(format!(
            "The machine that ran the rehearsal was busy: this program itself was up to {} late, so times may be \
             those of that machine.",
            span(lag_ms)
        ));
    }
    if logbook.answers[1] > 0 && plan.address.is_tls {
        remarks.push("Some or all clients got HTTP/1.1, which browsers allow only six connections.".to_owned());
    }
    if !plan.address.is_tls && !is_local(&plan.address) {
        remarks.push("The address is not HTTPS, so browsers cannot use HTTP/2.".to_owned());
    }
    if plan.sessions.is_empty() {
        remarks.push("All clients were anonymous: what logged-in users cost was not rehearsed.".to_owned());
    }
    if logbook.is_cut_short {
        remarks.push("The rehearsal was stopped before its end.".to_owned());
    }
}

fn is_local(address: &Address) -> bool {
    address.host() == "localhost" || address.host().parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A rehearsal in which all is well.
    fn good() -> Logbook {
        let mut logbook = Logbook::new(2, 3);
        for client in 0..2 {
            logbook.started(client);
            (0..3).for_each(|stream| logbook.opened(client, stream));
            logbook.line(client, 1, true, true);
            logbook.line(client, 2, false, true);
        }
        logbook.take_stock();
        logbook.sends(1);
        logbook.was_sent(2);
        logbook.message(1);
        logbook.message(1);
        logbook
    }

    #[track_caller]
    fn check(expected: Grade, words: &str, change: impl FnOnce(&mut Plan, &mut Logbook)) {
        let (mut plan, mut logbook) = (Plan::example(), good());
        change(&mut plan, &mut logbook);
        let verdict = Verdict::of(&plan, &logbook);
        assert_eq!(verdict.grade, expected, "{verdict:?}");
        assert!(format!("{verdict:?}").contains(words), "{verdict:?} does not say {words:?}");
    }

    #[test]
    fn what_users_would_notice_makes_a_hall_not_ready() {
        check(Grade::Ready, "", |_, _| {});
        check(Grade::NotReady, "1 of 2 clients got no data", |_, logbook| {
            *logbook = Logbook::new(2, 3);
            (0..2).for_each(|client| logbook.started(client));
            logbook.line(0, 1, true, true);
        });
        check(Grade::NotReady, "offline", |_, logbook| logbook.interrupted(0, 0, 4, String::new()));
        check(Grade::NotReady, "At the end 1 of 2 clients were not connected", |_, logbook| {
            logbook.interrupted(0, 0, 1, String::new());
            logbook.take_stock();
        });
        check(Grade::NotReady, "1 of 2 messages were refused or not answered", |_, logbook| logbook.sends(2));
        check(Grade::NotReady, "missing before a line", |_, logbook| logbook.gap());
        check(Grade::NotReady, "Up to 2 streams at a time said nothing for 45.0 s", |plan, logbook| {
            logbook.silence_max = plan.silence_max();
            logbook.silent_streams = 2;
        });
        check(Grade::NotReady, "could not be read", |_, logbook| logbook.bad_line(""));
        check(Grade::NotReady, "12.", |_, logbook| (0..10).for_each(|_| logbook.total.first_data.add(12_000_000)));
        check(Grade::NotReady, "A message reached", |_, logbook| logbook.total.messages.add(2_000_000));
        check(Grade::NotReady, "1 of 3 deliveries", |_, logbook| logbook.messages_expected += 1);
    }

    #[test]
    fn a_machine_that_is_too_busy_cannot_judge_times_but_everything_else() {
        check(Grade::Unclear, "A message reached", |_, logbook| {
            logbook.total.messages.add(2_000_000);
            logbook.lagged(600_000);
        });
        check(Grade::NotReady, "missing before a line", |_, logbook| {
            logbook.gap();
            logbook.lagged(600_000);
        });
    }

    #[test]
    fn what_should_be_known_is_a_remark() {
        let remark = Grade::ReadyWithRemarks;
        check(remark, "Nobody would have noticed", |_, logbook| logbook.interrupted(0, 0, 1, String::new()));
        check(remark, "anonymous", |plan, _| plan.sessions.clear());
        check(remark, "compare --cookie-name", |_, logbook| logbook.has_channel(0, "a:0:7".to_owned()));
        check(remark, "HTTP/1.1", |_, logbook| logbook.answered(false, None));
        check(remark, "busy", |_, logbook| logbook.lagged(400_000));
        check(remark, "stopped before", |_, logbook| logbook.is_cut_short = true);
        check(remark, "not HTTPS", |plan, _| plan.address = "http://hall.example.org".parse().expect("an address"));
        check(remark, "is unknown", |plan, logbook| {
            plan.message_seconds = None;
            *logbook = Logbook::new(1, 3);
            logbook.started(0);
            (0..3).for_each(|stream| logbook.opened(0, stream));
            logbook.line(0, 1, true, true);
            logbook.take_stock();
        });
    }
}
