//! What does it cost to keep projectors up to date for those who listen to them?

use domain::collection::Collection;
use domain::ids::ElementKey;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::changes::written;
use super::measure::{Measure, Sent, note_latencies, settle};
use super::{Crowd, Stage, Variation};
use crate::client::Stream;
use crate::error::LoadError;
use crate::publisher::Change;
use crate::report::Row;

/// The motion that is shown, and its state. The next ids are its amendments, then the motions that refer to it.
const MOTION: u64 = 100_000;
const AMENDMENTS: u64 = 50;
const REFERRING: u64 = 100;

/// The projectors that the clients listen to.
const PROJECTORS: [u64; 2] = [1, 2];

/// The pause between two changes.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(20);

/// How many changes concern no projector.
const UNCONCERNED_CHANGES: u64 = 500;

/// Measures changes of a motion with amendments and references on two projectors, then of a user that none shows.
pub(super) async fn motion(stage: &mut Stage, variation: Variation, count: usize) -> Result<Vec<Row>, LoadError> {
    let users = stage.users_with("core.can_see_projector")?;
    let before = shown_before(stage);
    stage.publisher.publish(&stage_set()).await?;
    let newest = stage.publisher.newest().await?;
    let settings = stage.settings(variation);
    let crowd = Crowd::gather_at(Stream::Projector, &settings, &users, count, newest, variation.patience).await?;
    let first = stage.publisher.publish(&vec![shown_motion(0)]).await?;
    crowd.have(first.change_id, |_| true, variation.patience).await?;

    let measure = Measure::begin(stage.server.process, Some(&crowd)).await?;
    let mut published = Vec::new();
    for counter in 1..=variation.changes as u64 {
        let change = stage.publisher.publish(&vec![shown_motion(counter)]).await?;
        crowd.have(change.change_id, |_| true, variation.patience).await?;
        published.push(change);
        sleep(PAUSE).await;
    }
    let mut shown = measure.end(Some(&crowd), published.len()).await?;
    note_latencies(&mut shown, &crowd, &Sent { published: &published, concerns: &|_, _| true });
    note(&mut shown, " shown", published.len() as u64);

    let measure = Measure::begin(stage.server.process, Some(&crowd)).await?;
    for counter in 0..UNCONCERNED_CHANGES {
        let tag = json!({"id": MOTION, "name": format!("tag {counter}")});
        stage.publisher.publish(&vec![written(Collection::Tag, MOTION, &tag)]).await?;
    }
    settle(stage.server.process).await?;
    let mut unconcerned = measure.end(Some(&crowd), UNCONCERNED_CHANGES as usize).await?;
    note(&mut unconcerned, " not shown", UNCONCERNED_CHANGES);
    drop(crowd);
    stage.publisher.publish(&before).await?;
    Ok(vec![shown, unconcerned])
}

fn note(row: &mut Row, name: &str, changes: u64) {
    row.scenario = name.to_owned();
    let micros = row.cpu_seconds.map(|seconds| seconds * 1e6 / changes.max(1) as f64);
    row.note = micros.map(|micros| format!("{micros:.0} µs CPU per change")).unwrap_or_default();
}

fn text() -> String {
    "<p>Die Versammlung möge beschließen: Lorem ipsum dolor sit amet, consectetur.</p>".repeat(40)
}

fn element(id: u64, fields: Value) -> (ElementKey, Option<String>) {
    let mut motion = json!({"id": id, "identifier": format!("A{id}"), "title": "Änderung der Satzung", "text": text(),
        "reason": text(), "submitters": [{"user_id": 1, "weight": 1}], "state_restriction": []});
    if let (Some(motion), Value::Object(fields)) = (motion.as_object_mut(), fields) {
        motion.extend(fields);
    }
    written(Collection::Motion, id, &motion)
}

fn amendments() -> std::ops::RangeInclusive<u64> {
    MOTION + 1..=MOTION + AMENDMENTS
}

fn referring() -> std::ops::RangeInclusive<u64> {
    MOTION + AMENDMENTS + 1..=MOTION + AMENDMENTS + REFERRING
}

/// Returns the motion on the projectors; `counter` makes each change differ.
fn shown_motion(counter: u64) -> (ElementKey, Option<String>) {
    element(MOTION, json!({"title": format!("Satzung {counter}"), "amendments_id": amendments().collect::<Vec<_>>()}))
}

/// Returns one change that writes everything the projectors show.
fn stage_set() -> Change {
    let state = json!({"id": MOTION, "recommendation_label": "Acceptance", "merge_amendment_into_final": 1,
        "show_recommendation_extension_field": true});
    let mut change = vec![written(Collection::State, MOTION, &state), shown_motion(0)];
    let paragraph = text().chars().take(1_000).collect::<String>();
    change.extend(amendments().map(|id| {
        let paragraphs = json!([null, paragraph, null]);
        element(id, json!({"parent_id": MOTION, "state_id": MOTION, "amendment_paragraphs": paragraphs}))
    }));
    change.extend(referring().map(|id| {
        let extension = format!("see [motion:{MOTION}]");
        element(id, json!({"recommendation_id": MOTION, "recommendation_extension": extension}))
    }));
    change.extend(PROJECTORS.map(|id| {
        let projector = json!({"id": id, "reference_projector_id": 1, "elements": [
            {"name": "motions/motion", "id": MOTION}, {"name": "core/clock", "stable": true},
            {"name": "agenda/current-list-of-speakers-overlay", "stable": true}]});
        written(Collection::Projector, id, &projector)
    }));
    change
}

/// Returns the change that reverts [`stage_set`].
fn shown_before(stage: &Stage) -> Change {
    let mut change: Change = stage_set().into_iter().map(|(key, _)| (key, None)).collect();
    change.push((ElementKey::new(Collection::Tag, MOTION), None));
    for (key, json) in &mut change {
        *json = stage.meeting.elements().get(key).cloned();
    }
    change
}
