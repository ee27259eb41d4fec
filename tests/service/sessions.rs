//! Which user is a request from? (spec: auth.md#cookie, auth.md#session-key)

use adapters::django::DjangoSecret;
use adapters::testing::fake_redis::{FakeRedis, Fault};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::ids::UserId;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{Browser, Failure, Meeting, SECRET, Service, within};

fn invalid() -> Failure {
    Failure::new(400, "auth_required", "Invalid session data")
}

/// Checks that a stream is served as `user`: its first line must be everything that the user sees.
#[track_caller]
fn check_seen<'a>(meeting: &'a Meeting, browser: &'a Browser, user: u64) -> impl Future<Output = ()> + 'a {
    let place = std::panic::Location::caller();
    async move {
        let mut watcher = browser.watch().await;
        watcher.line().await.expect("everything");
        watcher.check(&meeting.view(user), &format!("user {user} ({place})"));
    }
}

#[tokio::test]
async fn broken_sessions_of_every_kind_are_refused() {
    let redis = FakeRedis::start().await.expect("a port");
    let meeting = Meeting::start(&redis.address()).await;
    let service = Service::ready(&redis.address(), |_| ()).await;
    let good = DjangoSecret::new(SECRET).encode_session("{\"_auth_user_id\": \"3\"}");
    let foreign = DjangoSecret::new("another").encode_session("{\"_auth_user_id\": \"3\"}");
    let signed = |json: &str| DjangoSecret::new(SECRET).encode_session(json);
    for (name, value) in [
        ("empty", String::new()),
        ("not-base64", "$$$".to_owned()),
        ("unpadded", good.trim_end_matches('=').to_owned() + "=="),
        ("no-colon", STANDARD.encode("{}")),
        ("wrong-mac", foreign),
        (
            "changed",
            STANDARD
                .encode(String::from_utf8(STANDARD.decode(&good).expect("base64")).expect("ASCII").replace('3', "1")),
        ),
        ("not-json", signed("geheim")),
        ("not-an-object", signed("[1]")),
        ("number", signed("{\"_auth_user_id\": 3}")),
        ("negative", signed("{\"_auth_user_id\": \"-3\"}")),
        ("huge", signed("{\"_auth_user_id\": \"99999999999999999999999\"}")),
    ] {
        meeting.server.set(&format!("session:{name}"), value.as_bytes()).await;
        for path in ["/system/autoupdate", "/system/notify", "/system/projector?projector_ids=1"] {
            assert_eq!(service.browser().with_cookie(name).failure(path).await, invalid(), "{name}");
        }
    }
    meeting.server.set("session:binary", b"\xff\xfe\x00").await;
    assert_eq!(service.browser().with_cookie("binary").failure("/system/autoupdate").await, invalid());
    meeting.server.set_other_type("session:stream").await;
    // Redis answers that the key holds another type: not a session.
    assert_eq!(service.browser().with_cookie("stream").failure("/system/autoupdate").await, invalid());
    assert_eq!(service.browser().with_cookie("missing").failure("/system/autoupdate").await, invalid());
}

/// (spec: auth.md#session-user, auth.md#missing-user)
#[tokio::test]
async fn sessions_lead_to_their_users_or_to_anonymous() {
    let redis = FakeRedis::start().await.expect("a port");
    let mut meeting = Meeting::start(&redis.address()).await;
    let service = Service::ready(&redis.address(), |_| ()).await;
    check_seen(&meeting, &service.browser(), 0).await;
    for (name, session, user) in [
        ("nobody", json!({}), 0),
        ("unknown-user", json!({"_auth_user_id": "123456789"}), 0),
        ("without-hash", json!({"_auth_user_id": "3"}), 3),
        // A different hash alone is not enough: a maintenance command changes passwords without writing the element.
        ("other-hash", json!({"_auth_user_id": "3", "_auth_user_hash": "whatever"}), 3),
        ("large-id", json!({"_auth_user_id": "4097"}), 4097),
    ] {
        meeting.set_session(name, &session).await;
        check_seen(&meeting, &service.browser().with_cookie(name), user).await;
    }
    meeting.set_session("inactive", &json!({"_auth_user_id": "207"})).await;
    let failure = service.browser().with_cookie("inactive").failure("/system/autoupdate").await;
    assert_eq!(failure, Failure::new(400, "auth_required", "This user is not active."));

    // A user who was created a moment ago, and whose stream entry is late: the service asks Redis before it considers
    // the session anonymous.
    let user = json!({"id": 5000, "username": "new", "groups_id": [2], "is_active": true});
    meeting.write(&[("users/user:5000", user)]).await;
    meeting.set_session("new", &json!({"_auth_user_id": "5000"})).await;
    check_seen(&meeting, &service.browser().with_cookie("new"), 5000).await;
}

/// (spec: auth.md#anonymous)
#[tokio::test]
async fn anonymous_access_depends_on_the_configuration() {
    let redis = FakeRedis::start().await.expect("a port");
    let mut meeting = Meeting::start(&redis.address()).await;
    let service = Service::ready(&redis.address(), |_| ()).await;
    let fake = Service::ready(&redis.address(), |setup| setup.fake_auth = Some(None)).await;
    let key = meeting.config_key("general_system_enable_anonymous");
    let enabled = meeting.elements[&key].clone();
    let refused = Failure::new(400, "auth_required", "Anonymous is not enabled.");
    for (value, allowed) in [
        (json!(false), false),
        (json!(true), true),
        (Value::Null, false),
        (json!(true), true),
        (json!("true"), false),
        (json!(1), false),
    ] {
        // Null stands for a configuration without this element.
        let mut config = enabled.clone();
        config["value"] = value.clone();
        if value.is_null() {
            config = Value::Null;
        }
        let change_id = meeting.change(&[(&key, config)]).await;
        for service in [&service, &fake] {
            // Asks until the change has arrived.
            let browser = service.browser();
            if allowed {
                within("anonymous access", async { while browser.get("/system/autoupdate").await.status() != 200 {} })
                    .await;
            } else {
                within("no anonymous access", async {
                    while browser.get("/system/autoupdate").await.status() == 200 {}
                })
                .await;
                assert_eq!(browser.failure("/system/autoupdate").await, refused, "{value} at {change_id}");
                assert_eq!(browser.failure("/system/notify").await, refused);
                assert_eq!(browser.failure("/system/projector?projector_ids=1").await, refused);
            }
        }
    }
}

#[tokio::test]
async fn fake_auth_serves_every_request_as_one_user() {
    let redis = FakeRedis::start().await.expect("a port");
    let meeting = Meeting::start(&redis.address()).await;
    let service = Service::ready(&redis.address(), |setup| setup.fake_auth = Some(Some(UserId(2)))).await;
    check_seen(&meeting, &service.browser(), 2).await;
    check_seen(&meeting, &service.browser().with_cookie("anything"), 2).await;
}

/// (spec: redis.md#losing-redis)
#[tokio::test]
async fn without_redis_a_session_cannot_be_checked_and_the_error_comes_quickly() {
    let redis = FakeRedis::start().await.expect("a port");
    let mut meeting = Meeting::start(&redis.address()).await;
    let service = Service::ready(&redis.address(), |_| ()).await;
    let browser = service.browser().with_cookie(&meeting.log_in(1).await);
    let mut stays = browser.watch().await;
    stays.line().await.expect("everything");
    let expected = Failure::new(503, "unavailable", "Redis does not answer, try again");
    for fault in [Fault::Closed, Fault::Stalled] {
        redis.set_fault(fault);
        let response = browser.get("/system/autoupdate").await;
        assert!(response.headers().contains_key("retry-after"));
        assert_eq!(Failure::of(response).await, expected, "{fault:?}");
        // Clients without a session are still served.
        service.browser().open("/system/autoupdate").await;
    }
    redis.set_fault(Fault::None);
    redis.drop_connections();
    let change_id = meeting.mark().await;
    stays.until(change_id).await;
    browser.open("/system/autoupdate").await;
}

#[tokio::test]
async fn cookies_with_odd_characters_do_no_harm() {
    let redis = FakeRedis::start().await.expect("a port");
    let meeting = Meeting::start(&redis.address()).await;
    let service = Service::ready(&redis.address(), |_| ()).await;
    meeting.log_in(1).await;
    for (cookie, status) in [
        (&b"OpenSlidesSessionID=session-of-1"[..], "200 OK"),
        (b"a=\xff\xfe; OpenSlidesSessionID=\"session-of-1\"; b=\"; =;;", "200 OK"),
        (b"a=1; b=2", "200 OK"),
        (b"OpenSlidesSessionID", "200 OK"),
        // As in Django, an empty cookie counts as none.
        (b"OpenSlidesSessionID=", "200 OK"),
        // The last of several counts.
        (b"OpenSlidesSessionID=stale; OpenSlidesSessionID=session-of-1", "200 OK"),
        (b"OpenSlidesSessionID=stale\r\nCookie: OpenSlidesSessionID=session-of-1", "200 OK"),
        (b"OpenSlidesSessionID=; OpenSlidesSessionID=session-of-1", "200 OK"),
        (b"OpenSlidesSessionID=session-of-1; OpenSlidesSessionID=stale", "400 Bad Request"),
        (b"OpenSlidesSessionID=session-of-1; OpenSlidesSessionID=", "200 OK"),
        (b"OpenSlidesSessionID=\xff\xfe", "400 Bad Request"),
        ("OpenSlidesSessionID=größe".as_bytes(), "400 Bad Request"),
        (b"OpenSlidesSessionID=a b\tc", "400 Bad Request"),
        (b"OpenSlidesSessionID=../../*?[a-z]{1}", "400 Bad Request"),
        (b"OpenSlidesSessionID=%00%0d%0a", "400 Bad Request"),
        (&[b"OpenSlidesSessionID=".to_vec(), vec![b'x'; 5_000]].concat(), "400 Bad Request"),
    ] {
        let mut client = TcpStream::connect(service.address).await.expect("connected");
        let head = [b"GET /system/notify HTTP/1.1\r\nHost: t\r\nCookie: ", cookie, b"\r\n\r\n"].concat();
        client.write_all(&head).await.expect("sent");
        let mut answer = [0; 32];
        within("an answer", client.read_exact(&mut answer)).await.expect("an answer");
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{}: {answer}", String::from_utf8_lossy(cookie));
    }
}

/// (spec: auth.md#password-change)
#[tokio::test]
async fn after_a_password_change_only_the_new_session_is_valid() {
    let redis = FakeRedis::start().await.expect("a port");
    let mut meeting = Meeting::start(&redis.address()).await;
    let service = Service::ready(&redis.address(), |_| ()).await;
    let old = service.browser().with_cookie(&meeting.log_in(3).await);
    let mut ends = old.open("/system/autoupdate").await;
    // The new session arrives before the service has received the change, so it asks Redis.
    let user = meeting.with("users/user:3", json!({"session_auth_hash": "of-the-new-password"}));
    meeting.write(&[("users/user:3", user)]).await;
    let session = json!({"_auth_user_id": "3", "_auth_user_hash": "of-the-new-password"});
    meeting.set_session("after-the-change", &session).await;
    check_seen(&meeting, &service.browser().with_cookie("after-the-change"), 3).await;
    ends.until_end().await;
    assert_eq!(old.failure("/system/autoupdate").await, invalid());
}
