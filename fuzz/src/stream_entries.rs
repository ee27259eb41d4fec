//! Does an arbitrary entry of the stream lead to the same meeting as reading everything afresh, and to complete lines?

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use domain::access::access;
use domain::difference::resume::{Resumption, WiderLine, start};
use domain::ids::{ChangeId, ElementKey, ProjectorId, UserId};
use domain::meeting::history::{History, HistoryLimits};
use domain::meeting::{Change, Meeting};
use domain::ports::authenticator::Session;
use domain::projector::{ProjectorBoard, Written, render_projector};
use domain::reach::DecidingConfig;

use crate::small_meeting::{LOWEST, RawElements, VIEWERS, keys_of, load, raw_elements, seen_text, view, viewer};

const PROJECTOR: ProjectorId = ProjectorId(1);

/// Takes each line for the content of an entry, applies what can be read, and compares.
///
/// # Panics
/// The meeting differs from a fresh one with the same elements, or a returning client, or a projector, is not told of a
/// change.
pub fn stream_entries(bytes: &[u8]) {
    let mut store = raw_elements();
    let first = load(&store, LOWEST);
    let mut history = History::new(first.clone(), HistoryLimits::default(), Duration::ZERO);
    let watched = BTreeSet::from([PROJECTOR]);
    let mut board = ProjectorBoard::new(Arc::new(first.clone()))
        .advance(Arc::new(first.clone()), Written::Keys(&[]), &watched)
        .board;
    for entry in bytes.split(|byte| *byte == b'\n') {
        let Ok(mut change) = Change::parse(entry) else { continue };
        // An id that does not follow makes the service ask the store, as if this were what it then says.
        change.change_id = next_id(history.current().change_id(), change.change_id);
        write(&mut store, &change);
        let next = history.current().apply(change).meeting;
        let written = next.step().written.clone();
        history.push(next, Duration::ZERO);
        let current = history.current();
        check_is_as_fresh(current, &load(&store, current.change_id()));
        board = board.advance(Arc::clone(current), Written::Keys(&written), &watched).board;
        let fresh = render_projector(current, PROJECTOR).json;
        assert_eq!(board.json(PROJECTOR), fresh.as_ref(), "the projector shows something outdated");
    }
    for user in VIEWERS {
        check_return(&history, &first, user);
    }
}

/// The id of the change, if it may follow the present one.
fn next_id(present: ChangeId, claimed: ChangeId) -> ChangeId {
    /// Redis keeps ids as floating point numbers.
    const ID_MAX: u64 = 1 << 53;
    if claimed > present && claimed.0 <= ID_MAX { claimed } else { present.next() }
}

fn write(store: &mut RawElements, change: &Change) {
    for element in &change.elements {
        match &element.json {
            Some(json) => store.insert(element.key.clone(), json.clone()),
            None => store.remove(&element.key),
        };
    }
}

fn check_is_as_fresh(meeting: &Meeting, fresh: &Meeting) {
    assert!(meeting.is_same_as(fresh), "the elements differ from those read afresh");
    assert_eq!(meeting.text_bytes(), fresh.text_bytes(), "bytes of text");
    assert_eq!(meeting.present_users(), fresh.present_users(), "present users");
    for config in DecidingConfig::ALL {
        assert_eq!(meeting.is_true(config), fresh.is_true(config), "{}", config.name());
    }
    for user in VIEWERS {
        let (one, other) = (viewer(meeting, user), viewer(fresh, user));
        assert_eq!(one, other, "the rights of user {user}");
        assert_eq!(view(meeting, &one), view(fresh, &other), "what user {user} sees");
        let session = session(user);
        assert_eq!(access(meeting, &session), access(fresh, &session), "whether user {user} is served");
    }
}

/// A client with the first version is told of everything that looks different now, and of nothing hidden.
fn check_return(history: &History, before: &Meeting, user: u64) {
    let after = history.current();
    let (old, new) = (viewer(before, user), viewer(after, user));
    let Resumption::Known(WiderLine::Difference(difference)) = start(history, &session(user), &new, LOWEST) else {
        return;
    };
    let (mut changed, mut deleted) = (BTreeSet::new(), BTreeSet::new());
    if let Some(difference) = difference {
        for selection in &difference.changed {
            let entries = selection.block.entries().iter().zip(&*selection.views);
            changed.extend(entries.filter(|(_, view)| !view.is_hidden()).map(|(entry, _)| entry.element.key()));
        }
        deleted.extend(difference.deleted);
    }
    for key in keys_of(before, after) {
        check_key(key, &changed, &deleted, seen_text(before, &old, key), seen_text(after, &new, key));
    }
}

fn check_key(
    key: ElementKey,
    changed: &BTreeSet<ElementKey>,
    deleted: &BTreeSet<ElementKey>,
    before: Option<String>,
    after: Option<String>,
) {
    match &after {
        None => assert!(!changed.contains(&key), "{key} is hidden, and sent"),
        Some(_) => assert!(!deleted.contains(&key), "{key} is visible, and sent as deleted"),
    }
    assert!(
        before == after || changed.contains(&key) || deleted.contains(&key),
        "{key} changed from {before:?} to {after:?}, and the client is not told"
    );
}

fn session(user: u64) -> Session {
    Session { key: None, user: Some(UserId(user)).filter(|user| user.0 > 0), auth_hash: None }
}
