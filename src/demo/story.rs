//! What happens in which second of the demo? A story of three quarters of a minute, told over and over.

use super::{Happening, MeetingMap, hall, speakers, voting};

/// After how many seconds the story starts again.
const SECONDS: u64 = 45;

/// Returns what happens in second `tick`, given the current meeting.
///
/// Something always happens; and however long it goes on, the meeting does not grow.
#[must_use]
pub(crate) fn happening(meeting: &MeetingMap, tick: u64, unix_seconds: u64) -> Happening {
    let planned = match tick % SECONDS {
        0 => hall::start_countdown(meeting, unix_seconds),
        1 | 5 | 14 | 26 | 35 => speakers::ask(meeting, tick),
        3 | 16 | 29 => hall::chat(meeting, tick, unix_seconds),
        4 => voting::start(meeting),
        6 | 7 | 9 | 10 | 12 | 13 | 15 | 17 => voting::ballot(meeting, tick),
        8 | 27 | 36 => speakers::next(meeting, unix_seconds),
        11 | 30 => hall::motion_state(meeting, unix_seconds),
        18 => voting::stop(meeting),
        20 | 33 => speakers::end(meeting, unix_seconds),
        21 => voting::publish(meeting),
        22 | 23 | 39 => hall::applause(meeting, tick),
        24 | 31 => Some(hall::message(tick)),
        25 => hall::stop_countdown(meeting, unix_seconds),
        19 | 28 => hall::slide(meeting, tick),
        // Between two votes, so that nobody votes on what they do not see.
        32 => hall::hide_motions_from_delegates(meeting),
        34 => voting::reset(meeting),
        38 => hall::show_motions_to_delegates(meeting),
        41 => hall::guests(meeting),
        42 => hall::draft(meeting, unix_seconds),
        _ => hall::presence(meeting, tick),
    };
    planned.or_else(|| hall::presence(meeting, tick)).unwrap_or_else(|| hall::message(tick))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use domain::testing::consistency::problems;
    use serde_json::json;

    use super::super::{SESSIONS, apply, ids_of, meeting};
    use super::*;

    const NOW: u64 = 1_795_305_600;

    #[test]
    fn a_thousand_seconds_leave_the_meeting_readable_consistent_and_bounded() {
        let mut meeting = meeting().expect("the fixture is JSON");
        let elements_at_first = meeting.len();
        let bytes = |meeting: &MeetingMap| meeting.values().map(|element| element.to_string().len()).sum::<usize>();
        let bytes_at_first = bytes(&meeting);
        for tick in 0..1_000 {
            match happening(&meeting, tick, NOW + tick) {
                Happening::Change(change) => {
                    assert!(!change.is_empty(), "nothing changes at {tick}");
                    apply(&mut meeting, &change);
                }
                Happening::Notify(message) => {
                    assert_eq!(message["channel_id"].as_str().map(|id| id.split(':').count()), Some(3))
                }
                Happening::Applause(users) => assert!(!users.is_empty(), "nobody applauds at {tick}"),
            }
            // Every state of the first rounds, then samples: checking is slow.
            if tick < 3 * SECONDS || tick.is_multiple_of(37) {
                assert_eq!(problems(&meeting), Vec::<String>::new(), "at {tick}");
            }
            assert!(meeting.len() <= elements_at_first + 20, "{} elements at {tick}", meeting.len());
            assert!(bytes(&meeting) <= bytes_at_first + 10_000, "grown at {tick}");
        }
    }

    #[test]
    fn in_every_round_something_of_every_kind_happens() {
        let mut meeting = meeting().expect("the fixture is JSON");
        for round in 0..5 {
            let mut kinds = BTreeSet::new();
            let mut poll_states = BTreeSet::new();
            for tick in round * SECONDS..(round + 1) * SECONDS {
                match happening(&meeting, tick, NOW + tick) {
                    Happening::Change(change) => {
                        kinds.extend(change.keys().filter_map(|key| Some(key.split(':').next()?.to_owned())));
                        poll_states.extend(change.get("motions/motion-poll:4").and_then(|poll| poll["state"].as_u64()));
                        apply(&mut meeting, &change);
                    }
                    Happening::Notify(_) => drop(kinds.insert("notify".to_owned())),
                    Happening::Applause(_) => drop(kinds.insert("applause".to_owned())),
                }
            }
            let expected = [
                "agenda/list-of-speakers",
                "applause",
                "chat/chat-message",
                "core/countdown",
                "core/projector",
                "motions/motion",
                "motions/motion-option",
                "motions/motion-poll",
                "motions/motion-vote",
                "notify",
                "users/group",
                "users/user",
            ];
            assert_eq!(kinds.iter().map(String::as_str).collect::<Vec<_>>(), expected, "round {round}");
            assert_eq!(poll_states, [1, 2, 3, 4].into(), "round {round}");
        }
    }

    #[test]
    fn delegates_lose_motions_for_some_seconds_of_every_round_outside_votes() {
        let mut meeting = meeting().expect("the fixture is JSON");
        for round in 0..3 {
            let mut blind = Vec::new();
            for tick in round * SECONDS..(round + 1) * SECONDS {
                if let Happening::Change(change) = happening(&meeting, tick, NOW + tick) {
                    apply(&mut meeting, &change);
                }
                let permissions = meeting["users/group:3"]["permissions"].as_array().expect("permissions");
                let seeing = permissions.iter().filter(|name| *name == "motions.can_see").count();
                assert!(seeing <= 1, "twice at {tick}");
                if seeing == 0 {
                    blind.push(tick % SECONDS);
                    assert_ne!(meeting["motions/motion-poll:4"]["state"], 2, "votes are cast at {tick}");
                }
            }
            assert_eq!(blind, [32, 33, 34, 35, 36, 37], "round {round}");
        }
    }

    #[test]
    fn delegated_ballots_are_cast_by_proxies() {
        let mut meeting = meeting().expect("the fixture is JSON");
        let mut poll = meeting["motions/motion-poll:4"].clone();
        poll["voted_id"] = json!([3, 4, 5, 6, 7, 8, 9, 10]);
        poll["state"] = json!(2);
        meeting.insert("motions/motion-poll:4".to_owned(), poll);
        let before = ids_of(&meeting, "motions/motion-vote");
        let Some(Happening::Change(change)) = voting::ballot(&meeting, 0) else { panic!("no ballot") };
        apply(&mut meeting, &change);
        let vote = ids_of(&meeting, "motions/motion-vote").into_iter().find(|id| !before.contains(id)).expect("a vote");
        let vote = &meeting[&format!("motions/motion-vote:{vote}")];
        assert_eq!((&vote["user_id"], &vote["delegated_user_id"]), (&json!(11), &json!(5)));
    }

    #[test]
    fn sessions_belong_to_active_users() {
        let meeting = meeting().expect("the fixture is JSON");
        for session in SESSIONS {
            let user = meeting.get(&format!("users/user:{}", session.user_id)).expect(session.cookie);
            assert_eq!(user["is_active"], true, "{}", session.cookie);
        }
    }
}
