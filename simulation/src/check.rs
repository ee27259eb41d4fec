//! What must hold, for every line, and after a while without faults?

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use domain::testing::client::{Client, Line, difference};
use domain::testing::oracle::Elements;

use crate::control::State;
use crate::server::{Access, Server};

/// How long the first line takes at most while all is well.
const FIRST_LINE_TIME_MAX: Duration = Duration::from_millis(100);
/// How long it takes at most, while all is well, until an instance compares the meeting with Redis, which it does every
/// three seconds, and is done.
const COMPARED_AFTER: Duration = Duration::from_secs(4);

/// Lets a client take a line, and returns what is wrong with it.
///
/// # Errors
/// If the line is malformed, does not join, or contains something that the user may not see or that did not change.
pub(crate) fn line(server: &mut Server, state: &mut State, user: u64, text: &[u8]) -> Result<(), String> {
    let line = Line::parse(text)?;
    let is_first = state.last_to.is_none();
    joins(state, &line)?;
    if server.is_calm {
        settle(state);
    }
    let covers_several = line.to_change_id > line.from_change_id + 1;
    let is_wider = is_first || state.may_have_more && covers_several;
    reset_for_a_reason(server, state, &line, is_wider)?;
    state.may_have_more &= !line.all_data;
    if state.is_throttled {
        state.data.receive(line.clone());
        return seen_at(server, state, user, &line, None);
    }
    let before = state.data.client.data.clone();
    state.data.client.apply(&line)?;
    let after = state.data.client.data.clone();
    seen_at(server, state, user, &line, Some(&after))?;
    match (line.all_data || is_first, is_wider) {
        // What a first line names begins at the newest version that the instance keeps, whichever that is.
        (true, _) => Ok(()),
        (false, true) => named_for_a_reason(server, state, &line),
        (false, false) => exact(&before, &after, &line),
    }
}

/// Lines join (spec: stream.md#joining), and ids never go back but at a reset.
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

/// Who is connected gets everything again only if the cache was rebuilt, or went back (spec: stream.md#reset), or if the
/// version that it has is no longer kept. (A wider line may hold everything because of what it passes over.)
fn reset_for_a_reason(server: &Server, state: &mut State, line: &Line, is_wider: bool) -> Result<(), String> {
    let of_that_id = server.versions.iter().filter(|version| version.change_id == line.to_change_id);
    let eras: BTreeSet<usize> = of_that_id.map(|version| version.era).collect();
    let (before, newest) = (state.era, eras.last().copied());
    state.era = eras.first().copied().unwrap_or_default();
    if line.all_data && !is_wider && state.keeps_history && newest.is_some_and(|era| era <= before) {
        return Err(format!("everything is sent again at {}, but nothing was reset", line.to_change_id));
    }
    Ok(())
}

/// Everything in the line, or all that the client holds after it, is what somebody sees in a version of that id, as whom
/// the stream may be served. Whoever else it fits no more is struck off.
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

/// Checks that a line for a client that may hold back others names only what was written, or looked different, since it
/// begins (spec: stream.md#wider).
fn named_for_a_reason(server: &mut Server, state: &State, line: &Line) -> Result<(), String> {
    let ids = line.from_change_id..=line.to_change_id;
    let mut versions = server.versions.iter_mut().filter(|version| ids.contains(&version.change_id)).peekable();
    let Some(first) = versions.next_if(|version| version.change_id == line.from_change_id) else {
        // Its version is of another history, or of no time at all.
        return Ok(());
    };
    let mut reasons = BTreeSet::new();
    let mut before: Vec<_> = state.served_as.iter().map(|served_as| first.view(*served_as)).collect();
    for version in versions {
        reasons.extend(version.written.iter().cloned());
        for (before, served_as) in before.iter_mut().zip(&state.served_as) {
            let after = version.view(*served_as);
            let (changed, deleted) = difference(before, &after);
            reasons.extend(changed.into_iter().chain(deleted));
            *before = after;
        }
    }
    let named = line.changed_keys().into_iter().chain(line.deleted_keys());
    match named.filter(|key| !reasons.contains(key)).collect::<Vec<_>>() {
        none if none.is_empty() => Ok(()),
        others => Err(format!("to {}: {others:?} are named, but nothing happened to them", line.to_change_id)),
    }
}

/// What is wrong with a client when all has been well for a while. It applies what it held back.
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
    state.data.drop_superseded();
    state.data.release_all()?;
    settle(state);
    holds_all(server, &state.data.client, served_as, "at rest")
}

/// What is wrong with a client that is connected, shortly after something happened while all was well.
///
/// # Errors
/// It does not hold what a new client would get, or may not be served any more.
pub(crate) fn at_once(server: &mut Server, state: &mut State, user: u64) -> Result<(), String> {
    let is_new = state.connected_at.is_none_or(|at| at.elapsed() < FIRST_LINE_TIME_MAX);
    if !state.is_online || !state.is_connected || state.is_stalled || is_new {
        return Ok(());
    }
    settle(state);
    let served_as = match server.access_at_once(user, state.at_login.as_deref()) {
        Access::Refused => return Err(format!("user {user} is still served, but must not be")),
        Access::Served(served_as) | Access::Perhaps(served_as) => served_as,
    };
    let mut data = state.data.clone();
    data.drop_superseded();
    data.release_all()?;
    holds_all(server, &data.client, served_as, "soon after")
}

/// All is well, so the instance of a client that has been connected for a while has compared the meeting with Redis.
fn settle(state: &mut State) {
    state.may_have_more &= state.connected_at.is_some_and(|at| at.elapsed() < COMPARED_AFTER);
}

fn holds_all(server: &mut Server, client: &Client, served_as: u64, when: &str) -> Result<(), String> {
    let view: Arc<Elements> = server.newest().view(served_as);
    match compare(&client.data, &view) {
        None => Ok(()),
        Some(wrong) => Err(format!("{when}, served as {served_as}, at {}: {wrong}", client.change_id)),
    }
}

/// The first difference between what a client has and what it should have, if there is one.
fn compare(holds: &Elements, view: &Elements) -> Option<String> {
    if holds == view {
        return None;
    }
    let (missing, hidden) = difference(holds, view);
    let key = hidden.iter().chain(&missing).next()?;
    Some(match (holds.get(key), view.get(key)) {
        (Some(_), None) => format!("{key} is held, but must not be seen"),
        (None, _) => format!("{key} is not held"),
        (Some(held), Some(seen)) => format!("{key} is held as {held}, but is seen as {seen}"),
    })
}
