//! What is voted on in the demo? One poll that begins, gets ballots, ends, is published, and starts again.

use serde_json::{Value, json};

use super::{Happening, MeetingMap, ids, next_id};

const POLL: &str = "motions/motion-poll:4";
const OPTION: &str = "motions/motion-option:4";
const VOTE: &str = "motions/motion-vote";

/// The states of a poll (spec: restriction.md#polls).
const CREATED: u64 = 1;
const STARTED: u64 = 2;
const FINISHED: u64 = 3;
const PUBLISHED: u64 = 4;

/// The users who may vote; 11 and 130 have delegated their votes to 5.
const VOTERS: [u64; 12] = [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 130, 131];

/// The poll takes ballots.
pub(super) fn start(meeting: &MeetingMap) -> Option<Happening> {
    set_state(meeting, STARTED)
}

/// The next voter casts a ballot; nothing if all have, or the poll is not open.
pub(super) fn ballot(meeting: &MeetingMap, tick: u64) -> Option<Happening> {
    let (mut poll, mut option) = (meeting.get(POLL)?.clone(), meeting.get(OPTION)?.clone());
    let mut voted = ids(&poll["voted_id"]);
    let voter = *VOTERS.iter().find(|voter| !voted.contains(voter))?;
    if poll["state"] != STARTED {
        return None;
    }
    voted.push(voter);
    voted.sort_unstable();
    poll["voted_id"] = json!(voted);

    let (value, field) = [("Y", "yes"), ("N", "no"), ("Y", "yes"), ("A", "abstain")][(tick % 4) as usize];
    option[field] = json!(decimal(votes_of(&option[field]) + 1));

    let delegated_to = &meeting.get(&format!("users/user:{voter}"))?["vote_delegated_to_id"];
    let id = next_id(meeting, VOTE);
    let vote = json!({
        "id": id, "weight": "1.000000", "value": value, "user_id": voter,
        "delegated_user_id": delegated_to.as_u64().unwrap_or(voter), "user_token": format!("demo{:012}", id),
        "option_id": option["id"], "pollstate": STARTED,
    });
    let changed = [(POLL.to_owned(), poll), (OPTION.to_owned(), option), (format!("{VOTE}:{id}"), vote)];
    Some(Happening::Change(changed.into()))
}

/// The poll takes no more ballots; managers see the result.
pub(super) fn stop(meeting: &MeetingMap) -> Option<Happening> {
    set_state(meeting, FINISHED)
}

/// Everybody sees the result.
pub(super) fn publish(meeting: &MeetingMap) -> Option<Happening> {
    set_state(meeting, PUBLISHED)
}

/// The poll is as if nobody had ever voted, so that the meeting does not grow.
pub(super) fn reset(meeting: &MeetingMap) -> Option<Happening> {
    let Happening::Change(mut changed) = set_state(meeting, CREATED)? else { return None };
    for (key, element) in &mut changed {
        if key.starts_with(VOTE) {
            *element = Value::Null;
        }
    }
    let option = changed.get_mut(OPTION)?;
    for field in ["yes", "no", "abstain"] {
        option[field] = json!(decimal(0));
    }
    changed.get_mut(POLL)?["voted_id"] = json!([]);
    Some(Happening::Change(changed))
}

/// The poll, its option and its votes, in that state.
fn set_state(meeting: &MeetingMap, state: u64) -> Option<Happening> {
    let (mut poll, mut option) = (meeting.get(POLL)?.clone(), meeting.get(OPTION)?.clone());
    let voted = ids(&poll["voted_id"]);
    let over = state == FINISHED || state == PUBLISHED;
    let entitled: Vec<Value> = VOTERS
        .iter()
        .map(|user| {
            let delegated_to = meeting.get(&format!("users/user:{user}")).map(|user| &user["vote_delegated_to_id"]);
            json!({"user_id": user, "voted": voted.contains(user), "vote_delegated_to_id": delegated_to})
        })
        .collect();
    poll["state"] = json!(state);
    poll["votesvalid"] = json!(over.then(|| decimal(voted.len() as u64)));
    poll["votesinvalid"] = json!(over.then(|| decimal(0)));
    poll["votescast"] = json!(over.then(|| decimal(voted.len() as u64)));
    poll["entitled_users_at_stop"] = json!(over.then_some(entitled));
    option["pollstate"] = json!(state);

    let votes = meeting.iter().filter(|(key, vote)| key.starts_with(VOTE) && vote["option_id"] == option["id"]);
    let mut changed: MeetingMap = votes
        .map(|(key, vote)| {
            let mut vote = vote.clone();
            vote["pollstate"] = json!(state);
            (key.clone(), vote)
        })
        .collect();
    changed.insert(POLL.to_owned(), poll);
    changed.insert(OPTION.to_owned(), option);
    Some(Happening::Change(changed))
}

fn decimal(votes: u64) -> String {
    format!("{votes}.000000")
}

fn votes_of(decimal: &Value) -> u64 {
    decimal.as_str().and_then(|text| text.split('.').next()?.parse().ok()).unwrap_or(0)
}
