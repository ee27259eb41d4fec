//! What is a connection sent, line by line?

use std::sync::Arc;

use serde_json::{Value, json};

use super::{FIRST, Hall, key, projector, topic, topic_projector};
use crate::ids::{ProjectorId, UserId};
use crate::projector::{ProjectorCursor, ProjectorIds, Written};

/// User 5 is in group 3, which may see projectors; user 6 is in group 4, which may not.
fn elements() -> Vec<(&'static str, Value)> {
    vec![
        ("core/projector:2", topic_projector(2, 1)),
        ("core/projector:10", topic_projector(10, 2)),
        ("core/projector:2147483649", topic_projector(2_147_483_649, 1)),
        ("topics/topic:1", topic(1, "one")),
        ("topics/topic:2", topic(2, "zwei ü")),
        ("users/group:3", json!({"id": 3, "permissions": ["core.can_see_projector"]})),
        ("users/group:4", json!({"id": 4, "permissions": []})),
        ("users/user:5", json!({"id": 5, "groups_id": [3]})),
        ("users/user:6", json!({"id": 6, "groups_id": [4]})),
    ]
}

fn cursor(user: u64, ids: &str) -> ProjectorCursor {
    ProjectorCursor::new(Some(UserId(user)), ProjectorIds::parse(Some(ids)).expect(ids))
}

fn hall(wanted: &[u64]) -> Hall {
    Hall::new(&elements(), wanted)
}

fn slides(topic: u64, title: &str) -> Value {
    json!([{"data": {"title": title, "text": "", "item_number": ""}, "element": {"name": "topics/topic", "id": topic}}])
}

/// The next line is this one; `null`: there is none.
#[track_caller]
fn check(hall: &Hall, cursor: &mut ProjectorCursor, expected: Value) {
    let line = cursor.next_line(&hall.board);
    let line = line.map_or(json!(null), |line| {
        let text = hall.board.text(&line).strip_suffix('\n').expect("an ended line").to_owned();
        assert!(text.is_ascii() && !text.contains('\n'));
        serde_json::from_str(&text).expect("a line is JSON")
    });
    assert_eq!(line, expected);
    assert!(cursor.next_line(&hall.board).is_none(), "nothing is sent twice");
}

#[test]
fn a_line_is_compact_and_in_the_order_of_the_numbers() {
    let hall = hall(&[2, 10]);
    let line = cursor(5, "10,2,10,77").next_line(&hall.board).expect("a line");
    let slide = |topic: u64, title: &str| {
        format!(
            r#"[{{"data":{{"title":"{title}","text":"","item_number":""}},"element":{{"id":{topic},"name":"topics/topic"}}}}]"#
        )
    };
    let (two, ten) = (slide(1, "one"), slide(2, r"zwei \u00fc"));
    let expected = format!("{{\"change_id\":{FIRST},\"data\":{{\"2\":{two},\"10\":{ten}}}}}\n");
    assert_eq!(hall.board.text(&line), expected);
}

/// (spec: projector.md#projector-line)
#[test]
fn first_those_that_exist_then_what_changes() {
    let mut hall = hall(&[2, 10, 77]);
    let mut cursor = cursor(5, "2,10,77");
    check(&hall, &mut cursor, json!({"change_id": 1, "data": {"2": slides(1, "one"), "10": slides(2, "zwei ü")}}));
    let _ = hall.write(&[("topics/topic:1", Some(topic(1, "new")))]);
    check(&hall, &mut cursor, json!({"change_id": 2, "data": {"2": slides(1, "new")}}));
    let _ = hall.write(&[("topics/topic:9", Some(topic(9, "unseen")))]);
    check(&hall, &mut cursor, json!(null));
    let _ = hall.write(&[("core/projector:77", Some(projector(77, json!([]))))]);
    check(&hall, &mut cursor, json!({"change_id": 4, "data": {"77": []}}));
}

#[test]
fn several_changes_become_one_line_and_there_and_back_none() {
    let mut hall = hall(&[2, 10]);
    let mut cursor = cursor(5, "2,10");
    assert!(cursor.next_line(&hall.board).is_some());
    let _ = hall.write(&[("topics/topic:1", Some(topic(1, "a")))]);
    let _ = hall.write(&[("topics/topic:2", Some(topic(2, "b")))]);
    let _ = hall.write(&[("topics/topic:1", Some(topic(1, "one")))]);
    check(&hall, &mut cursor, json!({"change_id": 4, "data": {"10": slides(2, "b")}}));
}

#[test]
fn a_deleted_projector_is_null_once_for_listeners_that_had_it() {
    let mut hall = hall(&[2, 10]);
    let (mut had, mut late) = (cursor(5, "2,10"), cursor(5, "2"));
    assert!(had.next_line(&hall.board).is_some());
    let _ = hall.write(&[("core/projector:2", None)]);
    check(&hall, &mut had, json!({"change_id": 2, "data": {"2": null}}));
    check(&hall, &mut late, json!(null));
    let _ = hall.write(&[("topics/topic:1", Some(topic(1, "new")))]);
    check(&hall, &mut had, json!(null));
    let _ = hall.write(&[("core/projector:2", Some(topic_projector(2, 1)))]);
    check(&hall, &mut had, json!({"change_id": 4, "data": {"2": slides(1, "new")}}));
    check(&hall, &mut late, json!({"change_id": 4, "data": {"2": slides(1, "new")}}));
}

#[test]
fn if_none_exists_there_is_no_line_until_one_does() {
    let mut hall = hall(&[77, 128]);
    let mut cursor = cursor(5, "77,128");
    check(&hall, &mut cursor, json!(null));
    let _ = hall.write(&[("core/projector:128", Some(projector(128, json!([]))))]);
    check(&hall, &mut cursor, json!({"change_id": 2, "data": {"128": []}}));
}

#[test]
fn ids_may_be_large() {
    let hall = hall(&[2_147_483_649]);
    let expected = json!({"change_id": 1, "data": {"2147483649": slides(1, "one")}});
    check(&hall, &mut cursor(5, "2147483649,18446744073709551615"), expected);
}

#[test]
fn without_the_permission_there_are_no_lines() {
    let mut hall = hall(&[2]);
    // One who may not, one who does not exist, and the anonymous user, whose group does not exist.
    let ids = || ProjectorIds::parse(Some("2")).expect("ids");
    let cursors = [cursor(6, "2"), cursor(77, "2"), ProjectorCursor::new(None, ids())];
    for mut cursor in cursors.clone() {
        check(&hall, &mut cursor, json!(null));
    }
    let _ = hall.write(&[("core/projector:2", None)]);
    for mut cursor in cursors {
        check(&hall, &mut cursor, json!(null));
    }
    let seeing = Some(json!({"id": 1, "permissions": ["core.can_see_projector"]}));
    let _ = hall.write(&[("core/projector:2", Some(projector(2, json!([])))), ("users/group:1", seeing)]);
    check(&hall, &mut ProjectorCursor::new(None, ids()), json!({"change_id": 3, "data": {"2": []}}));
}

/// (spec: projector.md#projector-permission)
#[test]
fn losing_the_permission_is_null_once_and_gaining_it_is_everything() {
    let mut hall = hall(&[2, 10]);
    let mut cursor = cursor(5, "2,10,77");
    let first = json!({"2": slides(1, "one"), "10": slides(2, "zwei ü")});
    check(&hall, &mut cursor, json!({"change_id": 1, "data": first}));
    let changes = hall.write(&[("users/user:5", Some(json!({"id": 5, "groups_id": [4]})))]);
    assert!(cursor.is_concerned(&changes));
    check(&hall, &mut cursor, json!({"change_id": 2, "data": {"2": null, "10": null}}));
    let _ = hall.write(&[("topics/topic:1", Some(topic(1, "secret")))]);
    check(&hall, &mut cursor, json!(null));
    let _ = hall.write(&[("core/projector:10", None)]);
    check(&hall, &mut cursor, json!(null));
    let gained = Some(json!({"id": 4, "permissions": ["core.can_see_projector"]}));
    let changes = hall.write(&[("users/group:4", gained)]);
    assert!(cursor.is_concerned(&changes));
    check(&hall, &mut cursor, json!({"change_id": 5, "data": {"2": slides(1, "secret")}}));
}

#[test]
fn only_listeners_that_a_change_may_affect_check_it() {
    let mut hall = hall(&[2, 10]);
    let changes = hall.write(&[("topics/topic:1", Some(topic(1, "new")))]);
    assert!(cursor(5, "2").is_concerned(&changes));
    assert!(cursor(5, "1,2,3").is_concerned(&changes));
    assert!(!cursor(5, "10,77").is_concerned(&changes));
    let changes = hall.write(&[("users/user:6", Some(json!({"id": 6, "groups_id": [3]})))]);
    assert!(cursor(6, "77").is_concerned(&changes));
    assert!(!cursor(5, "2,10").is_concerned(&changes));
}

#[test]
fn a_projector_that_is_not_on_the_board_yet_is_left_as_it_is() {
    let mut hall = hall(&[2]);
    let mut cursor = cursor(5, "2,10");
    assert!(!hall.board.shows(cursor.ids()));
    assert!(hall.board.shows(&ProjectorIds::parse(Some("2,77")).expect("ids")));
    check(&hall, &mut cursor, json!({"change_id": 1, "data": {"2": slides(1, "one")}}));
    hall.wanted = [ProjectorId(10)].into();
    let same = Arc::clone(hall.board.meeting());
    let changes = hall.show(same, Written::Keys(&[]));
    assert!(cursor.is_concerned(&changes));
    check(&hall, &mut cursor, json!({"change_id": 1, "data": {"10": slides(2, "zwei ü")}}));
    // Deleted while it was not on the board: that is known all the same.
    let _ = hall.write(&[("core/projector:2", None)]);
    check(&hall, &mut cursor, json!({"change_id": 2, "data": {"2": null}}));
    assert!(hall.board.meeting().get(key("core/projector:2")).is_none());
}

#[test]
fn lines_that_tell_the_same_are_equal() {
    let hall = hall(&[2, 10]);
    let line = |user: u64, ids: &str| cursor(user, ids).next_line(&hall.board).expect("a line");
    let (one, other) = (line(5, "2"), line(5, "2,2,77"));
    assert_eq!(one, other);
    assert_ne!(one, line(5, "2,10"));
}
