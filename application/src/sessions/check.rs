//! How are streams ended whose session is gone? (spec: auth.md#ends-with-session)

use std::sync::Arc;
use std::time::Duration;

use domain::ports::authenticator::{Authenticator, SESSIONS_ASKED_MAX, SessionKey};
use domain::ports::clock::Clock;
use domain::ports::element_store::ElementStore;
use tracing::warn;

use crate::streams::registry::StreamRegistry;

/// Ends the streams whose session is gone, once every `interval`. Runs until it is dropped.
pub async fn check_sessions(
    registry: Arc<StreamRegistry>,
    authenticator: Arc<dyn Authenticator>,
    store: Arc<dyn ElementStore>,
    clock: Arc<dyn Clock>,
    interval: Duration,
) {
    let mut failing = false;
    loop {
        clock.sleep(interval).await;
        for sessions in registry.sessions().chunks(SESSIONS_ASKED_MAX) {
            match authenticator.sessions_exist(sessions).await {
                Ok(exist) => {
                    failing = false;
                    let gone = sessions.iter().zip(exist).filter(|(_, exists)| !exists);
                    let gone: Vec<SessionKey> = gone.map(|(session, _)| session.clone()).collect();
                    // An emptied store has lost the sessions too. Until the server has filled it again, that says
                    // nothing about who is logged in.
                    if !gone.is_empty() && store.bounds().await.is_ok() {
                        registry.revoke(&gone);
                    }
                }
                // No stream ends because the answer is unknown.
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

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use domain::ids::{ChangeId, UserId};
    use domain::ports::Unavailable;
    use domain::ports::authenticator::{MockAuthenticator, Session};
    use domain::ports::element_store::{Bounds, MockElementStore, StoreError};
    use domain::testing::ManualClock;

    use super::*;
    use crate::streams::registry::{KeepAliveSettings, StreamHandle, StreamSignals, StreamSubscription};

    const BOUNDS: Bounds = Bounds { lowest: ChangeId(1), highest: ChangeId(1) };

    /// Checks whether a stream ends because of its session after a check with these answers.
    async fn check(exists: Result<bool, Unavailable>, bounds: Result<Bounds, StoreError>, expected: bool) {
        let registry = StreamRegistry::new(
            KeepAliveSettings { keep_alive_seconds: 0, quiet_line_seconds: 0 },
            Arc::new(ManualClock::new(0)),
        );
        let key = SessionKey("key".to_owned());
        let session = Session { key: Some(key), user: Some(UserId(5)), auth_hash: None };
        let stream: StreamHandle = registry.enter(&session, StreamSubscription::Messages);
        let mut authenticator = MockAuthenticator::new();
        let answer = exists.clone().map(|exists| vec![exists]);
        authenticator.expect_sessions_exist().returning(move |_| answer.clone());
        let mut store = MockElementStore::new();
        let answer = bounds.clone();
        store.expect_bounds().returning(move || answer.clone());
        let clock = Arc::new(ManualClock::new(0));
        let interval = Duration::from_secs(60);
        let task = tokio::spawn(check_sessions(
            Arc::clone(&registry),
            Arc::new(authenticator),
            Arc::new(store),
            Arc::clone(&clock) as Arc<dyn Clock>,
            interval,
        ));
        clock.until_asleep(1).await;
        clock.advance(interval);
        // Nothing that the check awaits takes time, so it is done once everything that can proceed has done so.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        task.abort();
        let is_revoked = stream.listen(Waker::noop()).has(StreamSignals::REVOKED);
        assert_eq!(is_revoked, expected, "{exists:?} {bounds:?}");
    }

    #[tokio::test]
    async fn a_stream_ends_only_if_its_session_is_known_to_be_gone() {
        check(Ok(true), Ok(BOUNDS), false).await;
        check(Ok(false), Ok(BOUNDS), true).await;
        // The store was emptied, and the server has not filled it again yet.
        check(Ok(false), Err(StoreError::NotReady), false).await;
        check(Err(Unavailable::Silent { system: "Redis", cause: "away".to_owned() }), Ok(BOUNDS), false).await;
    }
}
