//! How does a client behave? Like the web client: it reconnects after half a second, then after 2 to 5 seconds.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::testing::generator::Random;
use tokio::time::{sleep, timeout};

use crate::check;
use crate::connection::{Connection, Manners, NotOpened};
use crate::control::Control;
use crate::network::Door;
use crate::server::{Server, cookie};
use crate::trace::Trace;

/// The first line of every stream.
const GREETING: &[u8] = br#"{"connected":true}"#;

/// How long a client waits for an answer.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(60);

/// The surroundings of clients: what they share with the world.
#[derive(Clone)]
pub(crate) struct Around {
    pub(crate) server: Arc<Mutex<Server>>,
    /// The door of each instance; `None` if it does not run.
    pub(crate) doors: Arc<Mutex<Vec<Option<Door>>>>,
    pub(crate) violations: Arc<Mutex<Vec<String>>>,
    pub(crate) trace: Trace,
}

impl Around {
    /// Records that a promise was broken.
    pub(crate) fn violated(&self, what: String) {
        self.trace.add("violated", &what);
        self.violations.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }

    fn door(&self, instance: usize) -> Option<Door> {
        let doors = self.doors.lock().unwrap_or_else(PoisonError::into_inner);
        // If the instance does not run, the next one that does, as with a load balancer.
        (0..doors.len()).find_map(|step| doors[(instance + step) % doors.len()].clone())
    }
}

/// The client of one user.
pub(crate) struct WebClient {
    pub(crate) name: String,
    pub(crate) user: u64,
    pub(crate) manners: Manners,
    pub(crate) control: Control,
    pub(crate) around: Around,
    pub(crate) random: Random,
}

impl WebClient {
    /// Connects and reconnects for ever.
    pub(crate) async fn run(mut self) {
        let mut connection = self.control.connection.subscribe();
        loop {
            self.control.until(|state| state.is_online).await;
            let mut was_served = false;
            tokio::select! {
                biased;
                _ = connection.changed() => {}
                () = self.stay(&mut was_served) => {}
            }
            self.control.state().is_connected = false;
            let pause = if was_served { 500 } else { 2_000 + self.random.below(3_000) };
            sleep(Duration::from_millis(pause)).await;
        }
    }

    /// Opens one stream, and reads it to its end.
    async fn stay(&self, was_served: &mut bool) {
        let (change_id, instance) = {
            let mut state = self.control.state();
            state.served_as = [self.user, 0].into();
            state.last_to = None;
            (state.data.client.change_id, state.instance)
        };
        let Some(door) = self.around.door(instance) else { return };
        let target = format!("/system/autoupdate?change_id={change_id}");
        let cookie = (self.user != 0).then(|| cookie(self.user));
        let opening = Connection::open(&door, self.manners, &target, cookie.as_deref());
        let mut stream = match timeout(ANSWER_TIME_MAX, opening).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(NotOpened::Failed(why))) => return self.note(&format!("failed: {why}")),
            Ok(Err(NotOpened::Refused(status, text))) => {
                if status == 500 {
                    self.violated(format!("the service failed: {text}"));
                }
                // The text contains a random id, which would change the hash of the trace.
                return self.note(&format!("refused: {status}"));
            }
            Err(_) => return self.violated(format!("no answer within {ANSWER_TIME_MAX:?}")),
        };
        *was_served = true;
        self.note(&format!("connected with {change_id}"));
        self.control.state().is_connected = true;
        self.read(&mut stream).await;
        self.note("stream ended");
    }

    async fn read(&self, stream: &mut Connection) {
        loop {
            self.control.until(|state| !state.is_stalled).await;
            match stream.next().await {
                Ok(Some(line)) if line == GREETING || line == b"{}" || line.is_empty() => {}
                Ok(Some(line)) => self.take(&line),
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

    fn note(&self, what: &str) {
        self.around.trace.add(&self.name, what);
    }

    fn violated(&self, what: String) {
        self.around.violated(format!("{} of user {}: {what}", self.name, self.user));
    }
}
