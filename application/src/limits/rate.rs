//! How often may a user do something? (spec: notify.md#rates)

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use domain::ids::UserId;
use domain::ports::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use super::refusals::{Limit, Refusals};

/// Limits how often each user does something: so many times at once, and as many a minute in the long run.
pub struct UserRate {
    limit: Limit,
    /// `None`: there is no limit.
    limiter: Option<Limiter>,
    refusals: Arc<Refusals>,
}

/// A user does something too often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooOften {
    /// The limit that is met.
    pub limit: Limit,
    /// How long to wait until it is allowed again.
    pub retry_after: Duration,
}

struct Limiter {
    limiter: RateLimiter<UserId, HashMapStateStore<UserId>, PortClock, NoOpMiddleware<Duration>>,
    clock: PortClock,
    /// How many users are remembered when those who did nothing lately are forgotten next.
    forgets_at: AtomicUsize,
}

/// At least this many users are remembered before those are looked for who can be forgotten.
const USERS_REMEMBERED_MIN: usize = 1_024;

impl UserRate {
    /// Allows each user `per_minute_max` times a minute; 0: no limit. Who does it more often is counted in `refusals`
    /// as beyond `limit`.
    #[must_use]
    pub fn new(limit: Limit, per_minute_max: u32, clock: Arc<dyn Clock>, refusals: Arc<Refusals>) -> Self {
        let limiter = NonZeroU32::new(per_minute_max).map(|per_minute_max| {
            let clock = PortClock(clock);
            Limiter {
                limiter: RateLimiter::hashmap_with_clock(Quota::per_minute(per_minute_max), clock.clone()),
                clock,
                forgets_at: AtomicUsize::new(USERS_REMEMBERED_MIN),
            }
        });
        Self { limit, limiter, refusals }
    }

    /// Counts that `user` does it once more.
    ///
    /// # Errors
    /// The user does it too often.
    pub fn check(&self, user: UserId) -> Result<(), TooOften> {
        let Some(limiter) = &self.limiter else { return Ok(()) };
        limiter.check(user).map_err(|retry_after| {
            self.refusals.refused(self.limit, &format_args!("user {}", user.0));
            TooOften { limit: self.limit, retry_after }
        })
    }
}

impl Limiter {
    fn check(&self, user: UserId) -> Result<(), Duration> {
        if self.limiter.len() >= self.forgets_at.load(Ordering::Relaxed) {
            // Users whose full rate is available again need not be remembered.
            self.limiter.retain_recent();
            self.forgets_at.store((2 * self.limiter.len()).max(USERS_REMEMBERED_MIN), Ordering::Relaxed);
        }
        self.limiter.check_key(&user).map_err(|refusal| refusal.wait_time_from(self.clock.0.monotonic()))
    }
}

impl fmt::Debug for UserRate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("UserRate")
    }
}

/// The time as the limiter reads it.
#[derive(Clone)]
struct PortClock(Arc<dyn Clock>);

impl governor::clock::Clock for PortClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.monotonic()
    }
}

#[cfg(test)]
mod tests {
    use domain::testing::ManualClock;

    use super::*;

    const USER: UserId = UserId(5);

    fn rate(per_minute_max: u32) -> (UserRate, ManualClock) {
        let clock = ManualClock::new(0);
        let port: Arc<dyn Clock> = Arc::new(clock.clone());
        let refusals = Refusals::new(&port);
        (UserRate::new(Limit::ClapsPerUser, per_minute_max, port, refusals), clock)
    }

    /// How often the user can do it now, of 1,000 times.
    fn allowed(rate: &UserRate, user: UserId) -> usize {
        (0..1_000).filter(|_| rate.check(user).is_ok()).count()
    }

    /// (spec: notify.md#rates)
    #[test]
    fn a_user_can_do_it_so_many_times_at_once_and_so_many_times_a_minute() {
        let (rate, clock) = rate(60);
        assert_eq!(allowed(&rate, USER), 60);
        let too_often = TooOften { limit: Limit::ClapsPerUser, retry_after: Duration::from_secs(1) };
        assert_eq!(rate.check(USER), Err(too_often));
        let refused = rate.refusals.counts().find(|(limit, _)| *limit == Limit::ClapsPerUser);
        assert_eq!(refused, Some((Limit::ClapsPerUser, 941)));
        assert_eq!(allowed(&rate, UserId(6)), 60, "others are not concerned");
        clock.advance(Duration::from_secs(10));
        assert_eq!(allowed(&rate, USER), 10);
        clock.advance(Duration::from_secs(3_600));
        assert_eq!(allowed(&rate, USER), 60);
    }

    #[test]
    fn zero_is_no_limit() {
        let (rate, _) = rate(0);
        assert_eq!(allowed(&rate, USER), 1_000);
    }

    #[test]
    fn users_who_do_nothing_are_forgotten() {
        let (rate, clock) = rate(60);
        for user in 0..10 * USERS_REMEMBERED_MIN as u64 {
            assert_eq!(rate.check(UserId(user)), Ok(()));
            clock.advance(Duration::from_secs(1));
        }
        let remembered = rate.limiter.as_ref().map_or(0, |limiter| limiter.limiter.len());
        assert!(remembered <= USERS_REMEMBERED_MIN, "{remembered}");
    }
}
