//! How does a client behave? Like the web client: it reconnects after half a second, then after 2 to 5 seconds.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::testing::generator::Random;
use tokio::time::{Instant, sleep, timeout};

use crate::check;
use crate::connection::{Connection, Manners, NotOpened};
use crate::control::Control;
use crate::mail::Mail;
use crate::network::Door;
use crate::server::{Server, cookie};
use crate::trace::Trace;

/// The greeting of every stream.
pub(crate) const GREETING: &[u8] = br#"{"connected":true}"#;

/// What is wrong with a stream that did not end between two lines (spec: http.md#stopping).
pub(crate) const CUT: &str = "the stream was cut";

/// How long a client waits for an answer.
pub(crate) const ANSWER_TIME_MAX: Duration = Duration::from_secs(60);

/// After how long some clients close their direction of a connection.
const HALF_CLOSED_AFTER: Duration = Duration::from_secs(3);

/// How many failures in a row make the web client show its user as offline.
const FAILURES_MAX: u32 = 4;

/// The surroundings of clients: what they share with the world.
#[derive(Clone)]
pub(crate) struct Around {
    pub(crate) server: Arc<Mutex<Server>>,
    /// The door of each instance; `None` if it does not run.
    pub(crate) doors: Arc<Mutex<Vec<Option<Door>>>>,
    /// The messages between clients.
    pub(crate) mail: Arc<Mutex<Mail>>,
    /// Since all was well, nothing happened but changes and planned restarts.
    pub(crate) is_orderly: Arc<AtomicBool>,
    pub(crate) violations: Arc<Mutex<Vec<String>>>,
    pub(crate) trace: Trace,
}

impl Around {
    /// Records that a promise was broken.
    pub(crate) fn violated(&self, what: String) {
        self.trace.add("violated", &what);
        self.violations.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }

    /// Returns the door of the instance, or of the next one that runs.
    pub(crate) fn door(&self, instance: usize) -> Option<Door> {
        let doors = self.doors.lock().unwrap_or_else(PoisonError::into_inner);
        // If the instance does not run, the next one that does, as with a load balancer.
        (0..doors.len()).find_map(|step| doors[(instance + step) % doors.len()].clone())
    }
}

/// Returns how long the web client waits before it opens a stream again.
pub(crate) fn before_reconnecting(was_served: bool, random: &mut Random) -> Duration {
    Duration::from_millis(if was_served { 500 } else { 2_000 + random.below(3_000) })
}

/// The client of one user.
pub(crate) struct WebClient {
    pub(crate) name: String,
    pub(crate) user: u64,
    pub(crate) manners: Manners,
    pub(crate) control: Control,
    pub(crate) around: Around,
    pub(crate) random: Random,
    /// It closes its direction of every second connection after a while.
    pub(crate) half_closes: bool,
}

impl WebClient {
    /// Connects and reconnects for ever.
    pub(crate) async fn run(mut self) {
        loop {
            self.control.until(|state| state.is_online).await;
            let closes = self.half_closes && self.manners.half_closes.is_none();
            self.manners.half_closes = closes.then_some(HALF_CLOSED_AFTER);
            let mut was_served = false;
            tokio::select! {
                biased;
                () = self.control.ended() => {}
                () = self.stay(&mut was_served) => {}
            }
            self.control.state().is_connected = false;
            sleep(before_reconnecting(was_served, &mut self.random)).await;
        }
    }

    /// Opens one stream, and reads it to its end.
    async fn stay(&self, was_served: &mut bool) {
        let at_login = self.around.server.lock().unwrap_or_else(PoisonError::into_inner).at_login(self.user);
        let (change_id, instance) = {
            let mut state = self.control.state();
            state.at_login = at_login;
            state.served_as = [self.user, 0].into();
            state.last_to = None;
            state.may_have_more = state.data.client.change_id != 0;
            (state.data.client.change_id, state.instance)
        };
        let Some(door) = self.around.door(instance) else { return self.failed("nobody listens") };
        let target = format!("/system/autoupdate?change_id={change_id}");
        let cookie = (self.user != 0).then(|| cookie(self.user));
        let opening = Connection::open(&door, &self.manners, &target, cookie.as_deref());
        let mut stream = match timeout(ANSWER_TIME_MAX, opening).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(NotOpened::Failed(why))) => return self.failed(&why),
            Ok(Err(NotOpened::Refused(status, text))) => {
                if status == 500 {
                    self.violated(format!("the service failed: {text}"));
                }
                // The text holds an id that is drawn at random.
                let why = format!("refused: {status}");
                return if status == 400 { self.note(&why) } else { self.failed(&why) };
            }
            Err(_) => return self.violated(format!("no answer within {ANSWER_TIME_MAX:?}")),
        };
        *was_served = true;
        self.note(&format!("connected with {change_id}"));
        {
            let mut state = self.control.state();
            (state.is_connected, state.connected_at, state.failures) = (true, Some(Instant::now()), 0);
            state.has_stalled = state.is_stalled;
        }
        self.read(&mut stream).await;
        self.note("stream ended");
    }

    async fn read(&self, stream: &mut Connection) {
        loop {
            self.control.until(|state| !state.is_stalled).await;
            match stream.next().await {
                Ok(Some(line)) if line == GREETING => {}
                Ok(Some(line)) => self.take(&line),
                // Whoever does not read does not read the end either.
                Ok(None) if stream.is_cut() && !self.control.state().has_stalled => {
                    return self.violated(CUT.to_owned());
                }
                Ok(None) => return,
                Err(wrong) => return self.violated(wrong),
            }
        }
    }

    fn take(&self, line: &[u8]) {
        self.note(&String::from_utf8_lossy(line));
        let mut server = self.around.server.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = self.control.state();
        state.lines += 1;
        if let Err(wrong) = check::line(&mut server, &mut state, self.user, line) {
            drop(state);
            self.violated(wrong);
        }
    }

    /// The client cannot be served, through no fault of its own.
    fn failed(&self, why: &str) {
        self.note(&format!("failed: {why}"));
        let failures = {
            let mut state = self.control.state();
            state.failures += 1;
            state.failures
        };
        if failures >= FAILURES_MAX && self.around.is_orderly.load(Ordering::Relaxed) {
            self.violated(format!("{failures} failures in a row over planned restarts, the last: {why}"));
        }
    }

    fn note(&self, what: &str) {
        self.around.trace.add(&self.name, what);
    }

    fn violated(&self, what: String) {
        self.around.violated(format!("{} of user {}: {what}", self.name, self.user));
    }
}
