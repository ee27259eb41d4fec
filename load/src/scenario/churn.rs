//! How much memory does the service hold while votes are cast and connections come and go, and how much once everybody
//! has left?

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::ballots::{finish, open};
use super::crowd::wait;
use super::measure::{Measure, settle};
use super::{Crowd, Stage, Variation};
use crate::client::Settings;
use crate::error::LoadError;
use crate::report::Row;

/// How many clients connect at once. They leave as soon as each has everything, and the next ones connect.
const COMERS: usize = 50;

/// How long after the last client has left the memory is measured again: longer than any cache delays its cleanup.
const AFTERWARDS: Duration = Duration::from_secs(10);

/// Measures `count` clients that stay and vote at a rate while others connect, get everything, and leave.
pub(super) async fn come_and_go(stage: &mut Stage, variation: Variation, count: usize) -> Result<Vec<Row>, LoadError> {
    let ballots = variation.rate * variation.seconds;
    let (mut vote, crowd) = open(stage, variation, count, ballots).await?;
    let users: Vec<u64> = stage.meeting.users().iter().map(|(user, _)| user.0).collect();
    let (settings, process) = (stage.settings(variation), stage.server.process);
    let measure = Measure::begin(process, Some(&crowd)).await?;
    let end = Instant::now() + Duration::from_secs(variation.seconds);
    let mut published = Vec::new();
    let (voted, came) = tokio::join!(
        async {
            for number in 0..ballots {
                sleep_until(end - Duration::from_micros((ballots - number) * 1_000_000 / variation.rate.max(1))).await;
                published.push(stage.publisher.publish(&vote.next_ballot().1).await?);
            }
            Ok::<_, LoadError>(())
        },
        comers(&settings, &users, variation.patience, end),
    );
    voted?;
    let came = came?;
    let mut rows = finish(stage, measure, crowd, &vote, &published).await?;
    sleep(AFTERWARDS).await;
    settle(process).await?;
    let left = process.map(|process| process.memory()).transpose()?.map(|memory| memory.proportional_kb);
    for row in &mut rows {
        row.note = format!("{came} connections came and went");
        if let Some(left) = left {
            row.note.push_str(&format!("; {} MB when all had left", left / 1_000));
        }
    }
    Ok(rows)
}

/// Connects a few clients at once, repeatedly until `end`. Returns how many got everything.
async fn comers(settings: &Arc<Settings>, users: &[u64], patience: Duration, end: Instant) -> Result<usize, LoadError> {
    let mut came = 0;
    while Instant::now() < end {
        let turn: Vec<u64> = users.iter().cycle().skip(came % users.len()).take(COMERS).copied().collect();
        let crowd = Crowd::rush(settings, &turn, COMERS, 1);
        wait(patience, "all data", crowd.members(), |member| member.read(|record| record.resets > 0)).await?;
        came += COMERS;
    }
    Ok(came)
}
