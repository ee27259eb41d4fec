//! What do clients have after a replay of what a real server wrote during a meeting? (fixtures/traces/README.md)

use adapters::testing::fake_redis::FakeRedis;
use adapters::testing::openslides::OpenSlides;
use adapters::testing::trace::{Change, RecordedState, Replay, Trace};
use domain::testing::client::Client;
use domain::testing::oracle::{Elements, view};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::harness::{Browser, Meeting, Service, WAIT, within};

/// Changed last of all; everybody sees it.
const LAST: &str = "core/tag:99999";

#[tokio::test]
async fn every_client_has_the_final_state_of_a_recorded_meeting() {
    check("meeting.json").await;
}

#[tokio::test]
async fn every_client_has_the_final_state_of_a_recorded_race() {
    check("race.json").await;
}

/// Replays the trace, with clients that join at the beginning and during the meeting, and checks what they have in the
/// end.
async fn check(name: &str) {
    let trace = Trace::read(name).expect("a readable trace");
    let redis = FakeRedis::start().await.expect("a port");
    let server = OpenSlides::new(&redis.address());
    trace.write_initial(&server).await;
    let service = Service::ready(&redis.address(), |_| ()).await;
    let sessions = Meeting::nowhere(&redis.address());
    let changes = trace.changes().expect("changes");
    let (mut present, mut end) = (elements(&trace.initial), elements(&trace.end));

    let mut followers = JoinSet::new();
    let mut joined = Vec::new();
    let mut replay = Replay::new(&server, &changes);
    for (number, change) in changes.iter().enumerate() {
        if number % 60 == 0 {
            for user in users(&present).filter(|user| is_active(&end, *user)) {
                joined.push(user);
                let cookie = format!("recorded-{user}");
                sessions.set_session(&cookie, &json!({"_auth_user_id": user.to_string()})).await;
                let browser = service.browser().with_cookie(&cookie);
                followers.spawn(async move { (user, follow(browser).await) });
            }
        }
        replay.write(change).await;
        apply(&mut present, change);
    }
    assert_eq!(present, end, "the recorded changes lead to the recorded end");
    assert!(joined.len() > 30, "many clients joined: {joined:?}");
    let last = json!({"id": 99999, "name": "the end"});
    server.change(&[(LAST, Some(&last.to_string()))]).await;
    end.insert(LAST.to_owned(), last);

    while let Some(follower) = within("the clients", followers.join_next()).await {
        let (user, client) = follower.expect("no panic");
        let expected = view(&end, user);
        let wrong: Vec<_> = client
            .data
            .keys()
            .chain(expected.keys())
            .filter(|key| client.data.get(*key) != expected.get(*key))
            .collect();
        assert!(wrong.is_empty(), "{name}: user {user}: {wrong:?} differ");
    }
}

/// Follows the meeting to its end, and reconnects if the stream ends.
async fn follow(browser: Browser) -> Client {
    let mut client = Client::default();
    tokio::time::timeout(WAIT, async {
        while !client.data.contains_key(LAST) {
            let mut watcher = browser.watch_from(client).await;
            while !watcher.client.data.contains_key(LAST) && watcher.line().await.is_some() {}
            client = watcher.client;
        }
        client
    })
    .await
    .expect("the end of the recorded meeting arrives")
}

fn elements(state: &RecordedState) -> Elements {
    state.full_data.iter().map(|(key, text)| (key.clone(), serde_json::from_str(text).expect("JSON"))).collect()
}

fn apply(elements: &mut Elements, change: &Change) {
    for (key, text) in &change.elements {
        match text {
            Some(text) => elements.insert(key.clone(), serde_json::from_str(text).expect("JSON")),
            None => elements.remove(key),
        };
    }
}

fn users(elements: &Elements) -> impl Iterator<Item = u64> {
    elements.keys().filter_map(|key| key.strip_prefix("users/user:")?.parse().ok())
}

fn is_active(elements: &Elements, user: u64) -> bool {
    elements.get(&format!("users/user:{user}")).is_some_and(|user: &Value| user["is_active"] != false)
}
