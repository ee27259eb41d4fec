//! Are the sessions that a real server writes found and trusted?

use std::collections::HashMap;
use std::sync::Arc;

use domain::ids::UserId;
use domain::ports::authenticator::{Authenticator, AuthenticatorError, InvalidSession, SessionKey};
use serde::Deserialize;

use super::fake_redis::FakeRedis;
use super::openslides::OpenSlides;
use crate::django::{DjangoAuthenticator, DjangoSecret};
use crate::memory::MemorySessions;
use crate::redis::{Redis, RedisLimits, RedisSessions};

#[derive(Deserialize)]
struct Recorded {
    django_secret: String,
    users: Vec<User>,
}

#[derive(Deserialize)]
struct User {
    id: u64,
    #[serde(flatten)]
    session: Option<RecordedSession>,
}

/// The session of a user who logged in.
#[derive(Deserialize)]
struct RecordedSession {
    session_key: String,
    session_redis_value: String,
}

#[tokio::test]
async fn the_sessions_of_a_real_server_are_trusted() {
    let text = super::trace::read_text("meeting.json").expect("a readable trace");
    let recorded: Recorded = serde_json::from_slice(&text).expect("a trace with users");
    let logged_in = recorded.users.into_iter().filter_map(|user| Some((UserId(user.id), user.session?)));
    let logged_in: Vec<_> = logged_in.collect();
    assert!(logged_in.len() > 3);
    let sessions = MemorySessions::new();
    for (_, session) in &logged_in {
        sessions.set(&session.session_key, session.session_redis_value.as_bytes());
    }
    let trusting = DjangoAuthenticator::new(DjangoSecret::new(&recorded.django_secret), Arc::new(sessions.clone()));
    let distrusting = DjangoAuthenticator::new(DjangoSecret::new("another"), Arc::new(sessions));
    for (user, recorded) in logged_in {
        let key = SessionKey(recorded.session_key);
        let session = trusting.session(Some(key.clone())).await.expect("a session");
        assert_eq!((session.key, session.user), (Some(key.clone()), Some(user)));
        assert_eq!(session.auth_hash.map(|hash| hash.len()), Some(40), "the hash of the password");
        assert_eq!(
            distrusting.session(Some(key)).await,
            Err(AuthenticatorError::InvalidSession(InvalidSession::OtherSecret))
        );
    }
}

/// A replica and its primary. Each session is in the primary; the flag says whether it is also in the replica.
async fn replica_and_primary(sessions: [(&str, bool); 3]) -> (FakeRedis, FakeRedis, DjangoAuthenticator) {
    let (replica, primary) = (FakeRedis::start().await.expect("a port"), FakeRedis::start().await.expect("a port"));
    let secret = DjangoSecret::new("test");
    let value = secret.encode_session("{\"_auth_user_id\":\"1\"}").into_bytes();
    for (key, is_replicated) in sessions {
        OpenSlides::new(&primary.address()).set(&format!("prefix-{key}"), &value).await;
        if is_replicated {
            OpenSlides::new(&replica.address()).set(&format!("prefix-{key}"), &value).await;
        }
    }
    let redis = Redis::new(&replica.address(), &primary.address(), RedisLimits::default()).expect("addresses");
    let authenticator = DjangoAuthenticator::new(secret, Arc::new(RedisSessions::new(&redis, "prefix-")));
    replica.take_commands();
    primary.take_commands();
    (replica, primary, authenticator)
}

/// How often each command was received, without those about the connection itself.
fn commands(fake: &FakeRedis) -> HashMap<String, usize> {
    let mut commands = HashMap::new();
    for command in fake.take_commands() {
        if !["PING", "UNWATCH", "CLIENT"].contains(&command.as_str()) {
            *commands.entry(command).or_default() += 1;
        }
    }
    commands
}

/// (spec: auth.md#session-key)
#[tokio::test]
async fn a_session_that_is_not_replicated_yet_is_found_at_the_primary() {
    let (replica, primary, authenticator) = replica_and_primary([("old", true), ("new", false), ("other", true)]).await;
    let key = |key: &str| SessionKey(key.to_owned());
    let is_user = async |cookie: &str| authenticator.session(Some(key(cookie))).await.map(|session| session.user);
    assert_eq!(is_user("old").await, Ok(Some(UserId(1))));
    assert_eq!(commands(&primary), HashMap::new(), "found at the replica");
    assert_eq!(is_user("new").await, Ok(Some(UserId(1))));
    assert!(is_user("missing").await.is_err());
    assert_eq!((commands(&replica)["GET"], commands(&primary)["GET"]), (3, 2));

    let keys = [key("old"), key("missing"), key("new"), key("other")];
    assert_eq!(authenticator.sessions_exist(&keys).await, Ok(vec![true, false, true, true]));
    assert_eq!((commands(&replica)["EXISTS"], commands(&primary)["EXISTS"]), (4, 2));
    assert_eq!(authenticator.sessions_exist(&keys[..1]).await, Ok(vec![true]));
    assert_eq!(commands(&primary), HashMap::new(), "all found at the replica");
}

#[tokio::test]
async fn an_unreachable_primary_ends_no_session() {
    let (_replica, primary, authenticator) = replica_and_primary([("a", true), ("b", false), ("c", true)]).await;
    primary.set_fault(super::fake_redis::Fault::Closed);
    let key = |key: &str| SessionKey(key.to_owned());
    assert!(authenticator.sessions_exist(&[key("a"), key("b")]).await.is_err());
    assert_eq!(authenticator.sessions_exist(&[key("a"), key("c")]).await, Ok(vec![true, true]));
}

#[tokio::test]
async fn a_key_of_another_type_is_no_session() {
    let (replica, primary, authenticator) = replica_and_primary([("a", true), ("b", false), ("c", true)]).await;
    let session = async |key: &str| authenticator.session(Some(SessionKey(key.to_owned()))).await;
    OpenSlides::new(&replica.address()).set_other_type("prefix-a").await;
    OpenSlides::new(&replica.address()).set_other_type("prefix-d").await;
    OpenSlides::new(&primary.address()).set_other_type("prefix-d").await;
    assert_eq!(session("d").await, Err(AuthenticatorError::InvalidSession(InvalidSession::Unknown)));
    assert_eq!(session("a").await.map(|session| session.user), Ok(Some(UserId(1))), "as the primary knows it");
}
