//! How does a client get what its user may see, and every change of it? (spec: stream.md#promise)

mod counters;
mod source;
pub mod start;

use std::sync::Arc;

use domain::ids::{ChangeId, ElementKey};
use domain::ports::element_store::{Bounds, ElementStore};
use domain::restriction::viewer::Viewer;

use crate::publishing::publisher::MeetingPublisher;
use crate::sessions::admission::{Admission, Admissions, NotServed};
use crate::streams::body::Opened;
use crate::streams::registry::StreamSubscription;
use start::{Start, Started, start, start_from_keys, start_with_everything};

pub use counters::{StartCounters, StartKind};
pub use source::AutoupdateSource;

/// Opens autoupdate streams.
pub struct AutoupdateStreams {
    admissions: Admissions,
    publisher: Arc<MeetingPublisher>,
    store: Arc<dyn ElementStore>,
    counters: Arc<StartCounters>,
}

impl AutoupdateStreams {
    /// The streams of a meeting.
    #[must_use]
    pub fn new(admissions: Admissions, publisher: Arc<MeetingPublisher>, store: Arc<dyn ElementStore>) -> Self {
        Self { admissions, publisher, store, counters: Arc::default() }
    }

    /// Counts there with what the streams begin.
    #[must_use]
    pub fn counted_by(self, counters: Arc<StartCounters>) -> Self {
        Self { counters, ..self }
    }

    /// Opens the stream of a client that has everything up to `change_id` (0: nothing).
    ///
    /// # Errors
    /// If the store cannot be asked for what is needed first, or its answer shows that the session is no longer served.
    pub async fn open(&self, admission: Admission, change_id: ChangeId) -> Result<Opened<AutoupdateSource>, NotServed> {
        let session = admission.session.clone();
        let started = self.start(admission, change_id).await?;
        self.counters.begun(match &started.first_line {
            Some(line) if line.is_everything() => StartKind::Everything,
            Some(_) => StartKind::Difference,
            None => StartKind::Nothing,
        });
        let subscription = StreamSubscription::Meeting(Arc::clone(started.cursor.seen_version()));
        let source = AutoupdateSource::new(Arc::clone(&self.publisher), started);
        Ok(Opened { session, subscription, source })
    }

    async fn start(&self, admission: Admission, change_id: ChangeId) -> Result<Started, NotServed> {
        let Admission { mut session, user, mut published } = admission;
        let mut viewer = Viewer::resolve(published.current(), user);
        let mut started = start(&published, session.clone(), viewer.clone(), change_id);
        if matches!(started, Start::IsAhead) {
            let before = published.current().change_id();
            let bounds = self.admissions.catch_up.catch_up().await?;
            // Catching up may have taken the session's right to be served, and a stream is only notified of later
            // changes.
            let admission = self.admissions.admit_again(session).await?;
            (session, published) = (admission.session, admission.published);
            viewer = Viewer::resolve(published.current(), admission.user);
            if bounds.highest < change_id || published.history().is_ambiguous(before) {
                // The ids went back, or were given to other changes, so what the client holds is useless.
                return Ok(start_with_everything(&published, session, viewer, change_id));
            }
            started = start(&published, session.clone(), viewer.clone(), change_id);
        }
        match started {
            Start::Ready(started) => Ok(*started),
            Start::IsAhead => Ok(start_with_everything(&published, session, viewer, change_id)),
            Start::NeedsKeys => {
                let ask = self.keys_changed_since(change_id, published.current().bounds());
                match published.changed_keys().get_or_ask(change_id, ask).await {
                    Ok(keys) => Ok(start_from_keys(&published, session, viewer, change_id, &keys)),
                    Err(NoKeys::OfAnotherMeeting) => Ok(start_with_everything(&published, session, viewer, change_id)),
                    Err(NoKeys::NotServed(error)) => Err(error),
                }
            }
        }
    }

    /// Returns the keys that changed after `change_id` in the meeting with these `bounds`.
    async fn keys_changed_since(&self, change_id: ChangeId, bounds: Bounds) -> Result<Arc<[ElementKey]>, NoKeys> {
        let keys = keys_changed_since(&*self.store, change_id, bounds).await?;
        // The store may have lost changes and given their ids to others. Then catching up resets the meeting.
        self.admissions.catch_up.catch_up().await.map_err(NotServed::from)?;
        match self.publisher.published() {
            Some(published) if !published.history().is_ambiguous(bounds.highest) => Ok(keys),
            _ => Err(NoKeys::OfAnotherMeeting),
        }
    }
}

/// Returns the keys that the store names, if its ids are still those of the meeting with these `bounds`.
async fn keys_changed_since(
    store: &dyn ElementStore,
    change_id: ChangeId,
    bounds: Bounds,
) -> Result<Arc<[ElementKey]>, NoKeys> {
    let changed = store.keys_changed_since(change_id).await.map_err(NotServed::from)?;
    if changed.bounds.lowest != bounds.lowest || changed.bounds.highest < bounds.highest {
        return Err(NoKeys::OfAnotherMeeting);
    }
    // A key that does not parse names an element that is hidden from everybody.
    Ok(changed.keys.iter().filter_map(|key| std::str::from_utf8(key).ok()?.parse().ok()).collect())
}

/// Why it is not known which keys changed.
#[derive(Debug)]
enum NoKeys {
    /// The server has rebuilt its cache, or the store went back, and this instance has not noticed yet. Changes that
    /// the client lacks may have left no trace (spec: stream.md#first-line).
    OfAnotherMeeting,
    /// The store cannot be asked.
    NotServed(NotServed),
}

impl From<NotServed> for NoKeys {
    fn from(error: NotServed) -> Self {
        Self::NotServed(error)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use adapters::memory::{MemoryAuthenticator, MemoryElementStore, MemoryServer};
    use async_trait::async_trait;
    use domain::meeting::Meeting;
    use domain::ports::element_store::{RawElement, Snapshot, StoreError};

    use super::*;
    use crate::sessions::admission::CatchUp;
    use crate::testing::meeting::{NothingNew, publisher};

    const MEETING: [(&str, &str); 1] = [("core/config:1", r#"{"id":1,"key":"a","value":1}"#)];

    /// (spec: stream.md#from-keys)
    #[tokio::test]
    async fn keys_of_another_meeting_are_not_taken_for_what_changed_in_this_one() {
        const NEW: &[(&str, Option<&str>)] = &[("topics/topic:1", Some(r#"{"id":1}"#))];
        let server = MemoryServer::new();
        let store = MemoryElementStore::new(&server);
        let ask = |bounds| keys_changed_since(&store, ChangeId(10), bounds);
        server.rebuild(ChangeId(10), MEETING);
        server.write(NEW);
        let bounds = Bounds { lowest: ChangeId(10), highest: ChangeId(11) };
        let keys = ask(bounds).await.expect("the store answers");
        assert_eq!(keys.iter().map(ToString::to_string).collect::<Vec<_>>(), ["topics/topic:1"]);
        server.rebuild(ChangeId(10), MEETING);
        assert!(matches!(ask(bounds).await, Err(NoKeys::OfAnotherMeeting)), "it went back");
        server.rebuild(ChangeId(20), MEETING);
        server.write(NEW);
        assert!(matches!(ask(bounds).await, Err(NoKeys::OfAnotherMeeting)), "it was rebuilt");
    }

    /// Finds that the store has another history, with the same ids.
    struct FailedOver(Arc<MeetingPublisher>);

    #[async_trait]
    impl CatchUp for FailedOver {
        async fn catch_up(&self) -> Result<Bounds, StoreError> {
            let before = Arc::clone(self.0.published().expect("a meeting").current());
            let bounds = before.bounds();
            let element = |(key, json): (&str, &str)| RawElement { key: key.into(), json: Some(json.into()) };
            let snapshot = Snapshot { bounds, elements: MEETING.map(element).to_vec() };
            self.0.publish([Meeting::load(snapshot, Some(&before)).meeting], Duration::ZERO);
            Ok(bounds)
        }
    }

    /// (spec: redis.md#another-stream)
    #[tokio::test]
    async fn keys_of_another_history_are_not_taken_for_what_changed_in_this_one() {
        let publisher = publisher();
        let bounds = publisher.published().expect("a meeting").current().bounds();
        let server = MemoryServer::new();
        server.rebuild(bounds.lowest, MEETING);
        let ask = async |catch_up: Arc<dyn CatchUp>| {
            let authenticator = Arc::new(MemoryAuthenticator::new());
            let admissions = Admissions { authenticator, publisher: Arc::clone(&publisher), catch_up };
            let store = Arc::new(MemoryElementStore::new(&server));
            let streams = AutoupdateStreams::new(admissions, Arc::clone(&publisher), store);
            streams.keys_changed_since(bounds.lowest, bounds).await
        };
        assert!(ask(Arc::new(NothingNew)).await.is_ok());
        let answer = ask(Arc::new(FailedOver(Arc::clone(&publisher)))).await;
        assert!(matches!(answer, Err(NoKeys::OfAnotherMeeting)), "{answer:?}");
    }
}
