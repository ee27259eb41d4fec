//! Who wants to speak in the demo, who speaks, and who has spoken?

use serde_json::{Value, json};

use super::time::rfc3339;
use super::{Happening, MeetingMap};

/// The list of speakers in which something happens: that of the topic on the big screen.
const LIST: &str = "agenda/list-of-speakers:2";

/// The maximum number of waiting speakers; at the limit, somebody withdraws instead of joining.
const WAITING_MAX: usize = 5;

/// How many finished speakers are kept.
const FINISHED_MAX: usize = 4;

/// The users who ask to speak, one after another.
const SPEAKERS: [u64; 9] = [3, 4, 5, 4097, 130, 6, 7, 300, 8];

/// Makes somebody ask to speak; if many already wait, the last one withdraws instead.
pub(super) fn ask(meeting: &MeetingMap, tick: u64) -> Option<Happening> {
    change(meeting, |speakers| {
        let waiting: Vec<usize> = (0..speakers.len()).filter(|index| is_waiting(&speakers[*index])).collect();
        if let (true, Some(last)) = (waiting.len() >= WAITING_MAX, waiting.last()) {
            speakers.remove(*last);
            return;
        }
        let waits = |user: u64| waiting.iter().any(|index| speakers[*index]["user_id"] == user);
        let turn = (0..SPEAKERS.len()).map(|offset| SPEAKERS[(tick as usize + offset) % SPEAKERS.len()]);
        let Some(user) = turn.into_iter().find(|user| !waits(*user)) else { return };
        let highest = |field: &str| speakers.iter().filter_map(|speaker| speaker[field].as_u64()).max().unwrap_or(0);
        let note = if tick.is_multiple_of(2) { Value::Null } else { json!("Nur kurz 🙂") };
        let speaker = json!({
            "id": highest("id") + 1, "user_id": user, "begin_time": null, "end_time": null, "weight": highest("weight") + 1,
            "note": note, "marked": false, "point_of_order": false, "pro_speech": tick.is_multiple_of(3),
        });
        speakers.push(speaker);
    })
}

/// Ends the current speech and begins that of the first waiting speaker.
pub(super) fn next(meeting: &MeetingMap, unix_seconds: u64) -> Option<Happening> {
    change(meeting, |speakers| {
        end_current(speakers, unix_seconds);
        let first =
            speakers.iter_mut().filter(|speaker| is_waiting(speaker)).min_by_key(|speaker| speaker["weight"].as_u64());
        if let Some(speaker) = first {
            speaker["begin_time"] = json!(rfc3339(unix_seconds));
            speaker["weight"] = Value::Null;
        }
    })
}

/// Ends the current speech.
pub(super) fn end(meeting: &MeetingMap, unix_seconds: u64) -> Option<Happening> {
    change(meeting, |speakers| end_current(speakers, unix_seconds))
}

fn change(meeting: &MeetingMap, with: impl FnOnce(&mut Vec<Value>)) -> Option<Happening> {
    let mut list = meeting.get(LIST)?.clone();
    with(list["speakers"].as_array_mut()?);
    Some(Happening::Change([(LIST.to_owned(), list)].into()))
}

fn end_current(speakers: &mut Vec<Value>, unix_seconds: u64) {
    for speaker in speakers.iter_mut().filter(|speaker| !speaker["begin_time"].is_null()) {
        if speaker["end_time"].is_null() {
            speaker["end_time"] = json!(rfc3339(unix_seconds));
        }
    }
    let finished = speakers.iter().filter(|speaker| !speaker["end_time"].is_null()).count();
    let mut surplus = finished.saturating_sub(FINISHED_MAX);
    speakers.retain(|speaker| {
        let drop = surplus > 0 && !speaker["end_time"].is_null();
        surplus -= usize::from(drop);
        !drop
    });
}

fn is_waiting(speaker: &Value) -> bool {
    speaker["begin_time"].is_null() && speaker["end_time"].is_null()
}
