//! Is everything in Redis that the service needs, and may it use it?

use std::sync::Arc;

use adapters::django::{DjangoAuthenticator, DjangoSecret};
use adapters::redis::{LinkRights, Redis, RedisElementStore, RedisSessions};
use domain::ports::Unavailable;
use domain::ports::authenticator::{Authenticator, AuthenticatorError, InvalidSession, Session, SessionKey};
use domain::ports::element_store::{ElementStore, StoreError};

use super::report::Report;
use crate::config::{Config, FakeAuth};

/// Tries every command, reads the meeting, the secret, and `session` or whatever sessions there are.
pub(super) async fn check(config: &Config, redis: &Redis, session: Option<&str>, report: &mut Report) {
    let rights = redis.rights(&config.session_prefix).await;
    let is_there = rights.iter().all(|link| link.refused.is_ok());
    rights.iter().for_each(|link| report_rights(link, report));
    // Without Redis, the other checks would only repeat that it cannot be reached.
    if is_there {
        meeting(redis, report).await;
    }
    if config.fake_auth != FakeAuth::Off {
        return report
            .wrong("sessions", "FAKE_AUTH is set: there is no authentication; unset it, unless you are trying out");
    }
    match DjangoSecret::from_file(&config.secret_file) {
        Err(error) => report.wrong("secret", &error.to_string()),
        Ok(secret) => {
            report.right("secret", &format!("{} has one", config.secret_file.display()));
            if is_there {
                let sessions = RedisSessions::new(redis, &config.session_prefix);
                check_sessions(secret, sessions, session, report).await;
            }
        }
    }
}

fn report_rights(link: &LinkRights, report: &mut Report) {
    match &link.refused {
        Err(error) => report.wrong(
            &link.name,
            &format!("{}: start it, or correct its address (MESSAGE_BUS_HOST, REDIS_URL, …)", cause(error)),
        ),
        Ok(refused) if refused.is_empty() => {
            report.right(&link.name, &format!("answers, and allows all {} commands that are needed", link.needed));
        }
        Ok(refused) => refused.iter().for_each(|refused| {
            report.wrong(&link.name, &format!("{} is refused: {}; {}", refused.what, refused.error, refused.advice));
        }),
    }
}

async fn meeting(redis: &Redis, report: &mut Report) {
    const NAME: &str = "meeting";
    match RedisElementStore::new(redis).load().await {
        Ok(snapshot) => report.right(
            NAME,
            &format!(
                "{} elements, change ids from {} to {}",
                snapshot.elements.len(),
                snapshot.bounds.lowest,
                snapshot.bounds.highest
            ),
        ),
        Err(StoreError::Unavailable(error)) => report.wrong(NAME, cause(&error)),
        Err(StoreError::NotReady) => report.wrong(
            NAME,
            "the OpenSlides server has not filled its cache yet: start it and wait, or correct the address if it uses another \
             Redis",
        ),
        Err(error) => report.wrong(
            NAME,
            &format!("{error}: set maxmemory-policy noeviction in Redis, then restart the OpenSlides server"),
        ),
    }
}

async fn check_sessions(secret: DjangoSecret, sessions: RedisSessions, session: Option<&str>, report: &mut Report) {
    const NAME: &str = "sessions";
    let keys = match session {
        Some(session) => vec![SessionKey(session.to_owned())],
        None => match sessions.some().await {
            Ok(keys) => keys,
            Err(error) => {
                return report.note(
                    NAME,
                    &format!(
                        "none was read: {}; only this check lists them (SCAN): if that is what is refused, give the value of \
                         a session cookie by --session",
                        cause(&error)
                    ),
                );
            }
        },
    };
    if keys.is_empty() {
        return report.note(
            NAME,
            "there is none whose key begins with SESSION_PREFIX: log in to OpenSlides and check again, to see whether the \
             secret is the server's",
        );
    }
    let authenticator = DjangoAuthenticator::new(secret, Arc::new(sessions));
    let (read, mut right) = (keys.len(), 0);
    for key in keys {
        match authenticator.session(Some(key)).await {
            Ok(Session { user: Some(user), .. }) if session.is_some() => {
                return report.right(NAME, &format!("this one is of user {user}"));
            }
            Ok(_) => right += 1,
            // It ended in between.
            Err(AuthenticatorError::InvalidSession(InvalidSession::Unknown)) if session.is_none() => right += 1,
            Err(AuthenticatorError::InvalidSession(problem)) => {
                return report.wrong(NAME, &format!("{problem}: {}", remedy(problem)));
            }
            Err(AuthenticatorError::Unavailable(error)) => return report.wrong(NAME, cause(&error)),
        }
    }
    report.right(NAME, &format!("{right} of {read} that were read are signed with this secret"));
}

fn remedy(problem: InvalidSession) -> &'static str {
    match problem {
        InvalidSession::Unknown => {
            "log in again; if that does not help, compare SESSION_PREFIX and the address of Redis with the server's settings"
        }
        InvalidSession::OtherSecret => "SECRET_FILE must hold the secret of the OpenSlides server: compare the two",
        InvalidSession::UnusableKey => "give the value of the cookie COOKIE_NAME as it is in the browser",
        InvalidSession::Undecodable => {
            "compare SESSION_PREFIX with the server's settings, and look at that key in Redis"
        }
    }
}

fn cause(error: &Unavailable) -> &str {
    match error {
        Unavailable::Silent { cause, .. } | Unavailable::Refused { cause, .. } => cause,
    }
}
