//! Does the service withstand known attacks, and do others notice?
//!
//! Each attack runs for a bounded time against a service on this machine, from an address of its own on the loopback
//! network, while a canary uses the service. Afterwards the service must be as it was before.

mod attacker;
mod canary;
mod ends;
mod frames;
mod http2;
mod scenario;
mod watch;

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

pub use canary::{Canary, Notes};
pub use ends::Ends;
pub use scenario::{Attack, COUNT_MAX, Known, SECONDS_MAX};
use tokio::time::{Instant, sleep, timeout};
pub use watch::Reading;
pub(crate) use watch::settled;

use self::attacker::{Attacker, NOT_OPENED, OPEN};
use crate::error::LoadError;
use crate::process::Process;
use crate::target::Loopback;

/// How much longer than planned an attack may take until it is given up.
const GRACE: Duration = Duration::from_secs(30);

/// How many descriptors this process keeps for the canary and the rest.
const DESCRIPTORS_RESERVED: usize = 64;

/// What is attacked, and as whom.
#[derive(Clone, Debug)]
pub struct Siege {
    /// The service.
    pub target: Loopback,
    /// Its process; `None`: what the attack costs is unknown.
    pub process: Option<Process>,
    /// The address to attack from; must be one of this machine.
    pub from: Option<IpAddr>,
    /// The name of the session cookie.
    pub cookie_name: String,
    /// The attacker's session.
    pub session: String,
    /// Whose it is.
    pub user: u64,
    /// The canary's session, of another user.
    pub canary_session: String,
    /// How many connections; `None`: as many as the attack has by default.
    pub count: Option<usize>,
    /// The longest time of an attack, in seconds.
    pub seconds_max: u64,
    /// How long the canary sings before the attack, to know how it sounds then.
    pub quiet: Duration,
}

/// What came of an attack.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The attack.
    pub attack: Attack,
    /// How many connections it opened, or was to open.
    pub count: usize,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// How it ended, for each connection or request.
    pub ends: Ends,
    /// What the service had before, at most, and afterwards; `None`: unknown.
    pub readings: Option<[Reading; 3]>,
    /// What the canary noticed before the attack, and during it.
    pub canary: [Notes; 2],
    /// Why the service did not withstand it.
    pub failure: Option<String>,
}

impl Siege {
    /// Attacks.
    ///
    /// # Errors
    /// The attack cannot be made, or the process is gone.
    pub async fn run(&self, attack: Attack) -> Result<Verdict, LoadError> {
        let known = attack.known();
        let count = self.count.unwrap_or(known.count).min(COUNT_MAX).min(descriptors_free());
        let time = Duration::from_secs(known.seconds.min(self.seconds_max).min(SECONDS_MAX));
        let mut canary = Canary::start(self.target.address(), &self.cookie(&self.canary_session))?;
        sleep(self.quiet).await;
        let (before, quiet) = (self.reading()?, canary.take_notes().await);
        let begin = Instant::now();
        let attacker = Attacker {
            target: self.target.address(),
            from: self.from.filter(|from| from.is_ipv4() == self.target.address().is_ipv4()),
            cookie: self.cookie(&self.session),
            user: self.user,
            until: begin + time,
            count,
        };
        let (ends, highest) = self.watched(timeout(time + GRACE, attack.run(&attacker))).await;
        let seconds = begin.elapsed().as_secs_f64();
        let after = match (self.process, &before) {
            (Some(process), Some(before)) => Some(watch::settled(process, before).await?),
            _ => None,
        };
        let during = canary.take_notes().await;
        let ends = ends.unwrap_or_else(|_| Ends::from("did not end by itself"));
        let readings = match (before, after) {
            (Some(before), Some(after)) => Some([before, highest, after]),
            _ => None,
        };
        let is_shortened = time < Duration::from_secs(known.seconds);
        let failure = failure(known, is_shortened, &ends, readings.as_ref(), &during);
        Ok(Verdict { attack, count, seconds, ends, readings, canary: [quiet, during], failure })
    }

    fn cookie(&self, session: &str) -> String {
        format!("Cookie: {}={session}\r\n", self.cookie_name)
    }

    fn reading(&self) -> Result<Option<Reading>, LoadError> {
        self.process.map(Reading::of).transpose()
    }

    /// Runs `attack`, and returns the most that the service had meanwhile.
    async fn watched<T>(&self, attack: impl Future<Output = T>) -> (T, Reading) {
        let highest = Mutex::<Reading>::default();
        let watching = async {
            match self.process {
                Some(process) => watch::watch(process, &highest).await,
                None => std::future::pending().await,
            }
        };
        let result = tokio::select! {
            result = attack => result,
            () = watching => unreachable!("it watches for ever"),
        };
        let highest = *highest.lock().unwrap_or_else(PoisonError::into_inner);
        (result, highest)
    }
}

/// Returns how many connections this process may open: what it lacks is not the service's fault.
fn descriptors_free() -> usize {
    let (allowed, _) = rlimit::Resource::NOFILE.get().unwrap_or((1_024, 1_024));
    usize::try_from(allowed).unwrap_or(usize::MAX).saturating_sub(DESCRIPTORS_RESERVED).max(1)
}

/// Returns why the service did not withstand the attack.
fn failure(
    known: Known,
    is_shortened: bool,
    ends: &Ends,
    readings: Option<&[Reading; 3]>,
    canary: &Notes,
) -> Option<String> {
    if let Some(died) = &canary.died {
        return Some(format!("the canary died: {died}"));
    }
    // A limit of time may not have been reached yet.
    let too_early: &[&str] = if is_shortened { &[OPEN, NOT_OPENED] } else { &[] };
    if let Some(end) = ends.unexpected(known.ends, too_early) {
        return Some(format!("unexpected end: {end}"));
    }
    readings.and_then(|[before, _, after]| after.left_since(before))
}

impl Verdict {
    /// The heading of [`Verdict::row`].
    pub const HEADING: &'static str = "| attack | limit | how it ended | CPU | memory before / most / after | descriptors before / most / after | \
         canary's p99 before / during | new connection, at most | withstood |\n|---|---|---|---|---|---|---|---|---|";

    /// Returns a row of a table in Markdown.
    #[must_use]
    pub fn row(&self) -> String {
        let known = self.attack.known();
        let readings = self.readings.map(|[before, highest, after]| {
            let cpu = (after.cpu_micros - before.cpu_micros) as f64 / 1e6;
            let memory = [before, highest, after].map(|reading| format!("{}", reading.memory_kb / 1024)).join(" / ");
            let descriptors = [before, highest, after].map(|reading| reading.descriptors.to_string()).join(" / ");
            format!("{cpu:.1} s | {memory} MB | {descriptors}")
        });
        let p99 = |notes: &Notes| notes.round_trip.map_or("–".to_owned(), |trips| format!("{:.1}", trips.p99_ms));
        let [before, during] = &self.canary;
        let newcomer =
            during.newcomer_max.map_or("–".to_owned(), |time| format!("{:.0} ms", time.as_secs_f64() * 1e3));
        let refused = match during.newcomers_refused {
            0 => String::new(),
            count => format!(", {count} not answered"),
        };
        format!(
            "| {} × {}, {:.0} s | {} | {} | {} | {} / {} ms | {newcomer}{refused} | {} |",
            self.count,
            known.name,
            self.seconds,
            known.limit,
            self.ends,
            readings.unwrap_or_else(|| "– | – | –".to_owned()),
            p99(before),
            p99(during),
            self.failure.as_ref().map_or("yes".to_owned(), |why| format!("**no**: {why}")),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::Percentiles;

    const KNOWN: Known = Attack::Streams.known();

    fn well() -> Notes {
        Notes { round_trip: Percentiles::of(vec![1_000]), ..Notes::default() }
    }

    #[track_caller]
    fn check(is_shortened: bool, end: &str, left_kb: u64, canary: &Notes, expected: Option<&str>) {
        let before = Reading { cpu_micros: 0, memory_kb: 1_000, descriptors: 9 };
        let readings = [before, before, Reading { memory_kb: 1_000 + left_kb, ..before }];
        let found = failure(KNOWN, is_shortened, &Ends::from(end), Some(&readings), canary);
        assert_eq!(found.as_deref(), expected, "{end}");
    }

    #[test]
    fn an_attack_is_withstood_only_if_nothing_is_left_and_nobody_noticed() {
        check(false, "429, open at the end", 0, &well(), None);
        check(false, "429", 1_000_000, &well(), Some("976 MB of memory are left"));
        check(false, "500", 0, &well(), Some("unexpected end: 500"));
        check(false, OPEN, 0, &well(), Some("unexpected end: open at the end"));
        check(true, OPEN, 0, &well(), None);
        let dead = Notes { died: Some("its stream was ended".to_owned()), ..well() };
        check(false, "429", 0, &dead, Some("the canary died: its stream was ended"));
    }

    #[test]
    fn every_attack_has_a_name_of_its_own() {
        for attack in Attack::ALL {
            assert_eq!(attack.to_string().parse::<Attack>().ok(), Some(attack));
        }
        assert!("nonsense".parse::<Attack>().is_err());
    }
}
