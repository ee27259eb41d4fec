//! Who may be served at all? (spec: auth.md#anonymous)

use crate::element::rule_inputs::RuleInputs;
use crate::ids::{ElementKey, UserId};
use crate::meeting::Meeting;
use crate::ports::authenticator::Session;
use crate::reach::DecidingConfig;

/// What a session may do in a meeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It is served as this user; `None`: as anonymous.
    Granted(Option<UserId>),
    /// It is not served.
    Refused(Refusal),
}

/// Why a session is not served. The texts are shown to people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nobody is logged in, and the configuration does not allow anonymous access.
    #[error("Anonymous is not enabled.")]
    AnonymousNotEnabled,
    /// The user has been set inactive.
    #[error("This user is not active.")]
    Inactive,
    /// The user's element cannot be read, so nothing is known about what the user may do.
    #[error("The rights of this user cannot be read.")]
    Unreadable,
    /// The session was begun before the password was changed.
    #[error("Invalid session data")]
    PasswordChanged,
}

/// Returns what the session may do in this version of the meeting (spec: auth.md#missing-user, auth.md#anonymous).
#[must_use]
pub fn access(meeting: &Meeting, session: &Session) -> Access {
    let Some(user) = session.user else {
        return anonymous(meeting);
    };
    let Some(element) = meeting.get(ElementKey::user(user)) else {
        // A user who does not exist is anonymous, as in Django.
        return anonymous(meeting);
    };
    match element.rule_inputs() {
        RuleInputs::User(inputs) if !inputs.is_active => Access::Refused(Refusal::Inactive),
        RuleInputs::User(inputs) => {
            let is_replaced = session.auth_hash.as_deref().is_some_and(|hash| {
                let is_present = inputs.session_auth_hash.as_deref().is_some_and(|present| same(present, hash));
                !is_present && meeting.replaced_hashes(user).iter().any(|old| same(old, hash))
            });
            if is_replaced { Access::Refused(Refusal::PasswordChanged) } else { Access::Granted(Some(user)) }
        }
        _ => Access::Refused(Refusal::Unreadable),
    }
}

/// Returns whether a newer version might give another answer, because the user is missing or the session's hash is
/// unknown. In that case the service first catches up with the store (spec: auth.md#missing-user).
#[must_use]
pub fn is_uncertain(meeting: &Meeting, session: &Session) -> bool {
    let Some(user) = session.user else {
        return false;
    };
    match meeting.get(ElementKey::user(user)).map(|element| element.rule_inputs()) {
        None => true,
        Some(RuleInputs::User(inputs)) => session.auth_hash.as_deref().is_some_and(|hash| {
            !inputs.session_auth_hash.as_deref().is_some_and(|present| same(present, hash))
                && !meeting.replaced_hashes(user).iter().any(|old| same(old, hash))
        }),
        Some(_) => false,
    }
}

fn anonymous(meeting: &Meeting) -> Access {
    if meeting.is_true(DecidingConfig::EnableAnonymous) {
        Access::Granted(None)
    } else {
        Access::Refused(Refusal::AnonymousNotEnabled)
    }
}

/// Compares in constant time: only the lengths show.
fn same(one: &str, other: &str) -> bool {
    one.len() == other.len()
        && std::hint::black_box(one.bytes().zip(other.bytes()).fold(0, |sum, (one, other)| sum | (one ^ other))) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::ChangeId;
    use crate::ports::element_store::{Bounds, RawElement, Snapshot};

    /// Returns a meeting in which `users/user:5` had these texts, one after the other.
    fn meeting(users: &[&str]) -> Meeting {
        let bounds = Bounds { lowest: ChangeId(10), highest: ChangeId(10) };
        let mut meeting = Meeting::load(Snapshot { bounds, elements: Vec::new() }, None).meeting;
        for (user, id) in users.iter().zip(10..) {
            let element = RawElement { key: b"users/user:5".to_vec(), json: Some(user.as_bytes().to_vec()) };
            let bounds = Bounds { lowest: ChangeId(10), highest: ChangeId(id) };
            meeting = Meeting::load(Snapshot { bounds, elements: vec![element] }, Some(&meeting)).meeting;
        }
        meeting
    }

    fn session(auth_hash: Option<&str>) -> Session {
        Session { key: None, user: Some(UserId(5)), auth_hash: auth_hash.map(Into::into) }
    }

    #[track_caller]
    fn check(user: &str, expected: Access) {
        assert_eq!(access(&meeting(&[user]), &session(None)), expected, "{user}");
    }

    /// (spec: auth.md#unreadable-user)
    #[test]
    fn an_unreadable_user_is_neither_served_nor_anonymous() {
        check(r#"{"id":5}"#, Access::Granted(Some(UserId(5))));
        for user in [r#"{"id":5,"groups_id":"2"}"#, r#"{"id":5,"is_active":"no"}"#, r#"{"id":6}"#, "[]", "{"] {
            check(user, Access::Refused(Refusal::Unreadable));
        }
    }

    const FIRST: &str = r#"{"id":5,"session_auth_hash":"first"}"#;
    const SECOND: &str = r#"{"id":5,"session_auth_hash":"second"}"#;

    /// (spec: auth.md#password-change)
    #[test]
    fn a_session_is_refused_only_while_its_password_is_an_earlier_one() {
        let granted = Access::Granted(Some(UserId(5)));
        for (users, hash, expected) in [
            (&[FIRST][..], "first", granted),
            (&[FIRST], "never seen", granted),
            (&[FIRST, SECOND], "first", Access::Refused(Refusal::PasswordChanged)),
            (&[FIRST, SECOND], "second", granted),
            (&[FIRST, SECOND, FIRST], "first", granted),
        ] {
            assert_eq!(access(&meeting(users), &session(Some(hash))), expected, "{hash} after {users:?}");
        }
    }

    /// (spec: auth.md#missing-user)
    #[test]
    fn only_a_missing_user_or_an_unknown_password_is_looked_up_in_the_store() {
        for (users, hash, expected) in [
            (&[][..], None, true),
            (&[FIRST], None, false),
            (&[FIRST], Some("first"), false),
            (&[FIRST], Some("never seen"), true),
            (&[FIRST, SECOND], Some("first"), false),
            (&["{"], Some("first"), false),
        ] {
            assert_eq!(is_uncertain(&meeting(users), &session(hash)), expected, "{hash:?} after {users:?}");
        }
        let nobody = Session { user: None, ..session(None) };
        assert!(!is_uncertain(&meeting(&[]), &nobody));
    }
}
