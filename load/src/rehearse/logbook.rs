//! What was observed during a rehearsal, second by second and in total?

use std::collections::BTreeMap;
use std::time::Duration;

use super::Times;
use super::habits::FAILURES_UNTIL_OFFLINE;
use crate::client::Coding;
use crate::moment::now_micros;

/// How many change ids are remembered with the moment when a client first had them.
const FIRST_SEEN_MAX: usize = 100_000;

/// How many different troubles are counted; further ones are counted as [`OTHER_TROUBLES`].
const TROUBLES_MAX: usize = 50;

/// Stands for troubles beyond [`TROUBLES_MAX`].
const OTHER_TROUBLES: &str = "other troubles";

/// What was observed in one second.
#[derive(Clone, Debug, Default)]
pub struct Second {
    /// Clients with all streams open, at its end.
    pub connected: usize,
    /// Clients whose users are shown as offline, at its end.
    pub offline: usize,
    /// From the start of a client until it had its first data.
    pub first_data: Times,
    /// From the moment when the first client had a change until another one had it.
    pub spread: Times,
    /// From just before a message was sent until a client had it.
    pub messages: Times,
    /// Lines with data.
    pub lines: u64,
    /// Bytes of bodies, after compression.
    pub bytes: u64,
    /// Streams that ended or failed.
    pub interruptions: u64,
    /// Lines that made a client reconnect, because something was missing before them.
    pub gaps: u64,
    /// How late this program itself was at most, in microseconds.
    pub lag_micros: u64,
}

/// The state of a stream of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Not open yet, or broken: how often in a row, and since when.
    Down { failures: u32, since_micros: u64 },
    /// Open; something was last received then.
    Open { heard_micros: u64 },
}

impl State {
    const fn is_open(self) -> bool {
        matches!(self, Self::Open { .. })
    }
}

/// What is known of one client.
#[derive(Clone, Debug)]
struct Tab {
    started_micros: Option<u64>,
    has_data: bool,
    channel: Option<String>,
    streams: Vec<State>,
}

/// Everything that was observed.
#[derive(Clone, Debug, Default)]
pub struct Logbook {
    begin_micros: u64,
    tabs: Vec<Tab>,
    first_seen: BTreeMap<u64, u64>,
    /// Messages that were sent, and when.
    sent: BTreeMap<u64, u64>,
    /// What was observed in each second.
    pub seconds: Vec<Second>,
    /// What was observed in all of them. Its gauges have their last values.
    pub total: Second,
    /// From the end of a stream until it was open again.
    pub outages: Times,
    /// How often a stream failed for the first, second, … time in a row; the last counts users shown as offline.
    pub failures: [u64; FAILURES_UNTIL_OFFLINE as usize],
    /// Changes that any client saw.
    pub changes: u64,
    /// Lines that replaced everything a client already had.
    pub resets: u64,
    /// Lines that the web client cannot read.
    pub bad_lines: u64,
    /// Messages that a client tried to send.
    pub messages_tried: u64,
    /// Messages that were taken.
    pub messages_sent: u64,
    /// Deliveries of messages that were expected.
    pub messages_expected: u64,
    /// Answers over HTTP/2 and HTTP/1.1.
    pub answers: [u64; 2],
    /// Answers that were compressed.
    pub compressed_answers: u64,
    /// What went wrong, and how often.
    pub troubles: BTreeMap<String, u64>,
    /// For how long a stream may be silent; `None`: for ever.
    pub silence_max: Option<Duration>,
    /// The most streams that were silent for longer at the same time.
    pub silent_streams: usize,
    /// Whether it was ended before its time.
    pub is_cut_short: bool,
}

impl Logbook {
    /// Opens a logbook for this many clients with this many streams each.
    #[must_use]
    pub fn new(clients: usize, streams: usize) -> Self {
        let state = State::Down { failures: 0, since_micros: 0 };
        let tab = Tab { started_micros: None, has_data: false, channel: None, streams: vec![state; streams] };
        Self { begin_micros: now_micros(), tabs: vec![tab; clients], ..Self::default() }
    }

    /// Takes everything out.
    pub(super) fn take(&mut self) -> Self {
        self.take_stock();
        std::mem::take(self)
    }

    /// Returns the number of clients.
    #[must_use]
    pub fn clients(&self) -> usize {
        self.tabs.len()
    }

    /// Returns how many clients have got their first data.
    #[must_use]
    pub fn clients_with_data(&self) -> usize {
        self.tabs.iter().filter(|tab| tab.has_data).count()
    }

    /// Returns how many clients were started.
    #[must_use]
    pub fn clients_started(&self) -> usize {
        self.tabs.iter().filter(|tab| tab.started_micros.is_some()).count()
    }

    /// Writes the gauges of this second.
    pub(super) fn take_stock(&mut self) {
        let connected = self.tabs.iter().filter(|tab| tab.streams.iter().all(|state| state.is_open())).count();
        let is_off =
            |state: &State| matches!(state, State::Down { failures, .. } if *failures >= FAILURES_UNTIL_OFFLINE);
        let offline = self.tabs.iter().filter(|tab| tab.streams.iter().any(is_off)).count();
        self.silent_streams = self.silent_streams.max(self.silent_at(now_micros()));
        self.note(|second| (second.connected, second.offline) = (connected, offline));
    }

    /// Returns how many streams are open, but will have been silent for too long at that time.
    fn silent_at(&self, at_micros: u64) -> usize {
        let Some(silence_max) = self.silence_max else { return 0 };
        let since_micros = at_micros.saturating_sub(silence_max.as_micros() as u64);
        let is_silent = |state: &&State| matches!(state, State::Open { heard_micros } if *heard_micros < since_micros);
        self.tabs.iter().flat_map(|tab| &tab.streams).filter(is_silent).count()
    }

    fn now(&mut self) -> &mut Second {
        let index = (now_micros().saturating_sub(self.begin_micros) / 1_000_000) as usize;
        while self.seconds.len() <= index {
            // A second in which nothing was looked at is like the one before.
            let before = self.seconds.last().map(|second| (second.connected, second.offline));
            let (connected, offline) = before.unwrap_or_default();
            self.seconds.push(Second { connected, offline, ..Second::default() });
        }
        &mut self.seconds[index]
    }

    fn note(&mut self, note: impl Fn(&mut Second)) {
        note(self.now());
        note(&mut self.total);
    }

    pub(super) fn started(&mut self, client: usize) {
        self.tabs[client].started_micros = Some(now_micros());
    }

    pub(super) fn answered(&mut self, is_http2: bool, coding: Option<Coding>) {
        self.answers[usize::from(!is_http2)] += 1;
        self.compressed_answers += u64::from(coding.is_some());
    }

    pub(super) fn received(&mut self, client: usize, stream: usize, bytes: usize) {
        if let State::Open { heard_micros } = &mut self.tabs[client].streams[stream] {
            *heard_micros = now_micros();
        }
        self.note(|second| second.bytes += bytes as u64);
    }

    pub(super) fn opened(&mut self, client: usize, stream: usize) {
        let state =
            std::mem::replace(&mut self.tabs[client].streams[stream], State::Open { heard_micros: now_micros() });
        if let State::Down { failures: 1.., since_micros } = state {
            self.outages.add(now_micros() - since_micros);
        }
    }

    /// Notes that a stream ended or failed for the `failures`th time in a row.
    pub(super) fn interrupted(&mut self, client: usize, stream: usize, failures: u32, reason: String) {
        let state = &mut self.tabs[client].streams[stream];
        let since_micros = match *state {
            State::Down { failures: 1.., since_micros } => since_micros,
            State::Down { .. } | State::Open { .. } => now_micros(),
        };
        *state = State::Down { failures, since_micros };
        if stream == 1 {
            self.tabs[client].channel = None;
        }
        if let Some(count) = self.failures.get_mut(failures.saturating_sub(1) as usize) {
            *count += 1;
        }
        self.trouble(reason);
        self.note(|second| second.interruptions += 1);
    }

    /// Counts something that went wrong.
    pub(super) fn trouble(&mut self, reason: String) {
        let is_known = self.troubles.len() < TROUBLES_MAX || self.troubles.contains_key(&reason);
        *self.troubles.entry(if is_known { reason } else { OTHER_TROUBLES.to_owned() }).or_default() += 1;
    }

    /// Notes a line with data up to the change `to`; `is_exact` if something in it changed.
    pub(super) fn line(&mut self, client: usize, to: u64, all_data: bool, is_exact: bool) {
        let at_micros = now_micros();
        let tab = &mut self.tabs[client];
        let first = (!tab.has_data).then_some(tab.started_micros).flatten();
        self.resets += u64::from(all_data && tab.has_data);
        tab.has_data = true;
        self.note(|second| {
            second.lines += 1;
            if let Some(started_micros) = first {
                second.first_data.add(at_micros - started_micros);
            }
        });
        if first.is_none() && !all_data && is_exact {
            self.seen(to, at_micros);
        }
    }

    fn seen(&mut self, change_id: u64, at_micros: u64) {
        match self.first_seen.get(&change_id) {
            Some(first) => {
                let micros = at_micros - first;
                self.note(|second| second.spread.add(micros));
            }
            None => {
                self.first_seen.insert(change_id, at_micros);
                self.changes += 1;
                if self.first_seen.len() > FIRST_SEEN_MAX {
                    self.first_seen.pop_first();
                }
            }
        }
    }

    pub(super) fn other_line(&mut self) {
        self.note(|second| second.lines += 1);
    }

    pub(super) fn bad_line(&mut self, address: &str) {
        self.bad_lines += 1;
        self.trouble(format!("{address}: a line that the web client cannot read"));
    }

    pub(super) fn gap(&mut self) {
        self.note(|second| second.gaps += 1);
    }

    pub(super) fn has_channel(&mut self, client: usize, channel: String) {
        self.tabs[client].channel = Some(channel);
    }

    /// Returns the channel ids of all clients that listen, by client.
    pub(super) fn channels(&self) -> Vec<(usize, String)> {
        let tabs = self.tabs.iter().enumerate();
        tabs.filter_map(|(client, tab)| Some((client, tab.channel.clone()?))).collect()
    }

    /// Notes that a message is about to be sent.
    pub(super) fn sends(&mut self, number: u64) {
        self.messages_tried += 1;
        self.sent.insert(number, now_micros());
    }

    /// Notes that the message was taken, for this many listeners.
    pub(super) fn was_sent(&mut self, listeners: usize) {
        self.messages_sent += 1;
        self.messages_expected += listeners as u64;
    }

    /// Notes a message that arrived. Those of others do not count.
    pub(super) fn message(&mut self, number: u64) {
        if let Some(sent_micros) = self.sent.get(&number) {
            let micros = now_micros() - sent_micros;
            self.note(|second| second.messages.add(micros));
        }
    }

    pub(super) fn lagged(&mut self, micros: u64) {
        self.note(|second| second.lag_micros = second.lag_micros.max(micros));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_connected_with_all_its_streams_and_offline_with_the_fourth_failure_of_one() {
        let mut logbook = Logbook::new(2, 2);
        logbook.opened(0, 0);
        logbook.take_stock();
        assert_eq!((logbook.total.connected, logbook.total.offline), (0, 0));
        logbook.opened(0, 1);
        for failures in 1..=4 {
            logbook.interrupted(1, 0, failures, "refused".to_owned());
        }
        logbook.take_stock();
        assert_eq!((logbook.total.connected, logbook.total.offline), (1, 1));
        assert_eq!((logbook.failures, logbook.total.interruptions), ([1, 1, 1, 1], 4));
        assert_eq!(logbook.troubles.get("refused"), Some(&4));
        logbook.opened(1, 0);
        logbook.take_stock();
        assert_eq!((logbook.total.offline, logbook.outages.count()), (0, 1));
    }

    #[test]
    fn the_spread_of_a_change_is_measured_from_the_first_client_that_has_it() {
        let mut logbook = Logbook::new(3, 2);
        for client in 0..3 {
            logbook.started(client);
            logbook.line(client, 5, true, true);
        }
        assert_eq!((logbook.total.first_data.count(), logbook.clients_with_data()), (3, 3));
        for client in 0..3 {
            logbook.line(client, 6, false, true);
        }
        // A line without changes only says how far the client is.
        logbook.line(0, 7, false, false);
        assert_eq!((logbook.changes, logbook.total.spread.count(), logbook.resets), (1, 2, 0));
        logbook.line(0, 8, true, true);
        assert_eq!((logbook.resets, logbook.total.lines), (1, 8));
    }

    #[test]
    fn a_stream_is_silent_while_nothing_comes_for_too_long() {
        let mut logbook = Logbook::new(2, 2);
        logbook.silence_max = Some(Duration::from_secs(45));
        logbook.opened(0, 0);
        logbook.opened(0, 1);
        let in_seconds = |seconds: u64| now_micros() + seconds * 1_000_000;
        assert_eq!((logbook.silent_at(in_seconds(40)), logbook.silent_at(in_seconds(46))), (0, 2));
        logbook.tabs[0].streams[0] = State::Open { heard_micros: 0 };
        logbook.silence_max = Some(Duration::ZERO);
        assert_eq!(logbook.silent_at(1), 1);
        logbook.received(0, 0, 1);
        assert_eq!(logbook.silent_at(1), 0);
        logbook.interrupted(0, 1, 1, "reset".to_owned());
        assert_eq!(logbook.silent_at(in_seconds(1)), 1);
        logbook.silence_max = None;
        assert_eq!(logbook.silent_at(in_seconds(1)), 0);
    }

    #[test]
    fn only_messages_of_this_rehearsal_count() {
        let mut logbook = Logbook::new(1, 2);
        logbook.sends(7);
        logbook.was_sent(1);
        logbook.message(7);
        logbook.message(8);
        assert_eq!((logbook.messages_sent, logbook.messages_expected, logbook.total.messages.count()), (1, 1, 1));
    }

    #[test]
    fn troubles_are_limited() {
        let mut logbook = Logbook::new(1, 1);
        (0..1_000).for_each(|number| logbook.trouble(format!("trouble {number}")));
        assert_eq!((logbook.troubles.len(), logbook.troubles[OTHER_TROUBLES]), (TROUBLES_MAX + 1, 950));
    }
}
