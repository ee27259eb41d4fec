//! What does a vote cost, in which every ballot concerns one voter and a few managers?

use std::collections::HashSet;
use std::time::Duration;

use domain::collection::Collection;
use domain::testing::generator::OPEN_POLLS;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, sleep_until};

use super::changes::written;
use super::measure::{Measure, Sent, note_latencies};
use super::{Crowd, Stage, Variation};
use crate::error::LoadError;
use crate::publisher::Change;
use crate::report::Row;

/// Between two single ballots.
const PAUSE: Duration = Duration::from_millis(50);

/// Ids of the votes begin behind those of any generated meeting.
const FIRST_VOTE_ID: u64 = 10_000_000;

/// Ballots are cast one after the other.
pub(super) async fn one_by_one(stage: &mut Stage, variation: Variation, count: usize) -> Result<Vec<Row>, LoadError> {
    let (mut poll, crowd) = vote(stage, variation, count).await?;
    let measure = Measure::begin(stage.server.process, Some(&crowd)).await?;
    let mut published = Vec::new();
    for _ in 0..variation.changes {
        let (voter, change) = poll.next_ballot(stage)?;
        let ballot = stage.publisher.publish(&change).await?;
        crowd.have(ballot.change_id, |user| poll.concerns(voter, user), variation.patience).await?;
        published.push(ballot);
        sleep(PAUSE).await;
    }
    finish(measure, &crowd, &poll, &published).await
}

/// Ballots are cast at a rate, whether the service keeps up or not.
pub(super) async fn many(stage: &mut Stage, variation: Variation, count: usize) -> Result<Vec<Row>, LoadError> {
    let (mut poll, crowd) = vote(stage, variation, count).await?;
    let measure = Measure::begin(stage.server.process, Some(&crowd)).await?;
    let mut published = Vec::new();
    let begin = Instant::now();
    let mut late = Duration::ZERO;
    for number in 0..variation.rate * variation.seconds {
        let due = begin + Duration::from_micros(number * 1_000_000 / variation.rate.max(1));
        sleep_until(due).await;
        late = late.max(due.elapsed());
        let (_, change) = poll.next_ballot(stage)?;
        published.push(stage.publisher.publish(&change).await?);
    }
    for (ballot, voter) in published.iter().zip(&poll.voters_so_far).rev().take(1) {
        crowd.have(ballot.change_id, |user| poll.concerns(*voter, user), variation.patience).await?;
    }
    let mut rows = finish(measure, &crowd, &poll, &published).await?;
    for row in &mut rows {
        row.scenario = format!(" {}/s", variation.rate);
        row.note = format!("published up to {} ms late", late.as_millis());
    }
    Ok(rows)
}

async fn vote(stage: &mut Stage, variation: Variation, count: usize) -> Result<(Poll, Crowd), LoadError> {
    let users = stage.users_with("motions.can_see")?;
    let mut managers: HashSet<u64> = stage.users_with("motions.can_manage_polls")?.into_iter().collect();
    managers.extend(stage.users_with("agenda.can_manage_list_of_speakers")?);
    let newest = stage.publisher.newest().await?;
    let settings = stage.settings(variation);
    let crowd = Crowd::gather(&settings, &users, count, newest, variation.patience).await?;
    let mut voters: Vec<u64> = crowd.members().iter().map(|member| member.user).collect();
    voters.sort_unstable();
    voters.dedup();
    let mut poll = Poll { number: 0, voters, managers, voted: Vec::new(), voters_so_far: Vec::new() };
    // The first ballot is not measured: it warms up.
    let (voter, change) = poll.next_ballot(stage)?;
    let ballot = stage.publisher.publish(&change).await?;
    crowd.have(ballot.change_id, |user| poll.concerns(voter, user), variation.patience).await?;
    poll.voters_so_far.clear();
    Ok((poll, crowd))
}

async fn finish(
    measure: Measure,
    crowd: &Crowd,
    poll: &Poll,
    published: &[crate::publisher::Published],
) -> Result<Vec<Row>, LoadError> {
    let mut row = measure.end(Some(crowd), published.len()).await?;
    let concerns = |index: usize, user: u64| poll.concerns(poll.voters_so_far[index], user);
    note_latencies(&mut row, crowd, &Sent { published, concerns: &concerns });
    Ok(vec![row])
}

/// A vote under way: one poll after the other, everybody once in each.
struct Poll {
    /// How many ballots were cast so far.
    number: u64,
    voters: Vec<u64>,
    managers: HashSet<u64>,
    /// Who voted in the present poll, ascending.
    voted: Vec<u64>,
    /// The voter of each ballot since the measurement began.
    voters_so_far: Vec<u64>,
}

impl Poll {
    /// Does the ballot of `voter` change what `user` sees?
    fn concerns(&self, voter: u64, user: u64) -> bool {
        voter == user || self.managers.contains(&user)
    }

    /// The next voter's ballot: vote, option and poll, as the server writes them.
    fn next_ballot(&mut self, stage: &Stage) -> Result<(u64, Change), LoadError> {
        let voters = self.voters.len() as u64;
        let voter = self.voters[(self.number % voters) as usize];
        let id = self.number / voters % OPEN_POLLS + 1;
        if self.number.is_multiple_of(voters) {
            self.voted.clear();
        }
        self.voted.push(voter);
        let mut poll = stage.element(Collection::MotionPoll, id)?;
        let mut option = stage.element(Collection::MotionOption, id)?;
        poll["voted_id"] = json!(self.voted);
        option["yes"] = Value::String(format!("{}.000000", self.voted.len()));
        let vote_id = FIRST_VOTE_ID + self.number;
        let vote = json!({"id": vote_id, "weight": "1.000000", "value": "Y", "user_id": voter,
            "delegated_user_id": voter, "user_token": format!("{vote_id:016}"), "option_id": id, "pollstate": 2});
        self.number += 1;
        self.voters_so_far.push(voter);
        let change = vec![
            written(Collection::MotionPoll, id, &poll),
            written(Collection::MotionOption, id, &option),
            written(Collection::MotionVote, vote_id, &vote),
        ];
        Ok((voter, change))
    }
}
