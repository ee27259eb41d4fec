//! Does it all work with a real Redis, too, and with several programs on it? (spec: redis.md, Losing Redis; notify.md)

use adapters::testing::redis_server::RedisServer;
use serde_json::json;

use crate::harness::{LOWEST, Lines, Meeting, Process, Protocol, fixture};

/// A Redis of its own; `None`, said loudly, if there is none to be had.
async fn redis() -> Option<RedisServer> {
    RedisServer::start().await.expect("a Redis")
}

#[tokio::test]
async fn a_redis_that_is_killed_and_refilled_keeps_every_stream_open() {
    let Some(mut redis) = redis().await else { return };
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
        // Who is there keeps what there is, and who needs no session is served.
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
            watcher.check(&meeting.view(3), "after Redis was filled anew");
        }
        let cookie = meeting.log_in(3).await;
        process.browser().with_cookie(&cookie).watch().await.until(change_id).await;
    }
}

#[tokio::test]
async fn two_programs_on_one_redis_share_messages_and_applause() {
    let Some(redis) = redis().await else { return };
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
    // Everybody sends on one instance: to a user, to a channel on the other instance, to all.
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
            assert_eq!(line["name"], "applause", "{channel}: each message comes once");
            if line["message"]["level"] == 3 {
                break;
            }
        }
    }
}

#[tokio::test]
async fn two_programs_on_one_redis_tell_the_same_whichever_a_client_comes_to() {
    let Some(redis) = redis().await else { return };
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
        watcher.check(&meeting.view(3), "going to and fro");
        // The other instance may not have this change yet.
        watcher = browsers[(number + 1) % 2].watch_from(watcher.client).await;
    }
}

#[tokio::test]
async fn a_program_that_starts_without_redis_serves_when_it_comes() {
    let Some(mut redis) = redis().await else { return };
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
