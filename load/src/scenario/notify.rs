//! What do messages cost, to all, to ten users, to one?

use serde_json::json;

use super::measure::{Measure, Sent, note_latencies};
use super::{Crowd, Stage, Variation};
use crate::client::Stream;
use crate::error::LoadError;
use crate::publisher::Published;
use crate::report::Row;

/// How many users receive a message to some users.
const SOME: usize = 10;

/// How many times as many messages are sent to few users: one alone costs less CPU time than the kernel can resolve.
const MESSAGES_TO_FEW: usize = 25;

/// Sends messages through the stream in Redis, as another instance would, each once those before have arrived.
pub(super) async fn messages(stage: &mut Stage, variation: Variation, count: usize) -> Result<Vec<Row>, LoadError> {
    let users: Vec<u64> = stage.meeting.users().iter().map(|(user, _)| user.0).collect();
    let newest = stage.publisher.newest().await?;
    let settings = stage.settings(variation);
    let crowd = Crowd::gather_at(Stream::Notify, &settings, &users, count, newest, variation.patience).await?;
    let listening: Vec<u64> = crowd.members().iter().take(users.len()).map(|member| member.user).collect();
    // Numbers continue from the change id that the clients begin with.
    let mut number = newest;
    let mut rows = Vec::new();
    for (name, recipients, messages) in [
        (" to all", None, variation.changes),
        (" to ten", Some(SOME), variation.changes * MESSAGES_TO_FEW),
        (" to one", Some(1), variation.changes * MESSAGES_TO_FEW),
    ] {
        let recipients = recipients.map(|some| &listening[..some.min(listening.len())]);
        let is_for = |user: u64| recipients.is_none_or(|users| users.contains(&user));
        let measure = Measure::begin(stage.server.process, Some(&crowd)).await?;
        let mut published = Vec::new();
        for _ in 0..messages {
            number += 1;
            let content = json!({"channel_id": "loadload:1:0", "name": "load", "message": number,
                "to_all": recipients.is_none(), "to_users": recipients});
            let at_micros = stage.publisher.send_message(&content.to_string()).await?;
            crowd.have(number, is_for, variation.patience).await?;
            published.push(Published { change_id: number, at_micros });
        }
        let mut row = measure.end(Some(&crowd), messages).await?;
        note_latencies(&mut row, &crowd, &Sent { published: &published, concerns: &|_, user| is_for(user) });
        row.scenario = name.to_owned();
        row.note = note(&row, messages);
        rows.push(row);
    }
    Ok(rows)
}

fn note(row: &Row, messages: usize) -> String {
    let micros = row.cpu_seconds.map(|seconds| seconds * 1e6 / messages.max(1) as f64);
    micros.map(|micros| format!("{micros:.0} µs CPU per message")).unwrap_or_default()
}
