//! Where does a client start that comes (back) with a change id? (spec: stream.md, Where the client starts)

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Difference;
use super::selection::select;
use crate::collection::Collection;
use crate::element::facts::Facts;
use crate::ids::{ChangeId, ElementKey};
use crate::meeting::history::History;
use crate::meeting::{Deciding, Meeting, Version, view_in};
use crate::permission::Permission;
use crate::ports::authenticator::Session;
use crate::restriction::view::View;
use crate::restriction::viewer::Viewer;

/// What a new connection begins with.
#[derive(Debug)]
pub enum CaughtUp {
    /// Everything that the viewer sees.
    Everything,
    /// What changed; `None`: nothing.
    Difference(Option<Difference>),
}

/// How a new connection starts, or what must be known first.
#[derive(Debug)]
pub enum Start {
    /// All is known.
    Known(CaughtUp),
    /// The client is ahead: has the store this id? If so, catch up with it and ask [`start`] again; if not, the ids went
    /// back, and the client gets everything.
    IsAhead,
    /// The client's version is not kept: which keys changed since? Then [`start_from_keys`].
    NeedsKeys,
}

/// The start of a client of `session`, admitted as `viewer`, that has everything up to `change_id` (0: nothing).
#[must_use]
pub fn start(history: &History, session: &Session, viewer: &Viewer, change_id: ChangeId) -> Start {
    let current = history.current();
    // A session whose user is gone is served as anonymous: what its client has may be what that user saw.
    let is_another = session.user != viewer.user();
    let is_unknown = change_id < current.bounds().lowest || history.is_ambiguous(change_id);
    if change_id == ChangeId(0) || is_unknown || is_another {
        return Start::Known(CaughtUp::Everything);
    }
    if change_id > current.change_id() {
        return Start::IsAhead;
    }
    let Some(from) = history.newest_not_above(change_id) else {
        return Start::NeedsKeys;
    };
    // The other way round: the user was not there yet, and the session was served as anonymous.
    if viewer.user().is_some_and(|user| from.get(ElementKey::user(user)).is_none()) {
        return Start::Known(CaughtUp::Everything);
    }
    // The client was served by another instance, with a version that this one passed over in one step.
    let passed_over = history.since(Version(from.version().0 + 1)).next();
    let passed_over = passed_over.filter(|_| from.change_id() < change_id).map(|meeting| &*meeting.step().written);
    let passed_over = passed_over.unwrap_or_default();
    if passed_over.iter().any(|key| may_decide(current, viewer, *key)) {
        return Start::Known(CaughtUp::Everything);
    }
    Start::Known(CaughtUp::Difference(widened(history, from, passed_over, viewer)))
}

/// The start of a client whose version is not kept: from the keys that the store names as changed since.
///
/// If one of them may decide what the viewer sees, the exact difference is not known, and the client gets everything.
#[must_use]
pub fn start_from_keys(current: &Meeting, viewer: &Viewer, keys: &[ElementKey]) -> CaughtUp {
    if keys.iter().any(|key| may_decide(current, viewer, *key)) {
        return CaughtUp::Everything;
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
    CaughtUp::Difference(Difference::new(select(current, viewer, changed), deleted.into_iter().collect()))
}

/// The difference from `from` to the present, widened by every key that was written since.
///
/// The client may still hold lines back that it will apply later, so every element that any of them may have named must
/// be named again: what was written in a step, and what looked different after a step for another reason. What of
/// `passed_over` is hidden now may have been visible in a version that this service never had.
fn widened(history: &History, from: &Arc<Meeting>, passed_over: &[ElementKey], viewer: &Viewer) -> Option<Difference> {
    let current = history.current();
    let user = viewer.user();
    let mut named = BTreeSet::new();
    let mut before = from;
    let mut before_viewer = Viewer::resolve(from, user);
    let mut versions = vec![(before, before_viewer.clone())];
    for after in history.since(Version(from.version().0 + 1)) {
        let step = after.step();
        let is_decided = step.touched.iter().flat_map(|key| [(before, *key), (after, *key)]).any(|(meeting, key)| {
            match Viewer::deciding(meeting, key) {
                Deciding::Nobody => false,
                Deciding::User(decided) => user == Some(decided),
                Deciding::Everybody => true,
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
            // Two views of what was not written may still look the same: without a field that is not there anyway.
            views.0 != views.1 && text(before, *key, &views.0) != text(after, *key, &views.1)
        };
        named.extend(keys.difference(&step.written.iter().copied().collect()).filter(|key| differs(key)));
        versions.push((after, after_viewer.clone()));
        (before, before_viewer) = (after, after_viewer);
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

/// May a change of this element, not known in detail, have changed what the viewer sees of others?
fn may_decide(meeting: &Meeting, viewer: &Viewer, key: ElementKey) -> bool {
    match key.collection {
        Collection::Group => true,
        Collection::User => viewer.user().is_some_and(|user| ElementKey::user(user) == key),
        Collection::Config => {
            // A configuration that is gone may have been any.
            !matches!(meeting.get(key).map(|element| element.facts()), Some(Facts::Config { .. }))
                || Viewer::deciding(meeting, key) == Deciding::Everybody
        }
        // What these require decides for all who do not see every user anyway.
        Collection::ListOfSpeakers
        | Collection::Motion
        | Collection::MotionPoll
        | Collection::Assignment
        | Collection::AssignmentOption
        | Collection::AssignmentPoll => !viewer.has(Permission::UsersCanSeeName),
        _ => false,
    }
}
