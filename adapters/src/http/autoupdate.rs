//! The route `/system/autoupdate`: what this user may see, and every change of it. (spec: stream.md)

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::catch_up::{Start, Started, start, start_from_keys, start_with_everything};
use domain::ids::{ChangeId, ElementKey};
use domain::live::{Live, Published};
use domain::meeting::Version;
use domain::ports::element_store::{ElementStore, StoreError};
use domain::viewer::Viewer;
use poem::{Endpoint, Request, Response, Result};
use tokio::sync::OnceCell;

use super::autoupdate_source::AutoupdateSource;
use super::connections::Interest;
use super::error::HttpError;
use super::gate::{Admission, Gate};
use super::stream_response::{Streams, query_value};

/// The endpoint.
pub struct Autoupdate {
    gate: Gate,
    live: Arc<Live>,
    store: Arc<dyn ElementStore>,
    streams: Streams,
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

impl Autoupdate {
    /// The endpoint, on what it needs.
    #[must_use]
    pub fn new(gate: Gate, live: Arc<Live>, store: Arc<dyn ElementStore>, streams: Streams) -> Self {
        Self { gate, live, store, streams, keys: Mutex::default() }
    }

    async fn start(&self, admission: Admission, change_id: ChangeId) -> Result<Started, HttpError> {
        let Admission { mut session, user, mut published } = admission;
        let mut viewer = Viewer::resolve(published.current(), user);
        let mut started = start(&published, session.clone(), viewer.clone(), change_id);
        if matches!(started, Start::IsAhead) {
            let bounds = self.gate.catch_up.catch_up().await?;
            // What was caught up with may have taken the right to be served, and a stream is only told of what comes later.
            let admission = self.gate.admit_again(session).await?;
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
    async fn keys_since(&self, published: &Published, change_id: ChangeId) -> Result<Arc<[ElementKey]>, HttpError> {
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

    async fn ask_keys_since(&self, change_id: ChangeId) -> Result<Arc<[ElementKey]>, HttpError> {
        let keys = self.store.keys_changed_since(change_id).await.map_err(|error| match error {
            StoreError::NotReady | StoreError::Incomplete(_) => {
                HttpError::Unavailable { reason: error.to_string(), cause: None }
            }
            StoreError::Unavailable(error) => error.into(),
        })?;
        // A key that does not parse names nothing that anybody sees.
        Ok(keys.iter().filter_map(|key| std::str::from_utf8(key).ok()?.parse().ok()).collect())
    }
}

impl Endpoint for Autoupdate {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let change_id = parse_change_id(query_value(&request, "change_id").as_deref())?;
        let admission = self.gate.admit(request.headers()).await?;
        let session = admission.session.clone();
        let started = self.start(admission, change_id).await?;
        let interest = Interest::Meeting(Arc::clone(started.cursor.seat()));
        let source = AutoupdateSource::new(Arc::clone(&self.live), started);
        Ok(self.streams.respond(&request, "application/octet-stream", &session, interest, source))
    }
}

/// The change id of a request; missing or empty: 0. A negative one is below every other.
fn parse_change_id(text: Option<&str>) -> Result<ChangeId, HttpError> {
    match text {
        None | Some("") => Ok(ChangeId(0)),
        Some(text) => {
            let number = text.parse::<i64>().ok().filter(|_| !text.starts_with('+'));
            let number = number.ok_or_else(|| {
                let shown: String = text.chars().take(VALUE_SHOWN_CHARACTERS_MAX).collect();
                HttpError::InvalidRequest(format!("Change id has to be a number not {shown}"))
            })?;
            Ok(ChangeId(u64::try_from(number).unwrap_or(0)))
        }
    }
}

/// How much of a wrong value an error repeats.
const VALUE_SHOWN_CHARACTERS_MAX: usize = 100;

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use domain::ports::Unavailable;
    use domain::ports::element_store::{Bounds, MockElementStore};
    use poem::http::StatusCode;

    use super::*;
    use crate::http::gate::CatchUp;
    use crate::http::test_support::{gate, live, streams, write};

    /// A store that holds one more change than the service has seen.
    struct OneChangeAhead {
        live: Arc<Live>,
        element: (&'static str, &'static str),
    }

    #[async_trait]
    impl CatchUp for OneChangeAhead {
        async fn catch_up(&self) -> Result<Bounds, Unavailable> {
            write(&self.live, self.element);
            Ok(self.live.published().expect("a meeting").current().bounds())
        }
    }

    /// The answer to a client that has the id of a change which this service has not seen yet.
    async fn check_ahead(user: Option<u64>, element: (&'static str, &'static str), expected: Result<(), &str>) {
        for change_id in [2, 1_000] {
            let live = live();
            let catch_up = Arc::new(OneChangeAhead { live: Arc::clone(&live), element });
            let gate = Gate { catch_up, ..gate(&live, user) };
            let endpoint = Autoupdate::new(gate, live, Arc::new(MockElementStore::new()), streams());
            let uri = format!("/system/autoupdate?change_id={change_id}");
            let answer = endpoint.call(Request::builder().uri_str(uri).finish()).await;
            let answer = answer.map(|response| response.status()).map_err(|error| error.to_string());
            assert_eq!(answer, expected.map(|()| StatusCode::OK).map_err(str::to_owned), "{user:?} {element:?}");
        }
    }

    #[tokio::test]
    async fn what_the_service_catches_up_with_may_take_the_right_to_a_stream() {
        let not_anonymous = r#"{"id":1,"key":"general_system_enable_anonymous","value":false}"#;
        check_ahead(Some(5), ("users/user:5", r#"{"id":5,"title":"Dr."}"#), Ok(())).await;
        check_ahead(Some(5), ("users/user:5", r#"{"id":5,"is_active":false}"#), Err("This user is not active.")).await;
        check_ahead(None, ("core/config:1", not_anonymous), Err("Anonymous is not enabled.")).await;
        check_ahead(Some(5), ("core/config:1", not_anonymous), Ok(())).await;
    }

    #[track_caller]
    fn check(text: Option<&str>, expected: Option<u64>) {
        assert_eq!(parse_change_id(text).ok(), expected.map(ChangeId), "{text:?}");
    }

    #[test]
    fn change_ids_are_numbers() {
        check(None, Some(0));
        check(Some(""), Some(0));
        check(Some("0"), Some(0));
        check(Some("133188953000"), Some(133_188_953_000));
        check(Some("-1"), Some(0));
        for text in ["x", "1.5", "1e3", " 1", "+1", "0x10", "99999999999999999999", "ä", "1,2", "null"] {
            check(Some(text), None);
        }
        let error = parse_change_id(Some("abc")).expect_err("not a number").to_string();
        assert_eq!(error, "Change id has to be a number not abc");
    }
}
