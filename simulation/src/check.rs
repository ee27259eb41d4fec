//! What must hold, for every line, and after a while without faults?

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::testing::client::{Line, difference};
use domain::testing::oracle::Elements;

use crate::control::State;
use crate::server::{Access, Server};

/// Applies a line to a client, and checks it.
///
/// # Errors
/// If the line is malformed, does not join, or contains something that the user may not see or that did not change.
pub(crate) fn line(server: &mut Server, state: &mut State, user: u64, text: &[u8]) -> Result<(), String> {
    let line = Line::parse(text)?;
    let is_first = state.last_to.is_none();
    joins(state, &line)?;
    if state.is_throttled {
        state.data.receive(line.clone());
        return seen_at(server, state, user, &line, None);
    }
    let before = state.data.client.data.clone();
    state.data.client.apply(&line)?;
    let after = state.data.client.data.clone();
    seen_at(server, state, user, &line, Some(&after))?;
    if !is_first && !line.all_data {
        exact(&before, &after, &line)?;
    }
    Ok(())
}

/// Checks that lines join (spec: stream.md#joining), and that ids only go back in a reset.
fn joins(state: &mut State, line: &Line) -> Result<(), String> {
    let (from, to) = (line.from_change_id, line.to_change_id);
    match state.last_to {
        Some(last) if from != last => return Err(format!("a line from {from} follows one to {last}")),
        None if from > state.data.client.change_id + 1 && state.data.held() == 0 => {
            return Err(format!("the first line begins at {from}, the client is at {}", state.data.client.change_id));
        }
        _ => {}
    }
    state.last_to = Some(to);
    Ok(())
}

/// Checks that there is a version with the id of the line in which everything in the line, or everything that the
/// client has after it, is what the stream's viewer sees. The viewer may be any in `served_as`, from which those that
/// do not fit are removed.
fn seen_at(
    server: &mut Server,
    state: &mut State,
    user: u64,
    line: &Line,
    holds: Option<&Elements>,
) -> Result<(), String> {
    let mut fitting = BTreeSet::new();
    let mut nearest = format!("there was no version {}", line.to_change_id);
    for version in server.versions.iter_mut().filter(|version| version.change_id == line.to_change_id) {
        for served_as in &state.served_as {
            // An anonymous stream continues when its user is created.
            let allowed = version.served_as(user);
            if allowed != Some(*served_as) && !(*served_as == 0 && version.served_as(0) == Some(0)) {
                nearest = format!("{user} must be served as {allowed:?}, not as {served_as}");
                continue;
            }
            match misfit(line, holds, &version.view(*served_as)) {
                None => drop(fitting.insert(*served_as)),
                Some(wrong) => nearest = format!("as {served_as}: {wrong}"),
            }
        }
    }
    if fitting.is_empty() {
        return Err(format!("at {}: {nearest}", line.to_change_id));
    }
    state.served_as = fitting;
    Ok(())
}

/// What in the line or in the client's data does not match `view`; `None` if everything does.
fn misfit(line: &Line, holds: Option<&Elements>, view: &Elements) -> Option<String> {
    if let Some(holds) = holds {
        return compare(holds, view);
    }
    let hidden = line.changed_elements().find(|(key, element)| view.get(key) != Some(*element));
    hidden.map(|(key, _)| format!("{key} is sent, but the viewer does not see that"))
}

/// Checks that only changes are sent (spec: stream.md#difference).
fn exact(before: &Elements, after: &Elements, line: &Line) -> Result<(), String> {
    let (changed, deleted) = difference(before, after);
    if (&changed, &deleted) == (&line.changed_keys(), &line.deleted_keys()) {
        return Ok(());
    }
    let said: Vec<_> = line.changed_keys().difference(&changed).cloned().collect();
    let gone: Vec<_> = line.deleted_keys().difference(&deleted).cloned().collect();
    Err(format!(
        "to {}: {said:?} are sent though unchanged, {gone:?} are deleted though the client did not have them",
        line.to_change_id
    ))
}

/// Checks a client after a while without faults.
///
/// # Errors
/// If it does not have what a new client would get, or is not served as it must be.
pub(crate) fn at_rest(server: &mut Server, state: &mut State, user: u64) -> Result<(), String> {
    if !state.is_online {
        return Ok(());
    }
    let served_as = match (server.access(user), state.is_connected) {
        (Access::Refused, false) | (Access::Perhaps(_), false) => return Ok(()),
        (Access::Refused, true) => return Err(format!("user {user} is served, but must not be")),
        (Access::Served(_), false) => return Err(format!("user {user} is not served, but must be")),
        (Access::Served(served_as) | Access::Perhaps(served_as), true) => served_as,
    };
    state.data.release_all()?;
    let view: Arc<Elements> = server.newest().view(served_as);
    match compare(&state.data.client.data, &view) {
        None => Ok(()),
        Some(wrong) => Err(format!("at rest, served as {served_as}, at {}: {wrong}", state.data.client.change_id)),
    }
}

/// The first difference between what a client has and what it should have, if there is one.
fn compare(holds: &Elements, view: &Elements) -> Option<String> {
    let (missing, hidden) = difference(holds, view);
    let key = hidden.iter().chain(&missing).next()?;
    Some(match (holds.get(key), view.get(key)) {
        (Some(_), None) => format!("{key} is held, but must not be seen"),
        (None, _) => format!("{key} is not held"),
        (Some(held), Some(seen)) => format!("{key} is held as {held}, but is seen as {seen}"),
    })
}
