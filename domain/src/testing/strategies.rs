//! Which meetings and histories are the properties tested with? Small ones in which everything collides.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use serde_json::{Value, json};

use super::elements::{Dice, GROUPS, IDS, USERS, element};
use super::oracle::Elements;
use crate::collection::Collection;
use crate::ids::ChangeId;
use crate::meeting::Change;
use crate::ports::element_store::{Bounds, RawElement, Snapshot};

/// The lowest change id of random histories; the change after it is the first.
pub const LOWEST: ChangeId = ChangeId(1000);

/// The viewers to test with: anonymous, every user of random meetings, and one who never exists.
pub const VIEWERS: [u64; 8] = [0, USERS[0], USERS[1], USERS[2], USERS[3], USERS[4], USERS[5], 77];

/// The user who is created, deleted and given other rights most often.
const DECIDED: u64 = USERS[4];

/// Elements that make others visible, and elements that are visible through various permissions.
const SEEN: [(&str, u64); 10] = [
    ("agenda/list-of-speakers", 1),
    ("assignments/assignment", 1),
    ("assignments/assignment-option", 1),
    ("assignments/assignment-poll", 1),
    ("core/countdown", 1),
    ("motions/motion", 1),
    ("motions/motion-poll", 1),
    ("motions/state", 1),
    ("topics/topic", 1),
    ("users/user", USERS[1]),
];

/// Collections beyond those that the service knows: their elements are hidden.
const UNKNOWN: [&str; 2] = ["plugin/thing", "users/User"];

/// Returns the configuration of a property that runs this many cases, or as many as `PROPTEST_CASES` says.
///
/// The seed of a case that fails is printed, and kept in `proptest-regressions/` of the package. The seeds there are
/// tried first.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "who runs a property by hand says how long; the service does not read this"
)]
pub fn cases(cases: u32) -> ProptestConfig {
    let default = ProptestConfig::default();
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => default,
        None => ProptestConfig { cases, ..default },
    }
}

/// As [`cases`], for a property in the folder `tests/` of a package, where proptest does not find the package by
/// itself: seeds are kept in the file of this path.
#[must_use]
pub fn cases_kept_in(path: &'static str, cases: u32) -> ProptestConfig {
    let persistence = FileFailurePersistence::Direct(path);
    ProptestConfig { failure_persistence: Some(Box::new(persistence)), ..self::cases(cases) }
}

/// A meeting, with the changes made to it.
#[derive(Clone, Debug)]
pub struct History {
    /// The meeting as of [`LOWEST`].
    pub initial: Elements,
    /// The changes, one change id each.
    pub changes: Vec<Vec<Write>>,
}

/// One element of a change.
#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    /// Its key; the collection may be unknown.
    pub key: String,
    /// The new element; `None`: deleted, even if it never existed.
    pub element: Option<Value>,
}

/// What happens to an element, relative to its value at that time.
#[derive(Clone, Copy, Debug)]
enum Happening {
    /// It is replaced by another element.
    Replace,
    /// One field is replaced by that of another element.
    Alter,
    Delete,
    /// It is written again, unchanged.
    Rewrite,
    /// It gets back its initial value.
    Restore,
    /// It loses all fields except its id.
    Strip,
}

#[derive(Clone, Debug)]
struct Event {
    collection: &'static str,
    id: u64,
    happening: Happening,
    seed: u64,
}

/// The elements of a random meeting.
pub fn meeting() -> impl Strategy<Value = Elements> {
    let base = vec(any::<u64>(), GROUPS.len() + USERS.len());
    (base, vec(event(), 8..24)).prop_map(|(seeds, events)| {
        let groups = GROUPS.iter().map(|id| ("users/group", *id));
        let users = USERS.iter().map(|id| ("users/user", *id));
        let mut elements = Elements::new();
        for ((collection, id), seed) in groups.chain(users).zip(seeds) {
            // Now and then a group or a user does not exist.
            if seed % 8 != 0 {
                elements.insert(format!("{collection}:{id}"), element(collection, id, seed));
            }
        }
        for event in events {
            elements.insert(event.key(), element(event.collection, event.id, event.seed));
        }
        elements
    })
}

/// Generates a history of at most `changes_max` changes: arbitrary ones, ones that mostly decide who sees what, or a
/// mix.
pub fn history(changes_max: usize) -> impl Strategy<Value = History> {
    let anything = vec(vec(event(), 1..5), 0..=changes_max);
    let deciding = vec(vec(deciding_event(), 1..4), 0..=changes_max);
    let both = vec(vec(prop_oneof![event(), deciding_event()], 1..5), 0..=changes_max);
    let changes = prop_oneof![2 => anything, 2 => deciding, 1 => both];
    (meeting(), vec(any::<u64>(), SEEN.len() + 2), changes).prop_map(|(mut initial, seeds, changes)| {
        // The elements of deciding events usually exist.
        let keys = SEEN.into_iter().chain([("core/config", 1), ("core/config", 2)]);
        for ((collection, id), seed) in keys.zip(seeds).filter(|(_, seed)| seed % 3 > 0) {
            initial.entry(format!("{collection}:{id}")).or_insert_with(|| element(collection, id, seed));
        }
        let mut now = initial.clone();
        let changes = changes.into_iter().map(|events| change(&initial, &mut now, &events)).collect();
        History { initial, changes }
    })
}

/// Picks one of [`VIEWERS`], most often anonymous or [`DECIDED`], whose permissions change most.
pub fn viewer() -> impl Strategy<Value = u64> {
    prop_oneof![2 => proptest::sample::select(VIEWERS.to_vec()), 1 => Just(DECIDED), 1 => Just(0)]
}

impl History {
    /// The elements after each change, the initial ones first: one more than there are changes.
    #[must_use]
    pub fn versions(&self) -> Vec<Elements> {
        let mut versions = vec![self.initial.clone()];
        for change in &self.changes {
            let mut next = versions[versions.len() - 1].clone();
            for write in change {
                match &write.element {
                    Some(element) => next.insert(write.key.clone(), element.clone()),
                    None => next.remove(&write.key),
                };
            }
            versions.push(next);
        }
        versions
    }

    /// Returns the initial meeting as a store would.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        snapshot(&self.initial, LOWEST)
    }

    /// Returns the changes as they arrive on the stream.
    #[must_use]
    pub fn changes(&self) -> Vec<Change> {
        let ids = (LOWEST.0 + 1..).map(ChangeId);
        let changes = ids.zip(&self.changes);
        changes
            .map(|(change_id, writes)| Change { change_id, elements: writes.iter().map(Write::raw).collect() })
            .collect()
    }
}

/// Returns these elements as a store would, with `highest` as the current change id.
#[must_use]
pub fn snapshot(elements: &Elements, highest: ChangeId) -> Snapshot {
    let raw = |(key, element): (&String, &Value)| Write { key: key.clone(), element: Some(element.clone()) }.raw();
    Snapshot { bounds: Bounds { lowest: LOWEST, highest }, elements: elements.iter().map(raw).collect() }
}

impl Write {
    /// Returns the element as a store would.
    #[must_use]
    pub fn raw(&self) -> RawElement {
        RawElement {
            key: self.key.clone().into_bytes(),
            json: self.element.as_ref().map(|element| element.to_string().into_bytes()),
        }
    }
}

impl Event {
    fn key(&self) -> String {
        format!("{}:{}", self.collection, self.id)
    }

    fn element(&self, initial: &Elements, now: &Elements) -> Option<Value> {
        let before = now.get(&self.key());
        match self.happening {
            Happening::Replace => Some(element(self.collection, self.id, self.seed)),
            Happening::Alter => {
                let other = element(self.collection, self.id, self.seed);
                let Some(Value::Object(mut altered)) = before.cloned() else {
                    return Some(other);
                };
                let fields: Vec<_> =
                    other.as_object().into_iter().flatten().filter(|(name, _)| *name != "id").collect();
                let (name, value) = Dice::new(self.seed).pick(&fields);
                altered.insert(name.clone(), value.clone());
                Some(Value::Object(altered))
            }
            Happening::Delete => None,
            Happening::Rewrite => before.cloned(),
            Happening::Restore => initial.get(&self.key()).cloned(),
            Happening::Strip => Some(json!({ "id": self.id })),
        }
    }
}

fn change(initial: &Elements, now: &mut Elements, events: &[Event]) -> Vec<Write> {
    let mut writes: Vec<Write> = Vec::new();
    for event in events {
        let write = Write { key: event.key(), element: event.element(initial, now) };
        match &write.element {
            Some(element) => now.insert(write.key.clone(), element.clone()),
            None => now.remove(&write.key),
        };
        // A change names each element once.
        writes.retain(|earlier| earlier.key != write.key);
        writes.push(write);
    }
    writes
}

/// Alters, strips, replaces, deletes or restores one of a few elements that decide what a user sees of others, or whose
/// visibility depends on various permissions.
fn deciding_event() -> impl Strategy<Value = Event> {
    use Happening::{Alter, Delete, Replace, Restore, Strip};
    let element = prop_oneof![
        3 => Just(("users/user", DECIDED)),
        3 => proptest::sample::select(vec![("users/group", 1), ("users/group", 3)]),
        // The two values that rules and access read, and one element that may have the name of either.
        3 => proptest::sample::select(vec![("core/config", 1), ("core/config", 2), ("core/config", 64)]),
        4 => proptest::sample::select(SEEN.to_vec()),
    ];
    let happening =
        prop_oneof![1 => Just(Alter), 1 => Just(Delete), 1 => Just(Replace), 2 => Just(Restore), 1 => Just(Strip)];
    (element, happening, any::<u64>()).prop_map(|((collection, id), happening, seed)| Event {
        collection,
        id,
        happening,
        seed,
    })
}

fn event() -> impl Strategy<Value = Event> {
    use Happening::{Alter, Delete, Replace, Restore, Rewrite};
    let collection = prop_oneof![
        8 => proptest::sample::select(Collection::ALL.map(Collection::name).to_vec()),
        // Elements that decide about others, and elements that are decided in several ways.
        3 => Just("users/user"),
        2 => Just("users/group"),
        1 => Just("core/config"),
        4 => proptest::sample::select(vec![
            "agenda/list-of-speakers",
            "motions/motion",
            "motions/motion-poll",
            "assignments/assignment",
            "assignments/assignment-option",
            "assignments/assignment-poll",
        ]),
        1 => proptest::sample::select(UNKNOWN.to_vec()),
    ];
    let happening = prop_oneof![
        4 => Just(Replace), 4 => Just(Alter), 2 => Just(Delete), 1 => Just(Rewrite), 2 => Just(Restore),
    ];
    (collection, any::<proptest::sample::Index>(), happening, any::<u64>()).prop_map(
        |(collection, index, happening, seed)| {
            let ids: &[u64] = match collection {
                "users/user" => &USERS,
                "users/group" => &GROUPS,
                _ => &IDS,
            };
            Event { collection, id: *index.get(ids), happening, seed }
        },
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    use super::*;
    use crate::reach::DecidingConfig;
    use crate::testing::elements::CONFIGS;
    use crate::testing::oracle::{is_sound, view};

    /// Tests with these meetings are only meaningful if neither everything nor nothing is visible.
    #[test]
    fn random_meetings_show_and_hide_elements_of_every_collection() {
        let mut runner = TestRunner::deterministic();
        let mut seen: BTreeMap<String, [usize; 2]> = BTreeMap::new();
        let (mut sound, mut all) = (0, 0);
        for _ in 0..400 {
            let elements = meeting().new_tree(&mut runner).expect("a meeting").current();
            for user in VIEWERS {
                let view = view(&elements, user);
                for key in elements.keys() {
                    let collection = key.split(':').next().unwrap_or_default().to_owned();
                    seen.entry(collection).or_default()[usize::from(view.contains_key(key))] += 1;
                }
            }
            all += elements.len();
            sound += elements.iter().filter(|(key, element)| is_sound(key, element)).count();
        }
        assert!(DecidingConfig::ALL.iter().all(|config| CONFIGS.contains(&config.name())));
        for collection in Collection::ALL {
            let [hidden, visible] = seen.get(collection.name()).copied().unwrap_or_default();
            let is_for_everyone = ["core/config", "core/tag", "users/group"].contains(&collection.name());
            assert!(
                visible > 20 && (hidden > 20 || is_for_everyone),
                "{collection}: {hidden} hidden, {visible} visible"
            );
        }
        assert!(sound < all && sound * 10 > all * 8, "{sound} of {all} are sound");
    }
}
