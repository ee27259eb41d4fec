//! Is the client still there?

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

/// Asks a client that is silent for a sign of life.
#[derive(Debug)]
pub(super) struct Presence {
    /// How long a client may be silent before it is asked, and how long it may take to answer.
    interval: Duration,
    timeout: Duration,
    timer: Pin<Box<Sleep>>,
    heard: Instant,
    asked: Option<Instant>,
}

/// What is to be done, at least once an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tick {
    /// Nothing: it was heard, or may still answer.
    Wait,
    /// The client is to be asked.
    Ask,
    /// It was asked and did not answer in time.
    Gone,
}

impl Presence {
    pub(super) fn new(interval: Duration, timeout: Duration) -> Self {
        Self { interval, timeout, timer: Box::pin(sleep(interval)), heard: Instant::now(), asked: None }
    }

    /// Something came.
    pub(super) fn heard(&mut self) {
        self.heard = Instant::now();
    }

    /// Ready once an interval, or earlier.
    pub(super) fn poll_tick(&mut self, context: &mut Context<'_>) -> Poll<Tick> {
        ready!(self.timer.as_mut().poll(context));
        let now = Instant::now();
        let (tick, next) = match self.asked.filter(|asked| self.heard <= *asked) {
            Some(asked) if now >= asked + self.timeout => return Poll::Ready(Tick::Gone),
            Some(asked) => (Tick::Wait, asked + self.timeout),
            None if now < self.heard + self.interval => (Tick::Wait, self.heard + self.interval),
            None => {
                self.asked = Some(now);
                (Tick::Ask, now + self.timeout)
            }
        };
        self.timer.as_mut().reset(next.min(now + self.interval));
        Poll::Ready(tick)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    /// The seconds at which the client is asked and given up, for one that is heard at these.
    async fn check(timeout: u64, heard: &[u64], expected: &[(u64, Tick)]) {
        let begin = Instant::now();
        let mut presence = Presence::new(Duration::from_secs(30), Duration::from_secs(timeout));
        let mut heard = heard.iter().copied().map(|seconds| begin + Duration::from_secs(seconds)).peekable();
        let mut seen = Vec::new();
        while seen.last().is_none_or(|(seconds, tick)| *tick != Tick::Gone && *seconds < 300) {
            let hears = heard.peek().copied().unwrap_or(begin + Duration::from_secs(1_000));
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(hears) => { heard.next(); presence.heard() }
                tick = poll_fn(|context| presence.poll_tick(context)) => {
                    if tick != Tick::Wait {
                        seen.push((begin.elapsed().as_secs(), tick));
                    }
                }
            }
        }
        assert_eq!(seen, expected);
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_silent_is_asked_and_given_up() {
        let (ask, gone) = (Tick::Ask, Tick::Gone);
        check(60, &[], &[(30, ask), (90, gone)]).await;
        check(20, &[], &[(30, ask), (50, gone)]).await;
        check(60, &[10], &[(40, ask), (100, gone)]).await;
        check(60, &[31], &[(30, ask), (61, ask), (121, gone)]).await;
        check(60, &[89], &[(30, ask), (119, ask), (179, gone)]).await;
        check(60, &[20, 40, 60], &[(90, ask), (150, gone)]).await;
    }
}
