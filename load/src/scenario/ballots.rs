//! What does a vote cost, in which every ballot concerns one voter and a few managers?

use std::collections::HashSet;
use std::time::Duration;

use domain::collection::Collection;
use domain::ids::ElementKey;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, sleep_until};

use super::changes::written;
use super::measure::{Measure, Sent, note_latencies};
use super::{Crowd, Stage, Variation};
use crate::error::LoadError;
use crate::publisher::{Change, Published};
use crate::report::Row;

/// The pause between two single ballots.
const PAUSE: Duration = Duration::from_millis(50);

/// The first id of the polls, their options and the votes: after the ids of any generated meeting.
const FIRST_ID: u64 = 10_000_000;

/// How many elements one change writes before the measurement, or deletes after it.
const ELEMENTS_A_CHANGE: usize = 1_000;

/// Measures ballots that are cast one after the other.
pub(super) async fn one_by_one(stage: &mut Stage, variation: Variation, count: usize) -> Result<Vec<Row>, LoadError> {
    let (mut vote, crowd) = open(stage, variation, count, variation.changes as u64).await?;
    let measure = Measure::begin(stage.server.process, Some(&crowd)).await?;
    let mut published = Vec::new();
    for _ in 0..variation.changes {
        let (voter, change) = vote.next_ballot();
        let ballot = stage.publisher.publish(&change).await?;
        crowd.have(ballot.change_id, |user| vote.concerns(voter, user), variation.patience).await?;
        published.push(ballot);
        sleep(PAUSE).await;
    }
    finish(stage, measure, crowd, &vote, &published).await
}

/// Measures ballots that are cast at a fixed rate, whether or not the service keeps up.
pub(super) async fn many(stage: &mut Stage, variation: Variation, count: usize) -> Result<Vec<Row>, LoadError> {
    let ballots = variation.rate * variation.seconds;
    let (mut vote, crowd) = open(stage, variation, count, ballots).await?;
    let measure = Measure::begin(stage.server.process, Some(&crowd)).await?;
    let mut published = Vec::new();
    let begin = Instant::now();
    let mut late = Duration::ZERO;
    for number in 0..ballots {
        let due = begin + Duration::from_micros(number * 1_000_000 / variation.rate.max(1));
        sleep_until(due).await;
        late = late.max(due.elapsed());
        let (_, change) = vote.next_ballot();
        published.push(stage.publisher.publish(&change).await?);
    }
    for (ballot, voter) in published.iter().zip(&vote.voters_so_far).rev().take(1) {
        crowd.have(ballot.change_id, |user| vote.concerns(*voter, user), variation.patience).await?;
    }
    let mut rows = finish(stage, measure, crowd, &vote, &published).await?;
    for row in &mut rows {
        row.scenario = format!(" {}/s", variation.rate);
        row.note = format!("published up to {} ms late", late.as_millis());
    }
    Ok(rows)
}

/// Opens polls for this many ballots, then connects the clients.
pub(super) async fn open(
    stage: &mut Stage,
    variation: Variation,
    count: usize,
    ballots: u64,
) -> Result<(Vote, Crowd), LoadError> {
    let users = stage.users_with("motions.can_see")?;
    let mut managers: HashSet<u64> = stage.users_with("motions.can_manage_polls")?.into_iter().collect();
    managers.extend(stage.users_with("agenda.can_manage_list_of_speakers")?);
    let mut voters: Vec<u64> = users.iter().copied().take(count.max(1)).collect();
    voters.sort_unstable();
    let template = (stage.element(Collection::MotionPoll, 1)?, stage.element(Collection::MotionOption, 1)?);
    // One more ballot: the first is a warm-up and is not measured.
    let mut vote = Vote::new(template, voters, managers, ballots + 1);
    for change in vote.opening() {
        stage.publisher.publish(&change).await?;
    }
    let newest = stage.publisher.newest().await?;
    let settings = stage.settings(variation);
    let crowd = Crowd::gather(&settings, &users, count, newest, variation.patience).await?;
    let (voter, change) = vote.next_ballot();
    let ballot = stage.publisher.publish(&change).await?;
    crowd.have(ballot.change_id, |user| vote.concerns(voter, user), variation.patience).await?;
    vote.voters_so_far.clear();
    Ok((vote, crowd))
}

/// Ends the measurement and returns the cost, after restoring the meeting.
pub(super) async fn finish(
    stage: &mut Stage,
    measure: Measure,
    crowd: Crowd,
    vote: &Vote,
    published: &[Published],
) -> Result<Vec<Row>, LoadError> {
    let mut row = measure.end(Some(&crowd), published.len()).await?;
    let concerns = |index: usize, user: u64| vote.concerns(vote.voters_so_far[index], user);
    note_latencies(&mut row, &crowd, &Sent { published, concerns: &concerns });
    drop(crowd);
    for change in vote.clearing() {
        stage.publisher.publish(&change).await?;
    }
    Ok(vec![row])
}

/// A running vote: one poll after the other, everybody once in each, so that each ballot changes what its voter sees.
///
/// It opens new polls of its own, whatever an earlier vote has left behind.
pub(super) struct Vote {
    /// An open poll without ballots, and its option.
    template: (Value, Value),
    voters: Vec<u64>,
    managers: HashSet<u64>,
    polls: u64,
    /// How many ballots were cast so far.
    number: u64,
    /// The users who voted in the current poll, in ascending order.
    voted: Vec<u64>,
    /// The voter of each ballot since the measurement began.
    voters_so_far: Vec<u64>,
}

impl Vote {
    /// `voters` are not empty.
    fn new(template: (Value, Value), voters: Vec<u64>, managers: HashSet<u64>, ballots: u64) -> Self {
        let polls = ballots.div_ceil(voters.len() as u64);
        Self { template, voters, managers, polls, number: 0, voted: Vec::new(), voters_so_far: Vec::new() }
    }

    /// Returns whether the ballot of `voter` changes what `user` sees.
    fn concerns(&self, voter: u64, user: u64) -> bool {
        voter == user || self.managers.contains(&user)
    }

    /// Returns the changes that open the polls, without any ballot.
    fn opening(&self) -> Vec<Change> {
        in_parts((0..self.polls).flat_map(|number| self.poll(FIRST_ID + number, &[])).collect())
    }

    /// Returns the changes that delete the polls and the votes.
    fn clearing(&self) -> Vec<Change> {
        let polls = (0..self.polls).flat_map(|number| {
            [Collection::MotionPoll, Collection::MotionOption].map(|kind| ElementKey::new(kind, FIRST_ID + number))
        });
        let votes = (0..self.number).map(|number| ElementKey::new(Collection::MotionVote, FIRST_ID + number));
        in_parts(polls.chain(votes).map(|key| (key, None)).collect())
    }

    /// Returns the ballot of the next voter: vote, option and poll, as the server writes them.
    pub(super) fn next_ballot(&mut self) -> (u64, Change) {
        let voters = self.voters.len() as u64;
        let voter = self.voters[(self.number % voters) as usize];
        let poll_id = FIRST_ID + self.number / voters;
        if self.number.is_multiple_of(voters) {
            self.voted.clear();
        }
        self.voted.push(voter);
        let vote_id = FIRST_ID + self.number;
        let vote = json!({"id": vote_id, "weight": "1.000000", "value": "Y", "user_id": voter,
            "delegated_user_id": voter, "user_token": format!("{vote_id:016}"), "option_id": poll_id, "pollstate": 2});
        self.number += 1;
        self.voters_so_far.push(voter);
        let mut change = Change::from(self.poll(poll_id, &self.voted));
        change.push(written(Collection::MotionVote, vote_id, &vote));
        (voter, change)
    }

    /// Returns a poll and its option after these users have voted.
    fn poll(&self, id: u64, voted: &[u64]) -> [(ElementKey, Option<String>); 2] {
        let (mut poll, mut option) = self.template.clone();
        poll["id"] = json!(id);
        poll["options_id"] = json!([id]);
        poll["voted_id"] = json!(voted);
        option["id"] = json!(id);
        option["poll_id"] = json!(id);
        option["yes"] = Value::String(format!("{}.000000", voted.len()));
        [written(Collection::MotionPoll, id, &poll), written(Collection::MotionOption, id, &option)]
    }
}

fn in_parts(change: Change) -> Vec<Change> {
    change.chunks(ELEMENTS_A_CHANGE).map(<[_]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use domain::ids::{ChangeId, UserId};
    use domain::meeting::view_in;
    use domain::meeting::{self, Meeting};
    use domain::ports::element_store::RawElement;
    use domain::restriction::view::View;
    use domain::restriction::viewer::Viewer;
    use domain::testing::generator::{Generated, Plan};

    use super::*;

    fn after(meeting: &Meeting, change: &Change) -> Meeting {
        let raw = |(key, json): &(ElementKey, Option<String>)| RawElement {
            key: key.to_string().into_bytes(),
            json: json.as_ref().map(|json| json.clone().into_bytes()),
        };
        let elements = change.iter().map(raw).collect();
        meeting.apply(meeting::Change { change_id: ChangeId(meeting.change_id().0 + 1), elements }).meeting
    }

    /// What the user sees of the polls and votes, as text.
    fn seen(meeting: &Meeting, user: u64) -> String {
        let viewer = Viewer::resolve(meeting, Some(UserId(user)));
        let mut text = String::new();
        for collection in [Collection::MotionPoll, Collection::MotionOption, Collection::MotionVote] {
            for element in meeting.elements(collection).filter(|element| element.key().id.0 >= FIRST_ID) {
                match view_in(meeting, &viewer, element.key()) {
                    View::Hidden => {}
                    view => view.render(element, &mut text),
                }
            }
        }
        text
    }

    #[test]
    fn every_ballot_concerns_its_voter_and_managers_alone_whatever_was_before() {
        let made = Generated::new(Plan { seed: 1, elements: 1_500, users: 300 });
        let with = |permission| made.users_with(permission).iter().map(|user| user.0).collect::<Vec<_>>();
        let voters: Vec<u64> = with("motions.can_see").into_iter().take(20).collect();
        let managers: HashSet<u64> = [with("motions.can_manage_polls"), with("agenda.can_manage_list_of_speakers")]
            .concat()
            .into_iter()
            .collect();
        let template = || {
            let of = |collection| made.get(collection, 1).expect("an open poll");
            (of(Collection::MotionPoll), of(Collection::MotionOption))
        };
        let bystander = voters.iter().copied().find(|user| !managers.contains(user)).expect("one who only votes");
        let manager = *managers.iter().min().expect("one who manages");

        let filled = Meeting::load(made.snapshot(ChangeId(1)), None).meeting;
        let mut meeting = filled.clone();
        // More ballots than voters; and a vote that was broken off, so that nothing was cleared after it.
        for ballots in [50, 30, 50] {
            let mut vote = Vote::new(template(), voters.clone(), managers.clone(), ballots);
            for change in vote.opening() {
                meeting = after(&meeting, &change);
            }
            for number in 0..ballots {
                let (voter, change) = vote.next_ballot();
                let next = after(&meeting, &change);
                for user in [voter, bystander, manager] {
                    let is_told = seen(&meeting, user) != seen(&next, user);
                    assert_eq!(is_told, vote.concerns(voter, user), "ballot {number} of {voter}, seen by {user}");
                }
                meeting = next;
            }
            if ballots == 50 {
                for change in vote.clearing() {
                    meeting = after(&meeting, &change);
                }
                assert_eq!(meeting.keys().collect::<Vec<_>>(), filled.keys().collect::<Vec<_>>());
            }
        }
    }
}
