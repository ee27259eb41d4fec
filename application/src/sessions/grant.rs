//! May an open stream continue? (spec: auth.md#ends-with-session)

use crate::publishing::publisher::Published;
use domain::access::{Access, access};
use domain::ids::UserId;
use domain::meeting::Version;
use domain::ports::authenticator::Session;

/// The right to a stream: what a session was granted in the version of the meeting that was checked last.
#[derive(Clone, Debug)]
pub struct StreamGrant {
    session: Session,
    user: Option<UserId>,
    seen: Version,
}

impl StreamGrant {
    /// Creates the grant of a stream as `user`, which `session` was given in this version of the meeting.
    #[must_use]
    pub fn new(published: &Published, session: Session, user: Option<UserId>) -> Self {
        Self { session, user, seen: published.current().version() }
    }

    /// Returns whether the session is still served as the same user. If not, the stream ends: the client reconnects,
    /// and is refused with the reason, or served as another user.
    pub fn holds(&mut self, published: &Published) -> bool {
        let current = published.current();
        if current.version() == self.seen {
            return true;
        }
        self.seen = current.version();
        access(current, &self.session) == Access::Granted(self.user)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::publishing::publisher::{MeetingPublisher, RenderCacheLimit};
    use domain::ids::ChangeId;
    use domain::meeting::history::HistoryLimits;
    use domain::meeting::{Change, Meeting};
    use domain::ports::element_store::{Bounds, RawElement, Snapshot};

    const ANONYMOUS_ENABLED: (&str, &str) =
        ("core/config:1", r#"{"id":1,"key":"general_system_enable_anonymous","value":true}"#);
    const ANONYMOUS_DISABLED: (&str, &str) =
        ("core/config:1", r#"{"id":1,"key":"general_system_enable_anonymous","value":false}"#);

    fn raw((key, json): (&str, &str)) -> RawElement {
        RawElement { key: key.into(), json: (!json.is_empty()).then(|| json.into()) }
    }

    /// Checks whether the stream of `user` (5 or anonymous) continues after the element was written (empty: deleted).
    #[track_caller]
    fn check(user: Option<u64>, written: (&str, &str), expected: bool) {
        let publisher = MeetingPublisher::new(HistoryLimits::default(), RenderCacheLimit::Automatic);
        let bounds = Bounds { lowest: ChangeId(1), highest: ChangeId(1) };
        let user_5 = r#"{"id":5,"is_active":true,"session_auth_hash":"old"}"#;
        let elements = vec![raw(ANONYMOUS_ENABLED), raw(("users/user:5", user_5))];
        let meeting = Meeting::load(Snapshot { bounds, elements }, None).meeting;
        let next = meeting.apply(Change { change_id: ChangeId(2), elements: vec![raw(written)] }).meeting;
        publisher.publish([meeting], Duration::ZERO);
        let user = user.map(UserId);
        let session = Session { key: None, user, auth_hash: user.map(|_| "old".to_owned()) };
        let mut grant = StreamGrant::new(&publisher.published().expect("published"), session, user);
        assert!(grant.holds(&publisher.published().expect("published")));
        publisher.publish([next], Duration::ZERO);
        assert_eq!(grant.holds(&publisher.published().expect("published")), expected, "{user:?} {written:?}");
    }

    #[test]
    fn a_stream_lasts_as_long_as_its_session_is_served_as_the_same_user() {
        let user = "users/user:5";
        check(Some(5), (user, r#"{"id":5,"is_active":true,"session_auth_hash":"old","title":"Dr."}"#), true);
        check(Some(5), (user, r#"{"id":5,"is_active":false,"session_auth_hash":"old"}"#), false);
        check(Some(5), (user, r#"{"id":5,"is_active":true,"session_auth_hash":"new"}"#), false);
        check(Some(5), (user, ""), false);
        check(Some(5), ANONYMOUS_DISABLED, true);
        check(None, ANONYMOUS_DISABLED, false);
        check(None, (user, ""), true);
    }
}
