//! What do the clients of a fault go through, and is everything that they are sent as promised?

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use memchr::memmem;

use super::canary;
use super::held::{Effect, Held, Texts};
use super::mail::{Mail, Missing};
use crate::moment::now_micros;
use crate::rehearse::Observer;

/// How many different broken promises are kept; of more only the number is interesting.
const BROKEN_MAX: usize = 20;

/// How many different troubles are kept.
const TROUBLES_MAX: usize = 20;

/// The number of the autoupdate stream.
const AUTOUPDATE: usize = 0;

/// The number of the stream of messages.
const NOTIFY: usize = 1;

/// Many clients.
#[derive(Debug)]
pub(super) struct Crowd(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    members: Vec<Member>,
    texts: Texts,
    mail: Mail,
    counts: Counts,
    is_counting: bool,
    is_canary_seen: bool,
}

#[derive(Debug, Default)]
struct Member {
    /// Whether its user may ever see the canary.
    may_see_canary: bool,
    held: Held,
    streams: Vec<Stream>,
    last_news_micros: u64,
    longest_without_stream_micros: u64,
    longest_without_news_micros: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Stream {
    is_open: bool,
    down_since_micros: u64,
}

/// What happened to the clients while it was counted.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    /// Promises that were broken, and how often; counted at all times.
    pub(super) broken: BTreeMap<String, u64>,
    /// Why streams ended or failed, and how often.
    pub(super) troubles: BTreeMap<String, u64>,
    /// Streams that were open and ended.
    pub(super) broken_off: u64,
    /// The most failures in a row that a stream had.
    pub(super) failures_max: u32,
    /// Lines that replaced everything that a client had.
    pub(super) resets: u64,
    /// For each client whose autoupdate stream was interrupted: for how long at most.
    pub(super) without_stream_micros: Vec<u64>,
    /// How late this program itself was at most.
    pub(super) lag_max: Duration,
    /// For each client: the longest time between two lines of the autoupdate stream.
    pub(super) without_news_micros: Vec<u64>,
}

impl Crowd {
    /// Clients with this many streams each, of users who may or may not see the canary.
    pub(super) fn new(may_see_canary: &[bool], streams: usize) -> Self {
        let member = |may: &bool| Member {
            may_see_canary: *may,
            streams: vec![Stream::default(); streams],
            ..Member::default()
        };
        let members = may_see_canary.iter().map(member).collect();
        Self(Mutex::new(State { members, mail: Mail::new(may_see_canary.len()), ..State::default() }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to count.
    pub(super) fn start_counting(&self) {
        let state = &mut *self.state();
        state.is_counting = true;
        for member in &mut state.members {
            member.last_news_micros = now_micros();
        }
    }

    /// Stops counting, and returns what was counted.
    pub(super) fn stop_counting(&self) -> Counts {
        let state = &mut *self.state();
        state.is_counting = false;
        let mut counts = std::mem::take(&mut state.counts);
        let longest = |of: fn(&Member) -> u64| state.members.iter().map(of).filter(|micros| *micros > 0).collect();
        counts.without_stream_micros = longest(|member| member.longest_without_stream_micros);
        counts.without_news_micros = longest(|member| member.longest_without_news_micros);
        counts
    }

    /// Returns how many clients do not have everything up to exactly this change, or lack a stream.
    pub(super) fn behind(&self, change_id: u64) -> usize {
        let is_behind = |member: &&Member| {
            member.held.change_id != change_id || member.streams.iter().any(|stream| !stream.is_open)
        };
        self.state().members.iter().filter(is_behind).count()
    }

    /// Returns how many clients lack a stream or have not got anything yet.
    pub(super) fn waiting(&self) -> usize {
        let is_waiting =
            |member: &&Member| member.held.change_id == 0 || member.streams.iter().any(|stream| !stream.is_open);
        self.state().members.iter().filter(is_waiting).count()
    }

    /// Returns how many messages were taken, and what of them is missing.
    pub(super) fn messages(&self) -> (usize, Missing) {
        let state = self.state();
        (state.mail.count(), state.mail.missing())
    }

    /// Returns whether a client that may see the canary has seen it.
    pub(super) fn is_canary_seen(&self) -> bool {
        self.state().is_canary_seen
    }

    /// Compares each client with the one of `fresh` that has the same user: the users take turns. Returns what differs,
    /// by client.
    pub(super) fn compare(&self, fresh: &Self) -> Vec<String> {
        let (state, fresh) = (self.state(), fresh.state());
        let members = state.members.iter().zip(fresh.members.iter().cycle()).enumerate();
        members
            .filter_map(|(number, (member, fresh))| {
                let how = member.held.differs_from(&fresh.held)?;
                Some(format!("client {number} {how}"))
            })
            .collect()
    }

    /// Notes how late this program was.
    pub(super) fn lagged(&self, lag: Duration) {
        let state = &mut *self.state();
        if state.is_counting {
            state.counts.lag_max = state.counts.lag_max.max(lag);
        }
    }

    /// Runs `look` on what a client holds.
    pub(super) fn look<T>(&self, client: usize, look: impl FnOnce(&Held) -> T) -> Option<T> {
        self.state().members.get(client).map(|member| look(&member.held))
    }
}

impl State {
    fn breaks(&mut self, promise: String) {
        if self.counts.broken.len() < BROKEN_MAX || self.counts.broken.contains_key(&promise) {
            *self.counts.broken.entry(promise).or_default() += 1;
        }
    }
}

impl Observer for Crowd {
    fn opened(&self, client: usize, stream: usize) {
        let state = &mut *self.state();
        if stream == NOTIFY {
            state.mail.opened(client, now_micros());
        }
        let member = &mut state.members[client];
        let before = std::mem::replace(&mut member.streams[stream], Stream { is_open: true, down_since_micros: 0 });
        if stream == AUTOUPDATE && !before.is_open && before.down_since_micros > 0 && state.is_counting {
            let micros = now_micros() - before.down_since_micros;
            member.longest_without_stream_micros = member.longest_without_stream_micros.max(micros);
        }
    }

    fn line(&self, client: usize, stream: usize, text: &[u8]) {
        let state = &mut *self.state();
        if stream == NOTIFY
            && let Err(wrong) = state.mail.line(client, text)
        {
            state.breaks(wrong);
        }
        if stream != AUTOUPDATE {
            return;
        }
        let now = now_micros();
        let member = &mut state.members[client];
        if state.is_counting {
            let micros = now - member.last_news_micros;
            member.longest_without_news_micros = member.longest_without_news_micros.max(micros);
        }
        member.last_news_micros = now;
        let shows_canary = memmem::find(text, canary::MARK.as_bytes()).is_some();
        let may_see_canary = member.may_see_canary;
        state.is_canary_seen |= shows_canary && may_see_canary;
        match member.held.apply(text, &mut state.texts) {
            Ok(Effect::Everything) => state.counts.resets += u64::from(state.is_counting),
            Ok(Effect::First | Effect::Difference) => {}
            Err(wrong) => state.breaks(wrong),
        }
        if shows_canary && !may_see_canary {
            state.breaks("a client was sent what its user may never see".to_owned());
        }
    }

    fn taken(&self, number: u64, sent_micros: u64) {
        self.state().mail.taken(number, sent_micros);
    }

    fn interrupted(&self, client: usize, stream: usize, failures: u32, reason: &str) {
        let state = &mut *self.state();
        if stream == NOTIFY {
            state.mail.interrupted(client);
        }
        let of_client = &mut state.members[client].streams[stream];
        let was_open = of_client.is_open;
        if was_open || of_client.down_since_micros == 0 {
            *of_client = Stream { is_open: false, down_since_micros: now_micros() };
        }
        if !state.is_counting {
            return;
        }
        let counts = &mut state.counts;
        counts.broken_off += u64::from(was_open);
        counts.failures_max = counts.failures_max.max(failures);
        if counts.troubles.len() < TROUBLES_MAX || counts.troubles.contains_key(reason) {
            *counts.troubles.entry(reason.to_owned()).or_default() += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(from: u64, to: u64, name: &str) -> String {
        format!(
            "{{\"changed\":{{\"core/tag\":[{{\"id\":1,\"name\":\"{name}\"}}]}},\"deleted\":{{}},\"from_change_id\":{from},\
             \"to_change_id\":{to},\"all_data\":{}}}",
            from == 0
        )
    }

    /// Two clients, of which the second may not see the canary, with everything up to 5.
    fn crowd() -> Crowd {
        let crowd = Crowd::new(&[true, false], 1);
        for client in 0..2 {
            crowd.opened(client, 0);
            crowd.line(client, 0, line(0, 5, "a").as_bytes());
        }
        crowd.start_counting();
        crowd
    }

    #[test]
    fn a_gap_and_a_glimpse_of_the_canary_break_a_promise() {
        let crowd = crowd();
        crowd.line(0, 0, line(5, 6, canary::MARK).as_bytes());
        assert!(crowd.is_canary_seen());
        assert_eq!(crowd.stop_counting().broken.len(), 0);
        crowd.line(1, 0, line(5, 6, canary::MARK).as_bytes());
        crowd.line(0, 0, line(8, 9, "b").as_bytes());
        let broken = crowd.stop_counting().broken;
        assert_eq!(broken.len(), 2, "{broken:?}");
    }

    #[test]
    fn who_is_behind_or_holds_something_else_is_named() {
        let crowd = crowd();
        let fresh = Crowd::new(&[true], 1);
        assert_eq!((fresh.waiting(), crowd.waiting()), (1, 0));
        fresh.opened(0, 0);
        fresh.line(0, 0, line(0, 5, "a").as_bytes());
        assert_eq!((crowd.behind(5), crowd.compare(&fresh)), (0, Vec::new()));
        crowd.line(1, 0, line(5, 6, "b").as_bytes());
        assert_eq!(crowd.behind(5), 1);
        assert_eq!(crowd.compare(&fresh), ["client 1 is at 6, a new client at 5"]);
        crowd.interrupted(0, 0, 1, "gone");
        assert_eq!(crowd.behind(5), 2);
    }

    #[test]
    fn interruptions_are_counted_until_the_stream_is_open_again() {
        let crowd = crowd();
        crowd.interrupted(0, 0, 1, "gone");
        crowd.interrupted(0, 0, 2, "refused");
        crowd.opened(0, 0);
        crowd.line(0, 0, line(0, 3, "a").as_bytes().to_vec().as_slice());
        let counts = crowd.stop_counting();
        assert_eq!((counts.broken_off, counts.failures_max, counts.without_stream_micros.len()), (1, 2, 1));
        assert_eq!(counts.troubles.len(), 2);
    }
}
