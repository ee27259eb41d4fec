//! What do the tests of the routes share: a gate to a meeting, and streams.

use std::sync::Arc;

use application::limits::rate::UserRate;
use application::limits::refusals::{Limit, Refusals};
use application::limits::streams::{StreamLimits, StreamPlaces};
use application::publishing::publisher::MeetingPublisher;
use application::sessions::admission::Admissions;
use application::streams::registry::{KeepAliveSettings, StreamRegistry};
use application::testing::meeting::NothingNew;
use domain::ids::UserId;
use domain::ports::authenticator::{AuthenticatorError, MockAuthenticator, Session};
use domain::ports::clock::Clock;
use domain::testing::ManualClock;

use super::auth::Gate;
use super::client_address::TrustedProxies;
use super::stream_response::{Compression, Streams};

/// A gate that takes every request for one of this user (`None`: anonymous).
pub(super) fn gate(publisher: &Arc<MeetingPublisher>, user: Option<u64>) -> Gate {
    gate_of(publisher, Ok(session(user)))
}

/// The session of this user.
pub(super) fn session(user: Option<u64>) -> Session {
    Session { key: None, user: user.map(UserId), auth_hash: None }
}

/// A gate at which the authenticator always says the same.
pub(super) fn gate_of(publisher: &Arc<MeetingPublisher>, session: Result<Session, AuthenticatorError>) -> Gate {
    let mut authenticator = MockAuthenticator::new();
    authenticator.expect_session().returning(move |_| session.clone());
    let authenticator = Arc::new(authenticator);
    let admissions = Admissions { authenticator, publisher: Arc::clone(publisher), catch_up: Arc::new(NothingNew) };
    Gate { admissions, cookie_name: "session".into() }
}

/// Streams as they are, without keep-alive or end.
pub(super) fn streams() -> Streams {
    let registry = StreamRegistry::new(KeepAliveSettings { keep_alive_seconds: 0, quiet_line_seconds: 0 }, clock());
    let many = StreamLimits { all_max: usize::MAX, per_user_max: usize::MAX, per_address_max: usize::MAX };
    Streams {
        registry,
        compression: Compression::Off,
        text_bytes_max: 0,
        places: places(many),
        proxies: TrustedProxies::default(),
    }
}

/// Places within these limits.
pub(super) fn places(limits: StreamLimits) -> Arc<StreamPlaces> {
    Arc::new(StreamPlaces::new(limits, Refusals::new(&clock())))
}

/// A rate of so many times a minute, while time stands still.
pub(super) fn rate(limit: Limit, per_minute_max: u32) -> UserRate {
    UserRate::new(limit, per_minute_max, clock(), Refusals::new(&clock()))
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(ManualClock::new(0))
}
