//! Does everything work with a real Redis, and with several programs on it? (spec: redis.md#losing-redis)

use adapters::redis::{RedisAuthority, RedisIdentity};
use adapters::testing::openslides::OpenSlides;
use adapters::testing::redis_server::{RedisServer, TlsClients, TlsIdentity};
use serde_json::json;

use crate::harness::{LOWEST, Lines, Meeting, Process, Protocol, Watcher, fixture, secret_file};

/// Starts a Redis for one test.
async fn redis() -> RedisServer {
    RedisServer::start().await.expect("a Redis")
}

#[tokio::test]
#[cfg_attr(not(has_redis_server), ignore = "redis-server is not on the PATH")]
async fn a_redis_that_is_killed_and_refilled_keeps_every_stream_open() {
    let mut redis = redis().await;
    let mut meeting = Meeting::start(&redis.address()).await;
    let mut process = Process::serve(redis.port(), &[("RECONCILE_SECONDS", "1")]).await;
    process.browser().until_healthy().await;
    let cookie = meeting.log_in(3).await;
    let mut watchers = Vec::new();
    for protocol in Protocol::ALL {
        let mut watcher = process.speaking(protocol).with_cookie(&cookie).watch().await;
        watcher.line().await.expect("everything");
        watchers.push(watcher);
    }
    let (key, group) = meeting.group(3, |permissions| permissions.retain(|one| one != "motions.can_see"));
    meeting.change(&[(&key, group)]).await;
    let change_id = meeting.mark().await;
    for watcher in &mut watchers {
        watcher.until(change_id).await;
        watcher.check(&meeting.view(3), "without a permission");
    }

    for round in 1..=2 {
        redis.kill().expect("killed");
        process.until_logged("\"WARN\"").await;
        // Connected clients keep their data, and those that need no session are served.
        let mut anonymous = process.browser().watch().await;
        anonymous.line().await.expect("everything");
        anonymous.check(&meeting.view(0), "while Redis is away");
        let failure = process.browser().with_cookie(&cookie).failure("/system/autoupdate").await;
        assert_eq!((failure.status, failure.kind.as_str()), (503, "unavailable"));
        assert_eq!(process.browser().health().await.0, 200, "the meeting is loaded");

        redis.restart().await.expect("started");
        let mut elements = fixture();
        elements.retain(|key, _| round == 2 || !key.starts_with("assignments/"));
        meeting.rebuild(LOWEST + round * 1_000_000, elements).await;
        for watcher in watchers.iter_mut().chain([&mut anonymous]) {
            let line = watcher.line().await.expect("the stream stays open");
            assert_eq!((line.all_data, line.to_change_id), (true, LOWEST + round * 1_000_000));
        }
        let change_id = meeting.mark().await;
        for watcher in &mut watchers {
            watcher.until(change_id).await;
            watcher.check(&meeting.view(3), "after Redis was refilled");
        }
        let cookie = meeting.log_in(3).await;
        process.browser().with_cookie(&cookie).watch().await.until(change_id).await;
    }
}

#[tokio::test]
#[cfg_attr(not(has_redis_server), ignore = "redis-server is not on the PATH")]
async fn two_programs_on_one_redis_share_messages_and_applause() {
    let redis = redis().await;
    let meeting = Meeting::start(&redis.address()).await;
    let variables = [("APPLAUSE_INTERVAL_MS", "50")];
    let processes = [Process::serve(redis.port(), &variables).await, Process::serve(redis.port(), &variables).await];
    let mut listeners: Vec<(usize, u64, String, Lines)> = Vec::new();
    for (number, process) in processes.iter().enumerate() {
        process.browser().until_healthy().await;
        for user in [1, 2, 3] {
            let cookie = meeting.log_in(user).await;
            let mut lines = process.speaking(Protocol::Https).with_cookie(&cookie).open("/system/notify").await;
            let channel =
                lines.next_data().await.expect("a channel id")["channel_id"].as_str().expect("text").to_owned();
            listeners.push((number, user, channel, lines));
        }
    }
    let channels: std::collections::BTreeSet<_> = listeners.iter().map(|(_, _, channel, _)| channel.clone()).collect();
    assert_eq!(channels.len(), 6, "{channels:?}");
    // Each sends on one instance: to a user, to a channel on the other instance, to all.
    let senders: Vec<_> =
        listeners.iter().map(|(number, user, channel, _)| (*number, *user, channel.clone())).collect();
    let other = senders[5].2.clone();
    for (number, user, channel) in &senders {
        let browser = processes[*number].browser().with_cookie(&format!("session-of-{user}"));
        for to in [json!({"to_users": [2]}), json!({"to_channels": [other]}), json!({"to_all": true})] {
            let mut body = json!({"channel_id": channel, "name": "n", "message": to});
            body.as_object_mut().expect("an object").extend(to.as_object().expect("receivers").clone());
            assert_eq!(browser.post("/system/notify/send", body.to_string()).await.status(), 200);
        }
    }
    for (_, user, channel, lines) in &mut listeners {
        let mut expected = Vec::new();
        for (_, sender, sender_channel) in &senders {
            let line = |message: serde_json::Value| json!({"sender_user_id": sender, "sender_channel_id": sender_channel, "name": "n", "message": message});
            expected.extend((*user == 2).then(|| line(json!({"to_users": [2]}))));
            expected.extend((*channel == other).then(|| line(json!({"to_channels": [other]}))));
            expected.push(line(json!({"to_all": true})));
        }
        for expected in expected {
            assert_eq!(lines.next_data().await.expect("a message"), expected, "{channel}");
        }
    }
    for (number, user) in [(0, 1), (1, 2), (0, 3), (1, 1)] {
        let browser = processes[number].browser().with_cookie(&format!("session-of-{user}"));
        assert_eq!(browser.post("/system/applause", "").await.status(), 200);
    }
    for (_, _, channel, lines) in &mut listeners {
        loop {
            let line = lines.next_data().await.expect("applause");
            assert_eq!(line["name"], "applause", "{channel}: each message must arrive once");
            if line["message"]["level"] == 3 {
                break;
            }
        }
    }
}

#[tokio::test]
#[cfg_attr(not(has_redis_server), ignore = "redis-server is not on the PATH")]
async fn a_client_may_switch_between_two_programs_on_one_redis() {
    let redis = redis().await;
    let mut meeting = Meeting::start(&redis.address()).await;
    let processes = [Process::serve(redis.port(), &[]).await, Process::serve(redis.port(), &[]).await];
    for process in &processes {
        process.browser().until_healthy().await;
    }
    let cookie = meeting.log_in(3).await;
    let browsers = processes.each_ref().map(|process| process.browser().with_cookie(&cookie));
    let mut watcher = browsers[0].watch().await;
    watcher.line().await.expect("everything");
    for number in 0..20 {
        let motion = meeting.with("motions/motion:1", json!({"title": format!("{number}")}));
        let change_id = meeting.change(&[("motions/motion:1", motion)]).await;
        let lines = watcher.until(change_id).await;
        assert!(lines.iter().all(|line| !line.all_data), "{number}");
        watcher.check(&meeting.view(3), "switching back and forth");
        // The other instance may not have this change yet.
        watcher = browsers[(number + 1) % 2].watch_from(watcher.client).await;
    }
}

#[tokio::test]
#[cfg_attr(not(has_redis_server), ignore = "redis-server is not on the PATH")]
async fn a_program_that_starts_without_redis_serves_once_it_is_there() {
    let mut redis = redis().await;
    redis.kill().expect("killed");
    let mut process = Process::serve(redis.port(), &[]).await;
    process.until_logged("no meeting yet").await;
    assert_eq!(process.browser().health().await.0, 503);
    redis.restart().await.expect("started");
    let meeting = Meeting::start(&redis.address()).await;
    process.browser().until_healthy().await;
    let mut watcher = process.browser().watch().await;
    watcher.line().await.expect("everything");
    watcher.check(&meeting.view(0), "anonymous");
}

/// Checks that what is written to the new primary reaches the clients, and that what clients send is written there.
async fn check_follows(
    process: &Process,
    meeting: &mut Meeting,
    primary: &RedisServer,
    watcher: &mut Watcher,
    listener: &mut Lines,
) {
    let browser = process.browser().with_cookie("session-of-3");
    // The first requests find the pooled connections to the old primary.
    let message = json!({"channel_id": "a:3:0", "name": "n", "message": primary.port(), "to_all": true});
    assert_eq!(browser.post("/system/notify/send", message.to_string()).await.status(), 200);
    assert_eq!(browser.post("/system/applause", "").await.status(), 200);
    meeting.server = OpenSlides::new(&primary.address());
    let motion = meeting.with("motions/motion:1", json!({"title": format!("written to {}", primary.port())}));
    meeting.change(&[("motions/motion:1", motion)]).await;
    let change_id = meeting.mark().await;
    watcher.until(change_id).await;
    watcher.check(&meeting.view(3), "after the fail-over");
    while listener.next_data().await.expect("the listener is not ended")["message"] != primary.port() {}
}

#[tokio::test]
#[cfg_attr(not(has_redis_server), ignore = "redis-server is not on the PATH")]
async fn a_fail_over_by_sentinel_is_followed() {
    let mut first = redis().await;
    let second = RedisServer::start_replica(&first).await.expect("a Redis");
    let mut meeting = Meeting::start(&first.address()).await;
    meeting.log_in(3).await;
    let sentinel = RedisServer::start_sentinel(&first).await.expect("a sentinel");
    let (sentinels, secret) = (format!("127.0.0.1:{}", sentinel.port()), secret_file());
    let variables = [("REDIS_SENTINELS", &*sentinels), ("SECRET_FILE", &secret), ("RECONCILE_SECONDS", "1")];
    let mut process = Process::start(&[], &variables).await;
    process.browser().until_healthy().await;
    let browser = process.browser().with_cookie("session-of-3");
    let mut watcher = browser.watch().await;
    watcher.line().await.expect("everything");
    let mut listener = browser.open("/system/notify").await;
    check_follows(&process, &mut meeting, &first, &mut watcher, &mut listener).await;

    // The primary dies.
    second.until_in_sync(&first).await;
    sentinel.until_it_could_fail_over().await;
    first.kill().expect("killed");
    sentinel.until_it_names(&second).await;
    check_follows(&process, &mut meeting, &second, &mut watcher, &mut listener).await;
    process.until_logged("the sentinels name a new primary").await;

    // The primary lives, but becomes a replica.
    first.restart_as_replica(&second).await.expect("started");
    first.until_in_sync(&second).await;
    sentinel.until_it_could_fail_over().await;
    sentinel.fail_over().await;
    sentinel.until_it_names(&first).await;
    second.follow(&first).await;
    check_follows(&process, &mut meeting, &first, &mut watcher, &mut listener).await;
    process.until_logged("the sentinels name a new primary").await;
}

/// Creates a private certificate authority, with two certificates: one for a Redis, and one for a client with its key.
fn identity() -> (String, TlsIdentity, [String; 2]) {
    let mut parameters = rcgen::CertificateParams::default();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate().expect("a key");
    let authority = parameters.self_signed(&key).expect("a certificate").pem();
    let issuer = rcgen::Issuer::new(parameters, key);
    let issue = |name: &str| {
        let key = rcgen::KeyPair::generate().expect("a key");
        let mut parameters = rcgen::CertificateParams::new([name.to_owned()]).expect("a name");
        // OpenSSL considers a certificate with the same name as its issuer self-signed.
        parameters.distinguished_name.push(rcgen::DnType::CommonName, name);
        [parameters.signed_by(&key, &issuer).expect("a certificate").pem(), key.serialize_pem()]
    };
    let [certificate, key] = issue("127.0.0.1");
    let trusted = RedisAuthority::from_pem(authority.as_bytes()).expect("a certificate");
    let redis = TlsIdentity { certificate, key, authority: trusted, clients: None };
    (authority, redis, issue("service"))
}

#[tokio::test]
#[cfg_attr(not(has_redis_tls), ignore = "there is no redis-server on the PATH that was built with TLS")]
async fn a_private_certificate_authority_is_trusted_only_if_configured() {
    let (authority, identity, _) = identity();
    let redis = RedisServer::start_tls(identity).await.expect("a Redis");
    let mut meeting = Meeting::start(&redis.address()).await;
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("authority.pem");
    std::fs::write(&file, authority).expect("a file");
    let (url, secret) = (format!("rediss://127.0.0.1:{}", redis.port()), secret_file());
    let trusting = ("REDIS_CA_FILE", file.to_str().expect("UTF-8"));
    let variables = [("REDIS_URL", &*url), ("SECRET_FILE", &secret)];

    let mut distrusting = Process::start(&[], &variables).await;
    let line = distrusting.until_logged("no meeting yet").await;
    assert!(line["error"].as_str().is_some_and(|error| error.contains("certificate")), "{line}");

    let process = Process::start(&[], &[&variables[..], &[trusting]].concat()).await;
    process.browser().until_healthy().await;
    let mut watcher = process.browser().with_cookie(&meeting.log_in(3).await).watch().await;
    let change_id = meeting.mark().await;
    watcher.until(change_id).await;
    watcher.check(&meeting.view(3), "over TLS");
}

#[tokio::test]
#[cfg_attr(not(has_redis_tls), ignore = "there is no redis-server on the PATH that was built with TLS")]
async fn a_client_certificate_is_sent_to_a_redis_that_requires_one() {
    let (authority, identity, client) = identity();
    let directory = tempfile::tempdir().expect("a directory");
    let written = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path.to_str().expect("UTF-8").to_owned()
    };
    let [certificate, key] = [written("certificate.pem", &client[0]), written("key.pem", &client[1])];
    let one = RedisIdentity::from_files(certificate.as_ref(), key.as_ref()).expect("a certificate");
    let identity = TlsIdentity { clients: Some(TlsClients { authority: authority.clone(), one }), ..identity };
    let redis = RedisServer::start_tls(identity).await.expect("a Redis");
    let mut meeting = Meeting::start(&redis.address()).await;
    let authority = written("authority.pem", &authority);
    let (url, secret) = (format!("rediss://127.0.0.1:{}", redis.port()), secret_file());
    let variables = [("REDIS_URL", &*url), ("SECRET_FILE", &secret), ("REDIS_CA_FILE", &authority)];

    let mut unknown = Process::start(&[], &variables).await;
    let line = unknown.until_logged("Redis refuses commands that the service needs").await;
    assert!(line["advice"].as_str().is_some_and(|advice| advice.contains("REDIS_CERT_FILE")), "{line}");

    let shown = [("REDIS_CERT_FILE", &*certificate), ("REDIS_KEY_FILE", &*key)];
    let process = Process::start(&[], &[&variables[..], &shown].concat()).await;
    process.browser().until_healthy().await;
    let mut watcher = process.browser().with_cookie(&meeting.log_in(3).await).watch().await;
    let change_id = meeting.mark().await;
    watcher.until(change_id).await;
    watcher.check(&meeting.view(3), "over TLS with certificates on both sides");
}
