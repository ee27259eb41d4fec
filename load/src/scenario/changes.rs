//! What does a change cost that many clients see, and what does it cost without listeners?

use domain::collection::Collection;
use domain::ids::ElementKey;
use domain::json::wire_form;
use domain::testing::generator::OBSERVERS;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::measure::{Measure, Sent, note_latencies, settle};
use super::{Crowd, Stage, Variation};
use crate::error::LoadError;
use crate::publisher::{Change, Published};
use crate::report::Row;

/// The pause between two changes, which keeps them apart and leaves the machine to the service.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(20);

/// How many elements change at once in the scenario `bulk`: lists of speakers of 2 kB and small agenda items, 280 kB.
const BULK: (u64, u64) = (160, 40);

/// How many changes are published without listeners.
const QUIET_CHANGES: u64 = 500;

/// An element as the server writes it.
pub(super) fn written(collection: Collection, id: u64, element: &Value) -> (ElementKey, Option<String>) {
    (ElementKey::new(collection, id), wire_form(element.to_string().as_bytes()).ok())
}

impl Stage {
    pub(super) fn element(&self, collection: Collection, id: u64) -> Result<Value, LoadError> {
        let missing = || LoadError::Usage(format!("the meeting has no {collection}:{id}; make it larger"));
        self.meeting.get(collection, id).ok_or_else(missing)
    }

    /// Returns a list of speakers in which a waiting speaker has another weight; `counter` makes each change differ.
    fn speakers_changed(&self, id: u64, counter: u64) -> Result<(ElementKey, Option<String>), LoadError> {
        let mut list = self.element(Collection::ListOfSpeakers, id)?;
        if let Some(last) = list["speakers"].as_array_mut().and_then(|speakers| speakers.last_mut()) {
            last["weight"] = json!(1_000 + counter);
        }
        Ok(written(Collection::ListOfSpeakers, id, &list))
    }
}

/// Measures changes of one list of speakers that everybody sees.
pub(super) async fn speakers(stage: &mut Stage, variation: Variation, count: usize) -> Result<Vec<Row>, LoadError> {
    let users = stage.users_with("agenda.can_see_list_of_speakers")?;
    let changes: Result<Vec<Change>, LoadError> =
        (1..=variation.changes as u64 + 1).map(|counter| Ok(vec![stage.speakers_changed(1, counter)?])).collect();
    one_after_the_other(stage, variation, &users, count, changes?).await
}

/// Measures changes of 200 elements at once.
pub(super) async fn bulk(stage: &mut Stage, variation: Variation, count: usize) -> Result<Vec<Row>, LoadError> {
    let users = stage.users_with("agenda.can_see_list_of_speakers")?;
    let mut changes = Vec::new();
    for counter in 0..=variation.changes.min(10) as u64 {
        let mut change = Change::new();
        for id in 1..=BULK.0 {
            change.push(stage.speakers_changed(id, counter)?);
        }
        for id in 1..=BULK.1 {
            let mut item = stage.element(Collection::AgendaItem, id)?;
            item["weight"] = json!(100_000 + counter);
            change.push(written(Collection::AgendaItem, id, &item));
        }
        changes.push(change);
    }
    one_after_the_other(stage, variation, &users, count, changes).await
}

/// Measures a group that alternately gains and loses the right to see motions.
pub(super) async fn group(stage: &mut Stage, variation: Variation, count: usize) -> Result<Vec<Row>, LoadError> {
    const PERMISSION: &str = "motions.can_see";
    let users = stage.meeting.users().iter().filter(|(_, group)| group.0 == OBSERVERS);
    let users: Vec<u64> = users.map(|(user, _)| user.0).collect();
    let without = stage.element(Collection::Group, OBSERVERS)?;
    let mut with = without.clone();
    if let Some(permissions) = with["permissions"].as_array_mut() {
        permissions.push(json!(PERMISSION));
    }
    let gains = vec![written(Collection::Group, OBSERVERS, &with)];
    let loses = vec![written(Collection::Group, OBSERVERS, &without)];
    let mut rows = Vec::new();
    let newest = stage.publisher.newest().await?;
    let settings = stage.settings(variation);
    let crowd = Crowd::gather(&settings, &users, count, newest, variation.patience).await?;
    for (name, change) in [(" gains", &gains), (" loses", &loses), (" gains again", &gains), (" loses again", &loses)] {
        let measure = Measure::begin(stage.server.process, Some(&crowd)).await?;
        let published = publish_and_wait(stage, &crowd, change, variation).await?;
        let mut row = measure.end(Some(&crowd), 1).await?;
        note_latencies(&mut row, &crowd, &Sent { published: &[published], concerns: &|_, _| true });
        row.scenario = name.to_owned();
        rows.push(row);
    }
    Ok(rows)
}

/// Measures changes without listeners.
pub(super) async fn quiet(stage: &mut Stage) -> Result<Vec<Row>, LoadError> {
    let measure = Measure::begin(stage.server.process, None).await?;
    for counter in 0..QUIET_CHANGES {
        let change = vec![stage.speakers_changed(1, 10_000 + counter)?];
        stage.publisher.publish(&change).await?;
    }
    settle(stage.server.process).await?;
    let mut row = measure.end(None, QUIET_CHANGES as usize).await?;
    row.note = row
        .cpu_seconds
        .map(|seconds| format!("{:.0} µs CPU per change", seconds * 1e6 / QUIET_CHANGES as f64))
        .unwrap_or_default();
    Ok(vec![row])
}

/// Publishes each change once everybody has the one before. The first is a warm-up and is not measured.
async fn one_after_the_other(
    stage: &mut Stage,
    variation: Variation,
    users: &[u64],
    count: usize,
    changes: Vec<Change>,
) -> Result<Vec<Row>, LoadError> {
    let newest = stage.publisher.newest().await?;
    let settings = stage.settings(variation);
    let crowd = Crowd::gather(&settings, users, count, newest, variation.patience).await?;
    let Some((first, others)) = changes.split_first() else { return Ok(Vec::new()) };
    publish_and_wait(stage, &crowd, first, variation).await?;
    let measure = Measure::begin(stage.server.process, Some(&crowd)).await?;
    let mut published = Vec::new();
    for change in others {
        published.push(publish_and_wait(stage, &crowd, change, variation).await?);
        sleep(PAUSE).await;
    }
    let mut row = measure.end(Some(&crowd), others.len()).await?;
    note_latencies(&mut row, &crowd, &Sent { published: &published, concerns: &|_, _| true });
    Ok(vec![row])
}

async fn publish_and_wait(
    stage: &mut Stage,
    crowd: &Crowd,
    change: &Change,
    variation: Variation,
) -> Result<Published, LoadError> {
    let published = stage.publisher.publish(change).await?;
    // What does not arrive in time is counted as missing.
    crowd.have(published.change_id, |_| true, variation.patience).await?;
    Ok(published)
}
