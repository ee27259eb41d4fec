//! What do the tests of routes and streams share? A small meeting that they write to.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::ids::ChangeId;
use domain::meeting::history::HistoryLimits;
use domain::meeting::{Change, Meeting};
use domain::ports::element_store::{Bounds, RawElement, Snapshot, StoreError};

use crate::publishing::publisher::{MeetingPublisher, RenderCacheLimit};
use crate::sessions::admission::CatchUp;

const BOUNDS: Bounds = Bounds { lowest: ChangeId(1), highest: ChangeId(1) };

fn raw((key, json): &(&str, &str)) -> RawElement {
    RawElement { key: (*key).into(), json: Some((*json).into()) }
}

/// Returns the publisher of a meeting with user 5 and anonymous access.
#[must_use]
pub fn publisher() -> Arc<MeetingPublisher> {
    let elements = [
        ("core/config:1", r#"{"id":1,"key":"general_system_enable_anonymous","value":true}"#),
        ("users/user:5", r#"{"id":5}"#),
    ];
    let publisher = MeetingPublisher::new(HistoryLimits::default(), RenderCacheLimit::Automatic);
    let snapshot = Snapshot { bounds: BOUNDS, elements: elements.iter().map(raw).collect() };
    publisher.publish([Meeting::load(snapshot, None).meeting], Duration::ZERO);
    Arc::new(publisher)
}

/// Publishes the next version, in which `element` was written.
///
/// # Panics
/// If there is no meeting.
pub fn write(publisher: &MeetingPublisher, element: (&str, &str)) {
    let current = Arc::clone(publisher.published().expect("there is a meeting").current());
    let change = Change { change_id: current.change_id().next(), elements: vec![raw(&element)] };
    publisher.publish([current.apply(change).meeting], Duration::ZERO);
}

/// A store without news.
#[derive(Clone, Copy, Debug)]
pub struct NothingNew;

#[async_trait]
impl CatchUp for NothingNew {
    async fn catch_up(&self) -> Result<Bounds, StoreError> {
        Ok(BOUNDS)
    }
}
