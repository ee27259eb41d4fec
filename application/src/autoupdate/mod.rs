//! How does a client get what its user may see, and every change of it? (spec: stream.md)

mod source;
pub mod start;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::ids::{ChangeId, ElementKey};
use domain::meeting::Version;
use domain::ports::element_store::ElementStore;
use domain::restriction::viewer::Viewer;
use tokio::sync::OnceCell;

use crate::publishing::live::{Live, Published};
use crate::sessions::admission::{Admission, Admissions, NotServed};
use crate::streams::body::Opened;
use crate::streams::connections::Interest;
use start::{Start, Started, start, start_from_keys, start_with_everything};

pub use source::AutoupdateSource;

/// Opens autoupdate streams.
pub struct AutoupdateStreams {
    admissions: Admissions,
    live: Arc<Live>,
    store: Arc<dyn ElementStore>,
    /// Answers to the question for the keys that changed: after a restart many ask the same.
    keys: Mutex<KeysSince>,
}

/// Which keys changed after a change id, as of a version. Who asks first asks the store; others who ask the same wait.
#[derive(Default)]
struct KeysSince {
    version: Version,
    answers: BTreeMap<ChangeId, Arc<OnceCell<Arc<[ElementKey]>>>>,
}

/// How many answers of one version are kept; who asks for another one asks the store alone.
const ANSWERS_MAX: usize = 256;

impl AutoupdateStreams {
    /// The streams of a meeting.
    #[must_use]
    pub fn new(admissions: Admissions, live: Arc<Live>, store: Arc<dyn ElementStore>) -> Self {
        Self { admissions, live, store, keys: Mutex::default() }
    }

    /// Opens the stream of a client that has everything up to `change_id` (0: nothing).
    ///
    /// # Errors
    /// What must be known of the store cannot be told, or told that the session is not served any more.
    pub async fn open(&self, admission: Admission, change_id: ChangeId) -> Result<Opened<AutoupdateSource>, NotServed> {
        let session = admission.session.clone();
        let started = self.start(admission, change_id).await?;
        let interest = Interest::Meeting(Arc::clone(started.cursor.seat()));
        let source = AutoupdateSource::new(Arc::clone(&self.live), started);
        Ok(Opened { session, interest, source })
    }

    async fn start(&self, admission: Admission, change_id: ChangeId) -> Result<Started, NotServed> {
        let Admission { mut session, user, mut published } = admission;
        let mut viewer = Viewer::resolve(published.current(), user);
        let mut started = start(&published, session.clone(), viewer.clone(), change_id);
        if matches!(started, Start::IsAhead) {
            let bounds = self.admissions.catch_up.catch_up().await?;
            // What was caught up with may have taken the right to be served, and a stream is only told of what comes later.
            let admission = self.admissions.admit_again(session).await?;
            (session, published) = (admission.session, admission.published);
            viewer = Viewer::resolve(published.current(), admission.user);
            if bounds.highest < change_id {
                // The ids went back: what the client has is of no use.
                return Ok(start_with_everything(&published, session, viewer, change_id));
            }
            started = start(&published, session.clone(), viewer.clone(), change_id);
        }
        match started {
            Start::Ready(started) => Ok(*started),
            Start::IsAhead => Ok(start_with_everything(&published, session, viewer, change_id)),
            Start::NeedsKeys => {
                let keys = self.keys_since(&published, change_id).await?;
                Ok(start_from_keys(&published, session, viewer, change_id, &keys))
            }
        }
    }

    /// The keys that changed after `change_id`, at least up to this version. One question for all who ask the same.
    async fn keys_since(&self, published: &Published, change_id: ChangeId) -> Result<Arc<[ElementKey]>, NotServed> {
        let answer = {
            let mut known = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
            let version = published.current().version();
            if known.version != version {
                *known = KeysSince { version, ..KeysSince::default() };
            }
            if known.answers.len() < ANSWERS_MAX {
                Arc::clone(known.answers.entry(change_id).or_default())
            } else {
                known.answers.get(&change_id).cloned().unwrap_or_default()
            }
        };
        answer.get_or_try_init(|| self.ask_keys_since(change_id)).await.cloned()
    }

    async fn ask_keys_since(&self, change_id: ChangeId) -> Result<Arc<[ElementKey]>, NotServed> {
        let keys = self.store.keys_changed_since(change_id).await?;
        // A key that does not parse names nothing that anybody sees.
        Ok(keys.iter().filter_map(|key| std::str::from_utf8(key).ok()?.parse().ok()).collect())
    }
}
