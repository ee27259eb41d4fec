//! Do projectors show the right content, to those who may see it? (spec: projector.md#projector-line)

use adapters::testing::fake_redis::FakeRedis;
use serde_json::{Value, json};

use crate::harness::{Lines, Meeting, Service};

async fn start() -> (FakeRedis, Meeting, Service) {
    let redis = FakeRedis::start().await.expect("a port");
    let mut meeting = Meeting::start(&redis.address()).await;
    for id in [700, 701] {
        let key = format!("core/projector:{id}");
        meeting.change(&[(&key, projector(id, json!([{"name": "users/user", "id": 3}])))]).await;
    }
    let service = Service::ready(&redis.address(), |_| ()).await;
    (redis, meeting, service)
}

fn projector(id: u64, elements: Value) -> Value {
    json!({"id": id, "elements": elements, "reference_projector_id": id})
}

fn user_slide(name: &str) -> Value {
    json!([{"data": {"user": name}, "element": {"name": "users/user", "id": 3}}])
}

/// Checks the next line.
async fn check(lines: &mut Lines, change_id: u64, data: Value) {
    let line = lines.next_data().await.expect("the stream goes on");
    assert_eq!(line, json!({"change_id": change_id, "data": data}));
}

fn named(meeting: &Meeting, name: &str) -> Value {
    meeting.with("users/user:3", json!({"title": "", "first_name": name, "last_name": "", "structure_level": ""}))
}

#[tokio::test]
async fn projectors_show_their_slides_and_what_changes_in_them() {
    let (_redis, mut meeting, service) = start().await;
    let change_id = meeting.change(&[("users/user:3", named(&meeting, "Jörg 🦒"))]).await;
    let mut lines = service.browser().open("/system/projector?projector_ids=700,701,702,99999").await;
    let mut first = lines.next_data().await.expect("slides");
    // The change may arrive after the client.
    if first["change_id"] != json!(change_id) {
        first = lines.next_data().await.expect("slides");
    }
    assert_eq!(
        first,
        json!({"change_id": change_id, "data": {"700": user_slide("Jörg 🦒"), "701": user_slide("Jörg 🦒")}})
    );

    // A change that no slide shows is not sent.
    meeting.mark().await;
    let clock = json!([{"name": "core/clock"}]);
    let change_id = meeting.change(&[("core/projector:701", projector(701, clock))]).await;
    check(&mut lines, change_id, json!({"701": [{"data": {}, "element": {"name": "core/clock"}}]})).await;
    let change_id = meeting.change(&[("users/user:3", named(&meeting, "Jana"))]).await;
    check(&mut lines, change_id, json!({"700": user_slide("Jana")})).await;
    // An error is part of its slide.
    let change_id = meeting.change(&[("users/user:3", json!(null))]).await;
    let error =
        json!([{"data": {"error": "users/user with id 3 does not exist"}, "element": {"name": "users/user", "id": 3}}]);
    check(&mut lines, change_id, json!({"700": error})).await;
    // A projector is created, and one is deleted.
    let unknown = json!([{"name": "no/slide"}, {}]);
    let change_id = meeting.change(&[("core/projector:702", projector(702, unknown))]).await;
    let slides = json!([
        {"data": {"error": "unknwown slide no/slide"}, "element": {"name": "no/slide"}},
        {"data": {"error": "unknwown slide None"}, "element": {}},
    ]);
    check(&mut lines, change_id, json!({"702": slides})).await;
    let change_id = meeting.change(&[("core/projector:700", json!(null)), ("core/projector:702", json!(null))]).await;
    check(&mut lines, change_id, json!({"700": null, "702": null})).await;
}

#[tokio::test]
async fn projectors_that_do_not_exist_are_silent_until_they_do() {
    let (_redis, mut meeting, service) = start().await;
    let mut lines = service.browser().open("/system/projector?projector_ids=800").await;
    meeting.mark().await;
    let change_id = meeting.change(&[("core/projector:800", projector(800, json!([])))]).await;
    check(&mut lines, change_id, json!({"800": []})).await;
}

#[tokio::test]
async fn without_the_permission_a_projector_shows_nothing() {
    let (_redis, mut meeting, service) = start().await;
    let change_id = meeting.change(&[("users/user:3", named(&meeting, "Jana"))]).await;
    let delegate = service.browser().with_cookie(&meeting.log_in(3).await);
    delegate.watch().await.until(change_id).await;
    let mut lines = delegate.open("/system/projector?projector_ids=700").await;
    check(&mut lines, change_id, json!({"700": user_slide("Jana")})).await;
    let press = service.browser().with_cookie(&meeting.log_in(203).await);
    let mut nothing = press.open("/system/projector?projector_ids=700").await;

    let (key, group) = meeting.group(3, |permissions| permissions.retain(|one| one != "core.can_see_projector"));
    let change_id = meeting.change(&[(&key, group)]).await;
    check(&mut lines, change_id, json!({"700": null})).await;
    meeting.change(&[("users/user:3", named(&meeting, "Judith"))]).await;
    let (key, group) = meeting.group(3, |permissions| permissions.push(json!("core.can_see_projector")));
    let change_id = meeting.change(&[(&key, group)]).await;
    check(&mut lines, change_id, json!({"700": user_slide("Judith")})).await;

    // A user who never had the permission gets the first line with the change that grants it.
    let (key, group) = meeting.group(7, |permissions| permissions.push(json!("core.can_see_projector")));
    let change_id = meeting.change(&[(&key, group)]).await;
    check(&mut nothing, change_id, json!({"700": user_slide("Judith")})).await;
}

#[tokio::test]
async fn the_projectors_of_the_demo_meeting_have_no_errors() {
    let (_redis, _meeting, service) = start().await;
    let mut lines = service.browser().open("/system/projector?projector_ids=1,2,130").await;
    let line = lines.next_data().await.expect("slides");
    assert_eq!(line["data"].as_object().expect("projectors").len(), 3);
    assert!(!line.to_string().contains("\"error\""), "{line}");
}
