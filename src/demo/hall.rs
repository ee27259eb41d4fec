//! What else happens in the hall of the demo: who comes and goes, chats, applauds, and what do the screens show?

use serde_json::{Value, json};

use super::time::rfc3339;
use super::{Happening, MeetingMap, ids_of, next_id};

const COUNTDOWN: &str = "core/countdown:1";
const MOTION: &str = "motions/motion:2";
const DRAFT: &str = "motions/motion:7";
const PROJECTOR: &str = "core/projector:1";
const DELEGATES: &str = "users/group:3";
const GUESTS: &str = "users/group:6";
const CHAT_GROUP: &str = "chat/chat-group:1";
const SEES_MOTIONS: &str = "motions.can_see";

/// How many chat messages are kept; the oldest is deleted when a new one comes.
const CHAT_MESSAGES_MAX: usize = 8;

/// How many earlier slides a projector remembers.
const HISTORY_MAX: usize = 4;

const CHAT_TEXTS: [&str; 5] = [
    "Ist die Pause schon vorbei?",
    "Speaker is hard to hear 🔇",
    "Danke! 👏",
    "Wo gibt es \"Kaffee\"?",
    "A1 <b>annehmen</b>!",
];

/// The states that the motion passes through, over and over.
const STATES: [u64; 4] = [6, 7, 13, 11];

/// The countdown runs for a minute from now on.
pub(super) fn start_countdown(meeting: &MeetingMap, unix_seconds: u64) -> Option<Happening> {
    change(meeting, COUNTDOWN, |countdown| {
        let seconds = countdown["default_time"].as_u64().unwrap_or(60);
        countdown["countdown_time"] = json!((unix_seconds + seconds) as f64);
        countdown["running"] = json!(true);
    })
}

/// The countdown stops where it is.
pub(super) fn stop_countdown(meeting: &MeetingMap, unix_seconds: u64) -> Option<Happening> {
    change(meeting, COUNTDOWN, |countdown| {
        let end = countdown["countdown_time"].as_f64().unwrap_or_default();
        countdown["countdown_time"] = json!((end - unix_seconds as f64).max(0.0));
        countdown["running"] = json!(false);
    })
}

/// A delegate comes or goes.
pub(super) fn presence(meeting: &MeetingMap, tick: u64) -> Option<Happening> {
    let users = delegates(meeting);
    let user = users.get(tick as usize % users.len().max(1))?;
    change(meeting, &format!("users/user:{user}"), |user| {
        user["is_present"] = json!(user["is_present"] != true);
    })
}

/// A delegate writes into the chat; the oldest message goes.
pub(super) fn chat(meeting: &MeetingMap, tick: u64, unix_seconds: u64) -> Option<Happening> {
    const COLLECTION: &str = "chat/chat-message";
    let group = meeting.get(CHAT_GROUP)?;
    let users = delegates(meeting);
    let user = users.get(tick as usize % users.len().max(1))?;
    let id = next_id(meeting, COLLECTION);
    let message = json!({
        "id": id, "text": CHAT_TEXTS[tick as usize % CHAT_TEXTS.len()], "chatgroup_id": group["id"],
        "timestamp": rfc3339(unix_seconds), "username": name(meeting, *user)?, "user_id": user,
        "read_groups_id": group["read_groups_id"], "write_groups_id": group["write_groups_id"],
    });
    let mut changed = MeetingMap::from([(format!("{COLLECTION}:{id}"), message)]);
    let messages = ids_of(meeting, COLLECTION);
    for oldest in messages.iter().take((messages.len() + 1).saturating_sub(CHAT_MESSAGES_MAX)) {
        changed.insert(format!("{COLLECTION}:{oldest}"), Value::Null);
    }
    Some(Happening::Change(changed))
}

/// Moves a motion to its next state.
pub(super) fn motion_state(meeting: &MeetingMap, unix_seconds: u64) -> Option<Happening> {
    let now = meeting.get(MOTION)?["state_id"].as_u64()?;
    let next =
        STATES.iter().position(|state| *state == now).map_or(STATES[0], |index| STATES[(index + 1) % STATES.len()]);
    set_motion_state(meeting, MOTION, next, unix_seconds)
}

/// A draft that only its submitters see is handed in, or taken back.
pub(super) fn draft(meeting: &MeetingMap, unix_seconds: u64) -> Option<Happening> {
    const IN_PROGRESS: u64 = 5;
    const SUBMITTED: u64 = 6;
    let next = if meeting.get(DRAFT)?["state_id"] == IN_PROGRESS { SUBMITTED } else { IN_PROGRESS };
    set_motion_state(meeting, DRAFT, next, unix_seconds)
}

/// Guests gain the right to see motions, or lose it.
pub(super) fn guests(meeting: &MeetingMap) -> Option<Happening> {
    let has = sees_motions(meeting.get(GUESTS)?);
    set_sees_motions(meeting, GUESTS, !has)
}

/// Delegates lose the right to see motions.
pub(super) fn hide_motions_from_delegates(meeting: &MeetingMap) -> Option<Happening> {
    set_sees_motions(meeting, DELEGATES, false)
}

/// Delegates have the right to see motions again.
pub(super) fn show_motions_to_delegates(meeting: &MeetingMap) -> Option<Happening> {
    set_sees_motions(meeting, DELEGATES, true)
}

/// The big screen shows something else.
pub(super) fn slide(meeting: &MeetingMap, tick: u64) -> Option<Happening> {
    let slides = [
        json!({"name": "topics/topic", "id": 2}),
        json!({"name": "motions/motion", "id": 1, "mode": "diff"}),
        json!({"name": "motions/motion-poll", "id": 4}),
        json!({"name": "assignments/assignment-poll", "id": 1}),
    ];
    change(meeting, PROJECTOR, |projector| {
        let Some(elements) = projector["elements"].as_array_mut() else { return };
        let shown: Vec<Value> = elements.extract_if(.., |element| element["stable"] != true).collect();
        let next = slides.iter().position(|slide| shown.contains(slide)).map_or(tick as usize, |index| index + 1);
        elements.push(slides[next % slides.len()].clone());
        if let Some(history) = projector["elements_history"].as_array_mut() {
            history.push(Value::Array(shown));
            let surplus = history.len().saturating_sub(HISTORY_MAX);
            history.drain(..surplus);
        }
    })
}

/// The office sends a message to everybody.
pub(super) fn message(tick: u64) -> Happening {
    Happening::Notify(json!({
        "channel_id": "demodemo:2:0", "name": "demo", "to_all": true,
        "message": {"text": "Grüße vom Büro 👋", "number": tick},
    }))
}

/// Some of those who are present applaud; now fewer, now more.
pub(super) fn applause(meeting: &MeetingMap, tick: u64) -> Option<Happening> {
    let mut users = delegates(meeting);
    users.retain(|user| meeting[&format!("users/user:{user}")]["is_present"] == true);
    users.truncate(2 + (tick * 5 % 9) as usize);
    (!users.is_empty()).then_some(Happening::Applause(users))
}

fn change(meeting: &MeetingMap, key: &str, with: impl FnOnce(&mut Value)) -> Option<Happening> {
    let mut element = meeting.get(key)?.clone();
    with(&mut element);
    Some(Happening::Change([(key.to_owned(), element)].into()))
}

fn set_motion_state(meeting: &MeetingMap, key: &str, state: u64, unix_seconds: u64) -> Option<Happening> {
    let restriction = meeting.get(&format!("motions/state:{state}"))?["restriction"].clone();
    change(meeting, key, |motion| {
        motion["state_id"] = json!(state);
        motion["state_restriction"] = restriction;
        motion["last_modified"] = json!(rfc3339(unix_seconds));
    })
}

fn sees_motions(group: &Value) -> bool {
    group["permissions"].as_array().is_some_and(|permissions| permissions.iter().any(|name| name == SEES_MOTIONS))
}

fn set_sees_motions(meeting: &MeetingMap, group: &str, sees: bool) -> Option<Happening> {
    change(meeting, group, |group| {
        let Some(permissions) = group["permissions"].as_array_mut() else { return };
        permissions.retain(|permission| permission != SEES_MOTIONS);
        if sees {
            permissions.push(json!(SEES_MOTIONS));
        }
    })
}

/// The active delegates, ascending.
fn delegates(meeting: &MeetingMap) -> Vec<u64> {
    const DELEGATES: u64 = 3;
    let mut users = ids_of(meeting, "users/user");
    users.retain(|user| {
        let user = &meeting[&format!("users/user:{user}")];
        user["is_active"] == true && super::ids(&user["groups_id"]).contains(&DELEGATES)
    });
    users
}

fn name(meeting: &MeetingMap, user: u64) -> Option<String> {
    let user = meeting.get(&format!("users/user:{user}"))?;
    Some(format!("{} {}", user["first_name"].as_str()?, user["last_name"].as_str()?))
}
