//! What do the tests of the routes share: a small meeting, a gate to it, and streams.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::history::HistoryLimits;
use domain::ids::{ChangeId, UserId};
use domain::live::{Live, PiecesLimit};
use domain::meeting::{Change, Meeting};
use domain::ports::Unavailable;
use domain::ports::authenticator::{AuthenticatorError, MockAuthenticator, Session};
use domain::ports::element_store::{Bounds, RawElement, Snapshot};

use super::connections::{Connections, Rhythm};
use super::gate::{CatchUp, Gate};
use super::stream_response::{Compression, Streams};

const BOUNDS: Bounds = Bounds { lowest: ChangeId(1), highest: ChangeId(1) };

fn raw((key, json): &(&str, &str)) -> RawElement {
    RawElement { key: (*key).into(), json: Some((*json).into()) }
}

/// A meeting with the user 5, to which anonymous is admitted.
pub(super) fn live() -> Arc<Live> {
    let elements = [
        ("core/config:1", r#"{"id":1,"key":"general_system_enable_anonymous","value":true}"#),
        ("users/user:5", r#"{"id":5}"#),
    ];
    let live = Live::new(HistoryLimits::default(), PiecesLimit::Automatic);
    let snapshot = Snapshot { bounds: BOUNDS, elements: elements.iter().map(raw).collect() };
    live.publish([Meeting::load(snapshot, None).meeting], Duration::ZERO);
    Arc::new(live)
}

/// Publishes the next version, in which the element is written.
pub(super) fn write(live: &Live, element: (&str, &str)) {
    let current = Arc::clone(live.published().expect("there is a meeting").current());
    let change = Change { change_id: current.change_id().next(), elements: vec![raw(&element)] };
    live.publish([current.apply(change).meeting], Duration::ZERO);
}

/// A gate that takes every request for one of this user (`None`: anonymous).
pub(super) fn gate(live: &Arc<Live>, user: Option<u64>) -> Gate {
    gate_of(live, Ok(session(user)))
}

/// The session of this user.
pub(super) fn session(user: Option<u64>) -> Session {
    Session { key: None, user: user.map(UserId), auth_hash: None }
}

/// A gate at which the authenticator always says the same.
pub(super) fn gate_of(live: &Arc<Live>, session: Result<Session, AuthenticatorError>) -> Gate {
    let mut authenticator = MockAuthenticator::new();
    authenticator.expect_session().returning(move |_| session.clone());
    Gate {
        authenticator: Arc::new(authenticator),
        live: Arc::clone(live),
        catch_up: Arc::new(NothingNew),
        cookie_name: "session".into(),
    }
}

struct NothingNew;

#[async_trait]
impl CatchUp for NothingNew {
    async fn catch_up(&self) -> Result<Bounds, Unavailable> {
        Ok(BOUNDS)
    }
}

/// Streams as they are, without keep-alive or end.
pub(super) fn streams() -> Streams {
    let connections = Connections::new(Rhythm { keep_alive_seconds: 0, quiet_line_seconds: 0 });
    Streams { connections, compression: Compression::Off, text_bytes_max: 0 }
}
