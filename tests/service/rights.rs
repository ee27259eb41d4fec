//! Does a stream show exactly what its user may see while permissions change, and end when the user loses access?
//! (spec: stream.md#promise, auth.md#ends-at-once)

use std::time::Duration;

use adapters::testing::fake_redis::{FakeRedis, Fault};
use serde_json::json;

use crate::harness::{Failure, Lines, Meeting, Service};

#[tokio::test]
async fn what_a_group_may_no_longer_see_is_removed_at_once_and_returns() {
    let redis = FakeRedis::start().await.expect("a port");
    let mut meeting = Meeting::start(&redis.address()).await;
    let service = Service::ready(&redis.address(), |_| ()).await;
    let mut delegate = service.browser().with_cookie(&meeting.log_in(3).await).watch().await;
    let mut staff = service.browser().with_cookie(&meeting.log_in(2).await).watch().await;
    delegate.line().await.expect("everything");
    staff.line().await.expect("everything");
    for permission in ["motions.can_see", "users.can_see_name", "agenda.can_see", "assignments.can_see"] {
        let before = meeting.view(3);
        let (key, group) = meeting.group(3, |permissions| permissions.retain(|one| one != permission));
        let change_id = meeting.change(&[(&key, group)]).await;
        let lines = delegate.until(change_id).await;
        delegate.check(&meeting.view(3), &format!("a delegate without {permission}"));
        assert_eq!(lines.len(), 1, "in one line");
        assert!(!lines[0].deleted.is_empty(), "{permission}");
        // A user in another group only receives the changed group.
        let lines = staff.until(change_id).await;
        assert_eq!(lines[0].changed_keys().into_iter().collect::<Vec<_>>(), [key.as_str()]);
        assert!(lines[0].deleted.is_empty());

        let (key, group) = meeting.group(3, |permissions| permissions.push(json!(permission)));
        let change_id = meeting.change(&[(&key, group)]).await;
        delegate.until(change_id).await;
        staff.until(change_id).await;
        let after = meeting.view(3);
        delegate.check(&after, &format!("a delegate with {permission} again"));
        assert_eq!(before.len(), after.len());
    }
}

/// (spec: stream.md#why-it-changed)
#[tokio::test]
async fn a_user_who_is_moved_between_groups_sees_what_the_new_one_sees() {
    let redis = FakeRedis::start().await.expect("a port");
    let mut meeting = Meeting::start(&redis.address()).await;
    let service = Service::ready(&redis.address(), |_| ()).await;
    let mut watcher = service.browser().with_cookie(&meeting.log_in(205).await).watch().await;
    watcher.line().await.expect("everything");
    for groups in [json!([2]), json!([3, 7]), json!([]), json!([131]), json!([4])] {
        let user = meeting.with("users/user:205", json!({"groups_id": groups}));
        // The user's own element may look the same to the user as before; the marker is seen in any case.
        let marker = meeting.marker();
        let change_id = meeting.change(&[("users/user:205", user), marker[0].clone()]).await;
        watcher.until(change_id).await;
        watcher.check(&meeting.view(205), &format!("user 205 in the groups {groups}"));
    }
}

/// (spec: stream.md#no-traces)
#[tokio::test]
async fn changes_that_a_user_may_not_see_leave_no_trace() {
    let redis = FakeRedis::start().await.expect("a port");
    let mut meeting = Meeting::start(&redis.address()).await;
    let service = Service::ready(&redis.address(), |_| ()).await;
    let mut watcher = service.browser().with_cookie(&meeting.log_in(205).await).watch().await;
    watcher.line().await.expect("everything");
    let before = watcher.client.change_id;
    meeting.change(&[("users/personal-note:77", json!({"id": 77, "user_id": 3}))]).await;
    meeting.change(&[("motions/motion:1", json!(null))]).await;
    meeting.change(&[("users/personal-note:77", json!(null))]).await;
    let change_id = meeting.mark().await;
    let lines = watcher.until(change_id).await;
    assert_eq!(lines.last().expect("a line").changed_keys().into_iter().collect::<Vec<_>>(), ["core/tag:999"]);
    assert_eq!((lines.len(), lines[0].from_change_id), (1, before));
    assert!(lines[0].deleted.is_empty(), "{:?}", lines[0].deleted);
}

/// (spec: stream.md#no-traces)
#[tokio::test]
async fn a_hidden_comment_does_not_show_that_it_was_written() {
    let redis = FakeRedis::start().await.expect("a port");
    let mut meeting = Meeting::start(&redis.address()).await;
    let motion = meeting.with("motions/motion:1", json!({"comments": [], "state_restriction": []}));
    meeting.change(&[("motions/motion:1", motion)]).await;
    let service = Service::ready(&redis.address(), |_| ()).await;
    let mut delegate = service.browser().with_cookie(&meeting.log_in(3).await).watch().await;
    delegate.line().await.expect("everything");
    let comment = json!({"id": 1, "comment": "internal", "section_id": 1, "read_groups_id": [4]});
    for comments in [json!([comment]), json!([])] {
        let motion = meeting.with("motions/motion:1", json!({"comments": comments}));
        meeting.change(&[("motions/motion:1", motion)]).await;
        let change_id = meeting.mark().await;
        for line in delegate.until(change_id).await {
            assert_eq!(line.changed_keys().into_iter().collect::<Vec<_>>(), ["core/tag:999"]);
        }
    }
}

/// Opens the three streams of a session and makes a change. Checks that all three end, and that reopening them gives
/// the reason `refused`.
async fn check_end(user: u64, change: impl AsyncFnOnce(&mut Meeting), refused: Option<&str>) {
    let redis = FakeRedis::start().await.expect("a port");
    let mut meeting = Meeting::start(&redis.address()).await;
    let service = Service::ready(&redis.address(), |_| ()).await;
    let browser = service.browser();
    let browser = if user == 0 { browser } else { browser.with_cookie(&meeting.log_in(user).await) };
    let other = service.browser().with_cookie(&meeting.log_in(1).await);
    let mut stays = other.watch().await;
    let mut streams: Vec<Lines> = Vec::new();
    for path in ["/system/autoupdate", "/system/projector?projector_ids=1", "/system/notify"] {
        streams.push(browser.open(path).await);
    }
    change(&mut meeting).await;
    for lines in &mut streams {
        lines.until_end().await;
    }
    match refused {
        Some(message) => {
            let expected = Failure::new(400, "auth_required", message);
            assert_eq!(browser.failure("/system/autoupdate").await, expected);
        }
        // As in Django, a user who does not exist is anonymous.
        None => drop(browser.open("/system/autoupdate").await),
    }
    let change_id = meeting.mark().await;
    stays.until(change_id).await;
    stays.check(&meeting.view(1), "a user who is not affected");
}

#[tokio::test]
async fn the_streams_of_a_deleted_user_end() {
    let delete = async |meeting: &mut Meeting| {
        meeting.change(&[("users/user:3", json!(null))]).await;
    };
    check_end(3, delete, None).await;
}

#[tokio::test]
async fn the_streams_of_a_user_set_inactive_end() {
    let deactivate = async |meeting: &mut Meeting| {
        let user = meeting.with("users/user:3", json!({"is_active": false}));
        meeting.change(&[("users/user:3", user)]).await;
    };
    check_end(3, deactivate, Some("This user is not active.")).await;
}

#[tokio::test]
async fn the_streams_of_a_user_whose_password_changed_end() {
    let change_password = async |meeting: &mut Meeting| {
        let user = meeting.with("users/user:3", json!({"session_auth_hash": "another"}));
        meeting.change(&[("users/user:3", user)]).await;
    };
    check_end(3, change_password, Some("Invalid session data")).await;
}

/// (spec: auth.md#ends-anonymous)
#[tokio::test]
async fn anonymous_streams_end_when_anonymous_access_is_switched_off() {
    let switch_off = async |meeting: &mut Meeting| {
        let key = meeting.config_key("general_system_enable_anonymous");
        let config = meeting.with(&key, json!({"value": false}));
        meeting.change(&[(&key, config)]).await;
    };
    check_end(0, switch_off, Some("Anonymous is not enabled.")).await;
}

/// (spec: auth.md#ends-with-session)
#[tokio::test]
async fn streams_end_soon_after_their_session_but_not_because_redis_is_unreachable() {
    let redis = FakeRedis::start().await.expect("a port");
    let meeting = Meeting::start(&redis.address()).await;
    let every = Duration::from_millis(20);
    let service = Service::ready(&redis.address(), |setup| setup.settings.session_check = every).await;
    let cookie = meeting.log_in(3).await;
    let browser = service.browser().with_cookie(&cookie);
    let mut ends = browser.open("/system/autoupdate").await;
    let mut stays = service.browser().with_cookie(&meeting.log_in(1).await).watch().await;

    // While Redis is unreachable the checks fail, which must not end any stream.
    redis.set_fault(Fault::Closed);
    let before = redis.connections_opened();
    crate::harness::within("some attempts", async {
        while redis.connections_opened() < before + 3 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    redis.set_fault(Fault::None);
    meeting.log_out(&cookie).await;
    ends.until_end().await;
    let expected = Failure::new(400, "auth_required", "Invalid session data");
    assert_eq!(browser.failure("/system/autoupdate").await, expected);
    let mut meeting = meeting;
    let change_id = meeting.mark().await;
    stays.until(change_id).await;
}
