//! How does a client resume that connects with a change id? (spec: stream.md#first-line, stream.md#wider)

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::selection::select;
use super::{Difference, passes_over};
use crate::ids::{ChangeId, ElementKey, UserId};
use crate::meeting::history::History;
use crate::meeting::{AffectedViewers, Meeting, view_in};
use crate::permission::Permission;
use crate::ports::authenticator::Session;
use crate::reach::{Reach, reach};
use crate::restriction::view::View;
use crate::restriction::viewer::Viewer;

/// What a client is sent that may hold back lines of another connection.
#[derive(Debug)]
pub enum WiderLine {
    /// Everything that the viewer sees.
    Everything,
    /// What changed; `None`: nothing.
    Difference(Option<Difference>),
}

/// How a new connection begins, or what must be found out first.
#[derive(Debug)]
pub enum Resumption {
    /// Everything is known.
    Known(WiderLine),
    /// The client is ahead of this instance. If the store has this id, catch up with it and call [`start`] again; if
    /// not, the ids went back, and the client gets everything.
    IsAhead,
    /// The client's version is no longer kept. Find out which keys changed since, then call [`start_from_keys`].
    NeedsKeys,
}

/// Decides how a client of `session`, admitted as `viewer`, resumes that has everything up to `change_id` (0: nothing).
#[must_use]
pub fn start(history: &History, session: &Session, viewer: &Viewer, change_id: ChangeId) -> Resumption {
    let current = history.current();
    // A session whose user is gone is served as anonymous, but its client may have what that user saw.
    let is_another = session.user != viewer.user();
    let is_unknown = change_id < current.bounds().lowest || history.is_ambiguous(change_id);
    if change_id == ChangeId(0) || is_unknown || is_another {
        return Resumption::Known(WiderLine::Everything);
    }
    if change_id > current.change_id() {
        return Resumption::IsAhead;
    }
    match history.newest_not_above(change_id) {
        Some(from) => Resumption::Known(since(history, from, viewer)),
        None => Resumption::NeedsKeys,
    }
}

/// Returns what brings a client to the current version, as `viewer`. It has seen the version `from`; of what came later
/// it may have been sent, or hold back, whatever another instance showed.
#[must_use]
pub fn since(history: &History, from: &Arc<Meeting>, viewer: &Viewer) -> WiderLine {
    if is_uncertain(history, from, viewer.user()) {
        return WiderLine::Everything;
    }
    WiderLine::Difference(widened(history, from, viewer))
}

/// Decides how a client resumes whose version is no longer kept, from the keys that the store names as changed since.
///
/// If one of them may affect what the viewer sees, the exact difference is unknown, and the client gets everything.
#[must_use]
pub fn start_from_keys(current: &Meeting, viewer: &Viewer, keys: &[ElementKey]) -> WiderLine {
    if keys.iter().any(|key| may_decide(viewer, *key)) {
        return WiderLine::Everything;
    }
    let mut changed = BTreeMap::new();
    let mut deleted = BTreeSet::new();
    for key in keys {
        let view = view_in(current, viewer, *key);
        if view.is_hidden() {
            deleted.insert(*key);
        } else {
            changed.insert(*key, view);
        }
    }
    WiderLine::Difference(Difference::new(select(current, viewer, changed), deleted.into_iter().collect()))
}

/// Returns whether a client of `user` may have been sent something since `from` that the versions kept here do not
/// show.
fn is_uncertain(history: &History, from: &Arc<Meeting>, user: Option<UserId>) -> bool {
    let own = user.map(ElementKey::user);
    // While the user did not exist the session was served as anonymous, who may see what the user never saw.
    let is_gone = |meeting: &Meeting| own.is_some_and(|key| meeting.get(key).is_none());
    is_gone(from)
        || steps_since(history, from).any(|(before, after)| {
            let written = &after.step().written;
            own.is_some_and(|key| written.binary_search(&key).is_ok()) && is_gone(after)
                || passes_over(before, after) && {
                    let viewer = Viewer::resolve(before, user);
                    written.iter().any(|key| may_decide(&viewer, *key))
                }
        })
}

/// Returns each version after `from`, with the version before it.
fn steps_since<'a>(
    history: &'a History,
    from: &'a Arc<Meeting>,
) -> impl Iterator<Item = (&'a Arc<Meeting>, &'a Arc<Meeting>)> {
    let versions = || history.since(from.version());
    versions().zip(versions().skip(1))
}

/// Returns the difference between `from` and the current version, widened by every key that was written since.
///
/// The client may hold back lines that it will apply later, so every element that any of them may have named must be
/// named again: what was written in a step, and what looked different after a step for another reason.
fn widened(history: &History, from: &Arc<Meeting>, viewer: &Viewer) -> Option<Difference> {
    let current = history.current();
    let user = viewer.user();
    let mut named = BTreeSet::new();
    // Hidden now, but possibly visible in a version that only another instance had.
    let mut passed_over: BTreeSet<ElementKey> = BTreeSet::new();
    let mut before_viewer = Viewer::resolve(from, user);
    let mut versions = vec![(from, before_viewer.clone())];
    for (before, after) in steps_since(history, from) {
        let step = after.step();
        if passes_over(before, after) {
            passed_over.extend(&step.written);
        }
        let is_decided = step.touched.iter().flat_map(|key| [(before, *key), (after, *key)]).any(|(meeting, key)| {
            match Viewer::affected_by(meeting, key) {
                AffectedViewers::Nobody => false,
                AffectedViewers::User(decided) => user == Some(decided),
                AffectedViewers::Everybody => true,
            }
        });
        let after_viewer = if is_decided { Viewer::resolve(after, user) } else { before_viewer.clone() };
        named.extend(&step.written);
        let keys: BTreeSet<ElementKey> = if after_viewer == before_viewer {
            step.touched.iter().copied().collect()
        } else {
            before.keys().chain(after.keys()).collect()
        };
        let differs = |key: &ElementKey| {
            let views = (view_in(before, &before_viewer, *key), view_in(after, &after_viewer, *key));
            // Two different views of an unwritten element may still look the same, when the removed field is not there
            // anyway.
            views.0 != views.1 && text(before, *key, &views.0) != text(after, *key, &views.1)
        };
        named.extend(keys.difference(&step.written.iter().copied().collect()).filter(|key| differs(key)));
        versions.push((after, after_viewer.clone()));
        before_viewer = after_viewer;
    }

    let mut changed = BTreeMap::new();
    let mut deleted = Vec::new();
    for key in named {
        let view = view_in(current, viewer, key);
        if !view.is_hidden() {
            changed.insert(key, view);
        } else if passed_over.contains(&key)
            || versions.iter().any(|(meeting, viewer)| !view_in(meeting, viewer, key).is_hidden())
        {
            deleted.push(key);
        }
    }
    Difference::new(select(current, viewer, changed), deleted)
}

fn text(meeting: &Meeting, key: ElementKey, view: &View) -> String {
    let mut text = String::new();
    if let Some(element) = meeting.get(key) {
        view.render(element, &mut text);
    }
    text
}

/// Returns whether changes of this element, whose details are unknown, may have changed what the viewer saw of others.
fn may_decide(viewer: &Viewer, key: ElementKey) -> bool {
    match reach(key.collection) {
        // Also a configuration element that affects nothing now: it may have had another key before.
        Reach::Everybody | Reach::Configuration => true,
        Reach::ItsUser => viewer.user().is_some_and(|user| ElementKey::user(user) == key),
        // A viewer who sees every user anyway gains nothing by this.
        Reach::Required(permission, _) => {
            viewer.profile().has(permission) && !viewer.profile().has(Permission::UsersCanSeeName)
        }
        Reach::Itself => false,
    }
}
