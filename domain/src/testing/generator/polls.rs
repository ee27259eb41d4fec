//! What was voted on in a generated meeting? Votes are the most frequent elements, and make up the rest of its size.

use serde_json::{Value, json};

use super::{Counts, Generated, Random};
use crate::collection::Collection;

/// The motion polls 1 to this are open (state 2, named) and nobody has voted yet; the others are over.
pub const OPEN_POLLS: u64 = 4;

const STARTED: u64 = 2;
const FINISHED: u64 = 3;
const PUBLISHED: u64 = 4;

/// The share of votes that are in elections: three of thirteen.
const VOTES_IN_ELECTIONS: (usize, usize) = (3, 13);

pub(super) fn add(made: &mut Generated, random: &mut Random, counts: &Counts, elements: usize) {
    let closed = counts.motion_polls - OPEN_POLLS;
    let options = counts.assignment_polls * counts.options_per_assignment_poll;
    let polls = 2 * counts.motion_polls + counts.assignment_polls + options;
    // A meeting too small for that still has a few votes.
    let votes = elements.saturating_sub(made.elements.len() + polls as usize).max(4);
    let in_elections = (votes * VOTES_IN_ELECTIONS.0 / VOTES_IN_ELECTIONS.1).max(1);
    let in_motions = votes - in_elections;

    let mut vote_id = 1;
    for id in 1..=counts.motion_polls {
        let (state, votes) = match id {
            _ if id <= OPEN_POLLS && closed > 0 => (STARTED, 0),
            _ if id <= OPEN_POLLS => (STARTED, share(in_motions, OPEN_POLLS, id - 1)),
            _ => (closed_state(id), share(in_motions, closed, id - OPEN_POLLS - 1)),
        };
        let voters = Voters::draw(random, votes, counts.users);
        add_motion_poll(made, random, counts, id, state, &voters);
        add_votes(made, random, Collection::MotionVote, &mut vote_id, &voters, state, |_| id);
    }

    let mut vote_id = 1;
    for id in 1..=counts.assignment_polls {
        let state = closed_state(id);
        let voters = Voters::draw(random, share(in_elections, counts.assignment_polls, id - 1), counts.users);
        let options: Vec<u64> = (0..counts.options_per_assignment_poll)
            .map(|number| (id - 1) * counts.options_per_assignment_poll + number + 1)
            .collect();
        add_assignment_poll(made, random, counts, id, state, &voters, &options);
        add_votes(made, random, Collection::AssignmentVote, &mut vote_id, &voters, state, |number| {
            options[number % options.len()]
        });
    }
}

/// The votes of one poll of several, so that all together have exactly `votes`.
fn share(votes: usize, polls: u64, index: u64) -> u64 {
    let (votes, polls) = (votes as u64, polls.max(1));
    votes / polls + u64::from(index < votes % polls)
}

fn closed_state(poll: u64) -> u64 {
    if poll.is_multiple_of(10) { FINISHED } else { PUBLISHED }
}

/// The users who voted, with neighboring ids from a random one on. Votes beyond the number of users are anonymous.
struct Voters {
    first: u64,
    votes: u64,
    users: u64,
}

impl Voters {
    fn draw(random: &mut Random, votes: u64, users: u64) -> Self {
        Self { first: random.below(users), votes, users }
    }

    fn named(&self) -> impl Iterator<Item = u64> {
        (0..self.votes.min(self.users)).map(|number| (self.first + number) % self.users + 1)
    }

    fn ids(&self) -> Vec<u64> {
        let mut ids: Vec<u64> = self.named().collect();
        ids.sort_unstable();
        ids
    }

    /// `entitled_users_at_stop`
    fn entitled(&self) -> Vec<Value> {
        self.ids().iter().map(|user| json!({"user_id": user, "voted": true, "vote_delegated_to_id": null})).collect()
    }
}

fn decimal(number: u64) -> String {
    format!("{number}.000000")
}

fn add_motion_poll(made: &mut Generated, random: &mut Random, counts: &Counts, id: u64, state: u64, voters: &Voters) {
    let over = state >= FINISHED;
    let cast = over.then(|| decimal(voters.votes));
    let element = json!({
        "motion_id": random.id(counts.motions), "pollmethod": "YNA", "state": state, "type": "named",
        "title": format!("Abstimmung {id}"), "groups_id": [3, 8], "votesvalid": cast,
        "votesinvalid": over.then(|| decimal(0)), "votescast": cast, "options_id": [id], "id": id,
        "onehundred_percent_base": "YNA", "majority_method": "simple", "is_pseudoanonymized": false,
        "voted_id": voters.ids(), "entitled_users_at_stop": over.then(|| voters.entitled()),
    });
    made.put(Collection::MotionPoll, id, &element);
    let option = json!({"id": id, "yes": decimal(voters.votes), "no": decimal(0), "abstain": decimal(0), "poll_id": id,
        "pollstate": state});
    made.put(Collection::MotionOption, id, &option);
}

fn add_assignment_poll(
    made: &mut Generated,
    random: &mut Random,
    counts: &Counts,
    id: u64,
    state: u64,
    voters: &Voters,
    options: &[u64],
) {
    let element = json!({
        "assignment_id": (id - 1) % counts.assignments + 1, "description": "", "pollmethod": "Y",
        "min_votes_amount": 1, "max_votes_amount": 1, "allow_multiple_votes_per_candidate": false,
        "global_yes": false, "amount_global_yes": null, "global_no": true, "amount_global_no": decimal(0),
        "global_abstain": true, "amount_global_abstain": decimal(0), "state": state, "type": "named",
        "title": format!("Wahlgang {id}"), "groups_id": [3, 8], "votesvalid": decimal(voters.votes),
        "votesinvalid": decimal(0), "votescast": decimal(voters.votes), "options_id": options, "id": id,
        "onehundred_percent_base": "valid", "majority_method": "simple", "is_pseudoanonymized": false,
        "voted_id": voters.ids(), "entitled_users_at_stop": voters.entitled(),
    });
    made.put(Collection::AssignmentPoll, id, &element);
    for (weight, option) in (1..).zip(options) {
        let element = json!({"user_id": random.id(counts.users), "weight": weight, "id": option,
            "yes": decimal(voters.votes / options.len() as u64), "no": decimal(0), "abstain": decimal(0),
            "poll_id": id, "pollstate": state});
        made.put(Collection::AssignmentOption, *option, &element);
    }
}

fn add_votes(
    made: &mut Generated,
    random: &mut Random,
    collection: Collection,
    next_id: &mut u64,
    voters: &Voters,
    state: u64,
    option: impl Fn(usize) -> u64,
) {
    let mut named = voters.named();
    for number in 0..voters.votes as usize {
        let user = named.next();
        let element = json!({"id": *next_id, "weight": "1.000000", "value": "Y", "user_id": user,
            "delegated_user_id": user, "user_token": format!("{:016x}", random.number()), "option_id": option(number),
            "pollstate": state});
        made.put(collection, *next_id, &element);
        *next_id += 1;
    }
}
