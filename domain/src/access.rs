//! Who may be served at all? (spec: auth.md)

use crate::element::facts::Facts;
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
    /// Nobody is logged in, and the configuration does not let anonymous in.
    #[error("Anonymous is not enabled.")]
    AnonymousNotEnabled,
    /// The user is set inactive.
    #[error("This user is not active.")]
    Inactive,
    /// The user's element cannot be read, so nothing is known of what the user may do.
    #[error("The rights of this user cannot be read.")]
    Unreadable,
    /// The session is from before a change of the password.
    #[error("Invalid session data")]
    PasswordChanged,
}

/// What the session may do in this version of the meeting (auth.md, rules 5 and 6).
#[must_use]
pub fn access(meeting: &Meeting, session: &Session) -> Access {
    let Some(user) = session.user else {
        return anonymous(meeting);
    };
    let Some(element) = meeting.get(ElementKey::user(user)) else {
        // A user who does not exist is anonymous, as for Django.
        return anonymous(meeting);
    };
    match element.facts() {
        Facts::User(facts) if !facts.is_active => Access::Refused(Refusal::Inactive),
        Facts::User(facts) => {
            let is_replaced = session.auth_hash.as_deref().is_some_and(|hash| {
                let is_present = facts.session_auth_hash.as_deref().is_some_and(|present| same(present, hash));
                !is_present && meeting.replaced_hashes(user).iter().any(|old| same(old, hash))
            });
            if is_replaced { Access::Refused(Refusal::PasswordChanged) } else { Access::Granted(Some(user)) }
        }
        _ => Access::Refused(Refusal::Unreadable),
    }
}

/// Might the answer be another one in a newer version: is the user not there, or the session's hash unknown? Before it
/// counts, the service catches up with the store (auth.md, rule 5).
#[must_use]
pub fn is_uncertain(meeting: &Meeting, session: &Session) -> bool {
    let Some(user) = session.user else {
        return false;
    };
    match meeting.get(ElementKey::user(user)).map(|element| element.facts()) {
        None => true,
        Some(Facts::User(facts)) => session.auth_hash.as_deref().is_some_and(|hash| {
            !facts.session_auth_hash.as_deref().is_some_and(|present| same(present, hash))
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

/// Compares without telling by the time it takes where the two differ; only their lengths show.
fn same(one: &str, other: &str) -> bool {
    one.len() == other.len()
        && std::hint::black_box(one.bytes().zip(other.bytes()).fold(0, |sum, (one, other)| sum | (one ^ other))) == 0
}
