//! Which streams are open, and how are they notified?
//!
//! One registry instead of a timer, a task or a queue per stream: an open stream is one small slot with a waker.
//! News is announced by setting a signal in the slots and waking them; each stream then finds out for itself what it
//! is.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::counters::{EndReason, KindCounters, StreamTotals, Users};
use super::slot::Slot;
pub use super::slot::{News, SlowClientLimits, StreamKind, StreamSignals, StreamSubscription};
use crate::delivery::line::Coding;
use crate::histogram::HistogramCounts;
use domain::ports::authenticator::{Session, SessionKey};
use domain::ports::clock::Clock;
use futures_util::task::AtomicWaker;

/// All open streams of this process.
pub struct StreamRegistry {
    slots: Mutex<BTreeMap<u64, Arc<Slot>>>,
    /// Whether all streams were signalled to end. Changed and read while `slots` is locked, so that no stream enters
    /// without the signal.
    is_drained: AtomicBool,
    next_id: AtomicU64,
    /// Counts the calls of [`StreamRegistry::tick`]: the time in seconds, as precise as streams need it.
    tick: AtomicU32,
    keep_alive: KeepAliveSettings,
    /// How many bytes of the meeting had been replaced at the last call of [`StreamRegistry::end_slow_streams`].
    replaced_bytes: AtomicU64,
    counters: [KindCounters; StreamKind::ALL.len()],
    /// How often a stream was not even woken, because a change does not affect its viewer.
    suppressed: AtomicU64,
    clock: Arc<dyn Clock>,
}

/// How often a stream is sent something although nothing happened.
#[derive(Clone, Copy, Debug)]
pub struct KeepAliveSettings {
    /// After how many seconds without other traffic a keep-alive is sent; 0: never (spec: http.md#keep-alive).
    pub keep_alive_seconds: u32,
    /// After about how many seconds a client whose change id fell behind is sent the current one; 0: never (spec:
    /// stream.md#quiet-line).
    pub quiet_line_seconds: u32,
}

/// An open stream's place in the registry; dropping it leaves the registry.
#[derive(Debug)]
pub struct StreamHandle {
    registry: Arc<StreamRegistry>,
    id: u64,
    slot: Arc<Slot>,
    /// Why the stream ended, if it ended by itself.
    ended: Option<EndReason>,
}

/// What the transport of a stream reports to the registry, and learns from it. Travels with the response.
#[derive(Clone, Debug)]
pub struct TransportProgress {
    registry: Arc<StreamRegistry>,
    slot: Arc<Slot>,
}

impl StreamRegistry {
    /// Creates an empty registry, which measures durations with `clock`.
    #[must_use]
    pub fn new(keep_alive: KeepAliveSettings, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self {
            slots: Mutex::default(),
            is_drained: AtomicBool::new(false),
            next_id: AtomicU64::new(0),
            // 0 means "no line" in a slot.
            tick: AtomicU32::new(1),
            keep_alive,
            replaced_bytes: AtomicU64::new(0),
            counters: Default::default(),
            suppressed: AtomicU64::new(0),
            clock,
        })
    }

    /// Enters a stream that was opened by `session`.
    #[must_use]
    pub fn enter(self: &Arc<Self>, session: &Session, subscription: StreamSubscription) -> StreamHandle {
        self.enter_requested(session, subscription, Duration::ZERO)
    }

    /// Does the same as [`StreamRegistry::enter`] for a client that has waited for so long since its request.
    #[must_use]
    pub fn enter_requested(
        self: &Arc<Self>,
        session: &Session,
        subscription: StreamSubscription,
        waited: Duration,
    ) -> StreamHandle {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let now = self.tick.load(Ordering::Relaxed);
        let slot = Arc::new(Slot {
            waker: AtomicWaker::new(),
            signals: AtomicU8::new(0),
            // Its beginning is waiting to be sent.
            line_tick: AtomicU32::new(now.max(1)),
            line_replaced_bytes: AtomicU64::new(self.replaced_bytes.load(Ordering::Relaxed)),
            line_is_open: AtomicBool::new(true),
            waits_since: AtomicU64::new(microseconds(self.clock.monotonic().saturating_sub(waited))),
            has_begun: AtomicBool::new(false),
            active_tick: AtomicU32::new(now),
            quiet_tick: AtomicU32::new(now),
            session: session.key.clone(),
            user: session.user,
            subscription,
        });
        self.of(&slot).entered();
        let mut slots = self.slots();
        if self.is_drained.load(Ordering::Relaxed) {
            slot.signal(StreamSignals::DRAIN);
        }
        slots.insert(id, Arc::clone(&slot));
        drop(slots);
        StreamHandle { registry: Arc::clone(self), id, slot, ended: None }
    }

    /// Returns how many streams are open.
    #[must_use]
    pub fn count(&self) -> usize {
        self.slots().len()
    }

    /// Returns the totals of this kind of stream.
    #[must_use]
    pub fn totals(&self, kind: StreamKind) -> StreamTotals {
        self.counters[kind as usize].totals()
    }

    /// Returns how long clients of this kind of stream waited for what was sent, in microseconds: from the request to
    /// the end of the first line, and from the entry of a change in the store to the end of the line that carries it.
    #[must_use]
    pub fn waits_microseconds(&self, kind: StreamKind) -> [HistogramCounts; 2] {
        self.counters[kind as usize].waits()
    }

    /// Returns how many users have streams of this kind open, and how many of these streams are anonymous. Looks at
    /// every stream.
    #[must_use]
    pub fn users(&self, kind: StreamKind) -> Users {
        let slots = self.slots();
        Users::of(slots.values().filter(|slot| slot.subscription.kind() == kind).map(|slot| slot.user))
    }

    /// Returns how often a stream was left asleep since startup because a change did not affect its viewer.
    #[must_use]
    pub fn suppressed(&self) -> u64 {
        self.suppressed.load(Ordering::Relaxed)
    }

    /// Wakes the streams that a new version of the meeting may affect.
    pub fn announce(&self, news: News<'_>) {
        // Deciding whom it affects takes so long that a stream which enters in the meantime should not have to wait.
        let slots: Vec<Arc<Slot>> = self.slots().values().cloned().collect();
        let mut suppressed = 0;
        for slot in slots {
            if slot.is_concerned(news) {
                slot.waker.wake();
            } else if matches!(slot.subscription, StreamSubscription::Meeting(_)) {
                suppressed += 1;
            }
        }
        self.suppressed.fetch_add(suppressed, Ordering::Relaxed);
    }

    /// Advances the time; to be called once a second.
    pub fn tick(&self) {
        let now = self.tick.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        for (id, slot) in &*self.slots() {
            let age = |tick: &AtomicU32| now.wrapping_sub(tick.load(Ordering::Relaxed));
            let keep_alive = self.keep_alive.keep_alive_seconds;
            if keep_alive > 0 && age(&slot.active_tick) >= keep_alive {
                slot.signal(StreamSignals::KEEP_ALIVE);
            }
            let quiet = self.keep_alive.quiet_line_seconds;
            if quiet > 0 && age(&slot.quiet_tick) >= jittered(quiet, *id) {
                slot.quiet_tick.store(now, Ordering::Relaxed);
                slot.signal(StreamSignals::QUIET_LINE);
            }
        }
    }

    /// Ends the streams whose clients read a line more slowly than the limits allow, and returns how many.
    ///
    /// `replaced_bytes` is how many bytes of the meeting were replaced since startup. To be called after each tick.
    pub fn end_slow_streams(&self, slow_client_limits: SlowClientLimits, replaced_bytes: u64) -> usize {
        self.replaced_bytes.store(replaced_bytes, Ordering::Relaxed);
        let now = self.tick.load(Ordering::Relaxed);
        let slots = self.slots();
        let slow = slots.values().filter(|slot| slot.is_too_slow(slow_client_limits, now, replaced_bytes));
        slow.map(|slot| slot.signal(StreamSignals::GIVEN_UP)).count()
    }

    /// Signals one of `parts` groups of streams, of about equal size, to end, so that not all clients reconnect at
    /// once.
    pub fn drain(&self, part: u64, parts: u64) {
        for (_, slot) in self.slots().iter().filter(|(id, _)| *id % parts.max(1) == part) {
            slot.signal(StreamSignals::DRAIN);
        }
    }

    /// Signals all streams to end, including those that enter later.
    pub fn drain_rest(&self) {
        let slots = self.slots();
        self.is_drained.store(true, Ordering::Relaxed);
        slots.values().for_each(|slot| slot.signal(StreamSignals::DRAIN));
    }

    /// Returns the sessions that opened the streams, each once.
    #[must_use]
    pub fn sessions(&self) -> Vec<SessionKey> {
        let mut sessions = HashMap::new();
        for slot in self.slots().values() {
            sessions.extend(slot.session.clone().map(|session| (session, ())));
        }
        sessions.into_keys().collect()
    }

    /// Ends the streams that these sessions opened.
    pub fn revoke(&self, gone: &[SessionKey]) {
        let gone: std::collections::HashSet<_> = gone.iter().collect();
        for slot in self.slots().values() {
            if slot.session.as_ref().is_some_and(|session| gone.contains(session)) {
                slot.signal(StreamSignals::REVOKED);
            }
        }
    }

    fn of(&self, slot: &Slot) -> &KindCounters {
        &self.counters[slot.subscription.kind() as usize]
    }

    fn slots(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Slot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the time in the form of a slot, which is never 0.
fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX).max(1)
}

/// Returns between three and five quarters of `seconds`, always the same for one stream.
fn jittered(seconds: u32, id: u64) -> u32 {
    let quarters = u64::from(seconds) * (300 + (id.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) % 200) / 400;
    u32::try_from(quarters).unwrap_or(u32::MAX).max(1)
}

impl StreamHandle {
    /// Registers `waker` for news from now on, and takes the signals set so far.
    ///
    /// Must be called before checking for news, so that anything that happens afterwards wakes the stream.
    pub fn listen(&self, waker: &Waker) -> StreamSignals {
        self.slot.waker.register(waker);
        if self.slot.signals.load(Ordering::Acquire) == 0 {
            return StreamSignals::default();
        }
        // Signals to end are never cleared.
        let kept = StreamSignals::DRAIN.0 | StreamSignals::REVOKED.0 | StreamSignals::GIVEN_UP.0;
        StreamSignals(self.slot.signals.fetch_and(kept, Ordering::AcqRel))
    }

    /// Records that a line begins.
    pub fn begins_line(&self) {
        let replaced_bytes = self.registry.replaced_bytes.load(Ordering::Relaxed);
        self.slot.line_replaced_bytes.store(replaced_bytes, Ordering::Relaxed);
        self.slot.line_tick.store(self.registry.tick.load(Ordering::Relaxed).max(1), Ordering::Relaxed);
    }

    /// Records that a part being sent tells of a change that was written to the store at `written_at`, a monotonic time.
    /// What the client has waited for even longer counts.
    pub fn tells_of(&self, written_at: Duration) {
        if self.slot.waits_since.load(Ordering::Relaxed) == 0 {
            self.slot.waits_since.store(microseconds(written_at), Ordering::Relaxed);
        }
    }

    /// Records how the stream is encoded.
    pub fn encoded(&self, coding: Coding) {
        self.registry.of(&self.slot).encoded(coding);
    }

    /// Records why the stream ends, if it ends by itself and not because its client leaves.
    pub fn ends(&mut self, reason: EndReason) {
        self.ended = Some(reason);
    }

    /// Returns the handle for the transport of the stream.
    #[must_use]
    pub fn progress(&self) -> TransportProgress {
        TransportProgress { registry: Arc::clone(&self.registry), slot: Arc::clone(&self.slot) }
    }

    /// Records that `bytes` are sent to the client, which carry `text_bytes` of text, and whether they complete a line.
    pub fn sent(&self, bytes: usize, text_bytes: u64, ends_line: bool) {
        self.registry.of(&self.slot).sent(bytes as u64, text_bytes, ends_line);
        self.slot.line_is_open.store(!ends_line, Ordering::Relaxed);
        self.slot.active_tick.store(self.registry.tick.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// Returns whether nothing was sent for so long that a keep-alive is due.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        let now = self.registry.tick.load(Ordering::Relaxed);
        let keep_alive = self.registry.keep_alive.keep_alive_seconds;
        keep_alive > 0 && now.wrapping_sub(self.slot.active_tick.load(Ordering::Relaxed)) >= keep_alive
    }
}

impl TransportProgress {
    /// Records that the client has received everything the stream had. Inside a line this changes nothing: the stream
    /// only yielded.
    pub fn caught_up(&self) {
        if self.slot.line_tick.load(Ordering::Relaxed) != 0 && !self.slot.line_is_open.load(Ordering::Relaxed) {
            self.slot.line_tick.store(0, Ordering::Relaxed);
            self.measure();
        }
    }

    /// Only the task of the transport writes what is read here, so no two are counted for one.
    fn measure(&self) {
        let since = self.slot.waits_since.load(Ordering::Relaxed);
        if since == 0 {
            return;
        }
        self.slot.waits_since.store(0, Ordering::Relaxed);
        let is_first = !self.slot.has_begun.load(Ordering::Relaxed);
        self.slot.has_begun.store(true, Ordering::Relaxed);
        let waited = microseconds(self.registry.clock.monotonic()).saturating_sub(since);
        self.registry.of(&self.slot).waited(waited, is_first);
    }

    /// Ready when the client is given up.
    pub fn poll_given_up(&self, context: &Context<'_>) -> Poll<()> {
        // An announcement may have used up the waker in the meantime.
        self.slot.waker.register(context.waker());
        match self.slot.signals.load(Ordering::Acquire) & StreamSignals::GIVEN_UP.0 {
            0 => Poll::Pending,
            _ => Poll::Ready(()),
        }
    }
}

impl Drop for StreamHandle {
    fn drop(&mut self) {
        let is_given_up = self.slot.signals.load(Ordering::Relaxed) & StreamSignals::GIVEN_UP.0 != 0;
        let by_others = if is_given_up { EndReason::TooSlow } else { EndReason::ByClient };
        self.registry.of(&self.slot).left(self.ended.unwrap_or(by_others));
        self.registry.slots().remove(&self.id);
    }
}

impl fmt::Debug for StreamRegistry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("StreamRegistry").field("streams", &self.count()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
