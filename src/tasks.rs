//! What does the service do besides answering requests?

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use adapters::http::connections::{Connections, News, Patience};
use adapters::http::drain::DrainTrigger;
use adapters::http::health::Readiness;
use adapters::http::projectors::Projectors;
use domain::live::Live;
use domain::meeting::Version;
use domain::ports::authenticator::{Authenticator, SessionKey};
use domain::ports::clock::Clock;
use domain::ports::element_store::ElementStore;
use tracing::{info, warn};

use crate::ingest::Observer;

/// Tells the clients and the health route what the ingest loop does.
pub(crate) struct Announcer {
    pub(crate) live: Arc<Live>,
    pub(crate) connections: Arc<Connections>,
    pub(crate) projectors: Arc<Projectors>,
    pub(crate) readiness: Readiness,
    /// The version that was announced last; only the ingest loop announces.
    pub(crate) announced: Mutex<Option<Version>>,
}

impl Observer for Announcer {
    fn published(&self) {
        let Some(published) = self.live.published() else { return };
        let current = published.current().version();
        let before = self.announced.lock().unwrap_or_else(PoisonError::into_inner).replace(current);
        let transition = before.and_then(|before| published.transition(before));
        let changes = self.projectors.update();
        self.readiness.set_ready();
        self.connections.announce(News { transition: transition.as_deref(), projectors: &changes });
    }

    fn waiting(&self, reason: &str) {
        self.readiness.set_not_ready(reason);
    }
}

/// Tells the registry of streams the time, for keep-alives and for clients that do not read on.
pub(crate) async fn tick(connections: Arc<Connections>, live: Arc<Live>, patience: Patience, clock: Arc<dyn Clock>) {
    loop {
        clock.sleep(Duration::from_secs(1)).await;
        connections.tick();
        let replaced_bytes = live.published().map_or(0, |published| published.history().replaced_bytes());
        let streams = connections.give_up(patience, replaced_bytes);
        if streams > 0 {
            info!(streams, "streams were ended whose clients read too slowly; they come back and go on");
        }
    }
}

/// How many sessions one question to Redis names.
const SESSIONS_PER_QUESTION_MAX: usize = 500;

/// Ends the streams whose session is gone (spec: auth.md, A stream keeps its right only while it lasts).
pub(crate) async fn check_sessions(
    connections: Arc<Connections>,
    authenticator: Arc<dyn Authenticator>,
    store: Arc<dyn ElementStore>,
    clock: Arc<dyn Clock>,
    interval: Duration,
) {
    let mut failing = false;
    loop {
        clock.sleep(interval).await;
        for sessions in connections.sessions().chunks(SESSIONS_PER_QUESTION_MAX) {
            match authenticator.sessions_exist(sessions).await {
                Ok(exist) => {
                    failing = false;
                    let gone = sessions.iter().zip(exist).filter(|(_, exists)| !exists);
                    let gone: Vec<SessionKey> = gone.map(|(session, _)| session.clone()).collect();
                    // A Redis that was emptied has lost the sessions too. Until the server has filled it again that says
                    // nothing of who is logged in.
                    if !gone.is_empty() && store.bounds().await.is_ok() {
                        connections.revoke(&gone);
                    }
                }
                // Nobody's stream ends because it cannot be told.
                Err(error) => {
                    if !std::mem::replace(&mut failing, true) {
                        warn!(%error, "cannot check whether sessions still exist; their streams stay open");
                    }
                    break;
                }
            }
        }
    }
}

/// How many parts the streams are ended in: so that not all clients come back in the same moment.
const DRAIN_PARTS: u64 = 20;

/// Ends the service in order (spec: http.md, Stopping): returns when all streams were told to end.
pub(crate) async fn drain(
    connections: Arc<Connections>,
    readiness: Readiness,
    trigger: DrainTrigger,
    clock: Arc<dyn Clock>,
    duration: Duration,
) {
    info!(streams = connections.count(), "stopping");
    readiness.set_stopping();
    trigger.begin();
    let pause = duration / u32::try_from(DRAIN_PARTS).unwrap_or(1);
    for part in 0..DRAIN_PARTS {
        connections.drain(part, DRAIN_PARTS);
        if connections.count() == 0 {
            break;
        }
        clock.sleep(pause).await;
    }
    // Those that were opened meanwhile on connections that were still there.
    connections.drain_rest();
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Waker};

    use adapters::http::connections::{Connection, Interest, Rhythm, Signals};
    use domain::catch_up::start_with_everything;
    use domain::history::HistoryLimits;
    use domain::ids::{ChangeId, UserId};
    use domain::live::PiecesLimit;
    use domain::meeting::{Change, Meeting};
    use domain::ports::Unavailable;
    use domain::ports::authenticator::{MockAuthenticator, Session};
    use domain::ports::element_store::{Bounds, MockElementStore, RawElement, Snapshot, StoreError};
    use domain::testing::ManualClock;
    use domain::viewer::Viewer;

    use super::*;
    use crate::test_support::JumpingClock;

    const BOUNDS: Bounds = Bounds { lowest: ChangeId(1), highest: ChangeId(1) };

    /// After a check with these answers, is a stream told that its session is gone?
    async fn check(exists: Result<bool, Unavailable>, bounds: Result<Bounds, StoreError>, expected: bool) {
        let connections = Connections::new(Rhythm { keep_alive_seconds: 0, quiet_line_seconds: 0 });
        let key = SessionKey("key".to_owned());
        let session = Session { key: Some(key), user: Some(UserId(5)), auth_hash: None };
        let stream: Connection = connections.enter(&session, Interest::Messages);
        let mut authenticator = MockAuthenticator::new();
        let answer = exists.clone().map(|exists| vec![exists]);
        authenticator.expect_sessions_exist().returning(move |_| answer.clone());
        let mut store = MockElementStore::new();
        let answer = bounds.clone();
        store.expect_bounds().returning(move || answer.clone());
        let clock = Arc::new(ManualClock::new(0));
        let interval = Duration::from_secs(60);
        let task = tokio::spawn(check_sessions(
            Arc::clone(&connections),
            Arc::new(authenticator),
            Arc::new(store),
            Arc::clone(&clock) as Arc<dyn Clock>,
            interval,
        ));
        clock.until_asleep(1).await;
        clock.advance(interval);
        // Nothing that the check waits for takes time: it is done when all that can go on went on.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        task.abort();
        let is_revoked = stream.listen(Waker::noop()).has(Signals::REVOKED);
        assert_eq!(is_revoked, expected, "{exists:?} {bounds:?}");
    }

    #[tokio::test]
    async fn a_stream_ends_only_if_its_session_is_known_to_be_gone() {
        check(Ok(true), Ok(BOUNDS), false).await;
        check(Ok(false), Ok(BOUNDS), true).await;
        // Redis was emptied, and the server has not filled it yet.
        check(Ok(false), Err(StoreError::NotReady), false).await;
        check(Err(Unavailable("away".to_owned())), Ok(BOUNDS), false).await;
    }

    /// How many bytes may be replaced in this test while a line is being sent.
    const REPLACED_BYTES_MAX: u64 = 10_000;

    fn element(bytes: usize) -> Vec<RawElement> {
        let json = format!(r#"{{"id":5,"about_me":"{}"}}"#, "x".repeat(bytes));
        vec![RawElement { key: "users/user:5".into(), json: Some(json.into()) }]
    }

    /// A line is being sent of a version in which an element has so many bytes. Then that is written again, or the meeting
    /// is loaded again: is the stream ended?
    async fn check_held(bytes: usize, is_reload: bool, expected: bool) {
        let live = Arc::new(Live::new(HistoryLimits::default(), PiecesLimit::Automatic));
        let meeting = Meeting::load(Snapshot { bounds: BOUNDS, elements: element(bytes) }, None).meeting;
        live.publish([meeting], Duration::ZERO);
        let published = live.published().expect("a meeting");
        let viewer = Viewer::resolve(published.current(), Some(UserId(5)));
        let started = start_with_everything(&published, Session::anonymous(), viewer, ChangeId(0));
        let connections = Connections::new(Rhythm { keep_alive_seconds: 0, quiet_line_seconds: 0 });
        let stream = connections.enter(&Session::anonymous(), Interest::Meeting(Arc::clone(started.cursor.seat())));
        let next = if is_reload {
            let snapshot = Snapshot { bounds: BOUNDS, elements: element(1) };
            Meeting::load(snapshot, Some(published.current())).meeting
        } else {
            published.current().apply(Change { change_id: ChangeId(2), elements: element(1) }).meeting
        };
        live.publish([next], Duration::ZERO);
        let clock = JumpingClock::new(1);
        let patience = Patience { line_seconds: 60, replaced_bytes_max: REPLACED_BYTES_MAX };
        let task = tokio::spawn(tick(connections, live, patience, Arc::clone(&clock) as Arc<dyn Clock>));
        clock.exhausted().await;
        task.abort();
        let is_ended = stream.pace().poll_given_up(&Context::from_waker(Waker::noop())).is_ready();
        assert_eq!(is_ended, expected, "{bytes} bytes, reload: {is_reload}");
    }

    #[tokio::test]
    async fn a_line_of_a_version_that_much_of_was_replaced_is_given_up() {
        check_held(100, false, false).await;
        check_held(20_000, false, true).await;
        check_held(100, true, false).await;
        check_held(20_000, true, true).await;
    }
}
