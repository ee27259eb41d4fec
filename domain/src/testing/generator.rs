//! What is in a large meeting? Generates one of any size, the same for the same seed.
//!
//! The proportions are those of a real large meeting: 14,000 elements with 2,000 users make about 11 MB, with 800
//! motions of 4 kB, lists of speakers of about 2 kB, and votes as the most frequent elements.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::collection::Collection;
use crate::ids::{ChangeId, ElementKey, GroupId, UserId};
use crate::json::wire_form;
use crate::ports::element_store::{Bounds, RawElement, Snapshot};

mod content;
mod people;
mod polls;
mod random;

pub use people::{GROUPS, Group, OBSERVERS, session_auth_hash};
pub use polls::OPEN_POLLS;
pub use random::Random;

/// What to generate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The seed: equal seeds make equal meetings.
    pub seed: u64,
    /// The number of elements, including users; at least [`Plan::ELEMENTS_MIN`].
    pub elements: usize,
    /// The number of users, at least 2. User 1 is an administrator.
    pub users: usize,
}

impl Plan {
    /// The meeting with which `docs/PERFORMANCE.md` was measured.
    pub const LARGE: Self = Self { seed: 1, elements: 14_000, users: 2_000 };

    /// The least number of elements with which every collection occurs.
    pub const ELEMENTS_MIN: usize = 300;
}

/// A generated meeting, with what is needed to make realistic changes to it.
#[derive(Clone, Debug)]
pub struct Generated {
    elements: BTreeMap<ElementKey, String>,
    users: Vec<(UserId, GroupId)>,
}

impl Generated {
    /// Generates the meeting of `plan`.
    #[must_use]
    pub fn new(plan: Plan) -> Self {
        let plan = Plan { elements: plan.elements.max(Plan::ELEMENTS_MIN), users: plan.users.max(2), ..plan };
        let mut made = Self { elements: BTreeMap::new(), users: people::users(plan.users) };
        let mut random = Random::new(plan.seed);
        let counts = Counts::of(plan);
        people::add(&mut made, &mut random, &counts);
        content::add(&mut made, &mut random, &counts);
        polls::add(&mut made, &mut random, &counts, plan.elements);
        made
    }

    /// Every element as the JSON text that the server would write.
    #[must_use]
    pub fn elements(&self) -> &BTreeMap<ElementKey, String> {
        &self.elements
    }

    /// The users, ascending, each with the one group it is in.
    #[must_use]
    pub fn users(&self) -> &[(UserId, GroupId)] {
        &self.users
    }

    /// The users whose group lists `permission`.
    #[must_use]
    pub fn users_with(&self, permission: &str) -> Vec<UserId> {
        let groups: Vec<GroupId> = GROUPS
            .iter()
            .filter(|group| group.permissions.contains(&permission))
            .map(|group| GroupId(group.id))
            .collect();
        self.users.iter().filter(|(_, group)| groups.contains(group)).map(|(user, _)| *user).collect()
    }

    /// Returns a copy of an element; `None` if it does not exist.
    #[must_use]
    pub fn get(&self, collection: Collection, id: u64) -> Option<Value> {
        serde_json::from_str(self.elements.get(&ElementKey::new(collection, id))?).ok()
    }

    /// Returns the size of all elements, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.elements.values().map(String::len).sum()
    }

    /// Returns the meeting as a store would return it at `change_id`.
    #[must_use]
    pub fn snapshot(&self, change_id: ChangeId) -> Snapshot {
        let elements = self
            .elements
            .iter()
            .map(|(key, json)| RawElement { key: key.to_string().into_bytes(), json: Some(json.clone().into_bytes()) })
            .collect();
        Snapshot { bounds: Bounds { lowest: change_id, highest: change_id }, elements }
    }

    fn put(&mut self, collection: Collection, id: u64, element: &Value) {
        // In wire form, since the server too writes ASCII.
        let text = wire_form(element.to_string().as_bytes()).unwrap_or_default();
        self.elements.insert(ElementKey::new(collection, id), text);
    }
}

/// The numbers of elements that are not fixed. Votes make up the rest.
#[derive(Clone, Copy, Debug)]
struct Counts {
    users: u64,
    motions: u64,
    topics: u64,
    blocks: u64,
    assignments: u64,
    mediafiles: u64,
    motion_polls: u64,
    assignment_polls: u64,
    options_per_assignment_poll: u64,
    change_recommendations: u64,
    personal_notes: u64,
    chat_messages: u64,
    categories: u64,
    tags: u64,
    configs: u64,
}

impl Counts {
    fn of(plan: Plan) -> Self {
        // Thousandths of the large meeting's 12,000 elements beside the users.
        let others = plan.elements.saturating_sub(plan.users).max(Plan::ELEMENTS_MIN / 2) as u64;
        let share = |of_large: u64| (of_large * others / 12_000).max(1);
        Self {
            users: plan.users as u64,
            motions: share(800).max(6),
            topics: share(150).max(2),
            blocks: share(30),
            assignments: share(20),
            mediafiles: share(200).max(2),
            motion_polls: share(300).max(OPEN_POLLS),
            assignment_polls: share(40),
            options_per_assignment_poll: 5,
            change_recommendations: share(400),
            personal_notes: share(1_000).min(plan.users as u64 - 1),
            chat_messages: share(300),
            categories: share(40),
            tags: share(30),
            configs: share(140).clamp(20, 140),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meeting::Meeting;
    use crate::testing::consistency::{MeetingMap, problems};

    fn as_map(made: &Generated) -> MeetingMap {
        let parse = |json: &String| serde_json::from_str(json).expect("JSON");
        made.elements().iter().map(|(key, json)| (key.to_string(), parse(json))).collect()
    }

    #[test]
    fn meetings_of_any_size_hang_together() {
        for (seed, elements, users) in [(1, 0, 0), (2, 300, 20), (3, 1_000, 150), (4, 3_000, 2_500)] {
            let made = Generated::new(Plan { seed, elements, users });
            assert_eq!(problems(&as_map(&made)), Vec::<String>::new(), "{seed} {elements} {users}");
            let meeting = Meeting::load(made.snapshot(ChangeId(5)), None).meeting;
            for collection in Collection::ALL {
                assert!(meeting.elements(collection).next().is_some(), "{collection} with {elements} elements");
            }
        }
    }

    #[test]
    fn the_large_meeting_has_the_size_it_should() {
        let made = Generated::new(Plan::LARGE);
        let count = |collection| made.elements().keys().filter(|key| key.collection == collection).count();
        assert_eq!(made.elements().len(), 14_000);
        assert_eq!((count(Collection::User), count(Collection::Motion)), (2_000, 800));
        let megabytes = made.bytes() / 1_000_000;
        assert!((10..=12).contains(&megabytes), "{megabytes} MB");
        assert!(made.elements().values().all(|json| json.is_ascii()));

        let size = |collection| {
            let sizes = made.elements().iter().filter(|(key, _)| key.collection == collection);
            sizes.map(|(_, json)| json.len()).sum::<usize>() / count(collection)
        };
        assert!((3_800..4_600).contains(&size(Collection::Motion)), "{}", size(Collection::Motion));
        let speakers = size(Collection::ListOfSpeakers);
        assert!((1_700..2_400).contains(&speakers), "{speakers}");
    }

    #[test]
    fn a_thousand_users_cannot_see_motions_yet() {
        let made = Generated::new(Plan::LARGE);
        let observers = made.users().iter().filter(|(_, group)| group.0 == OBSERVERS).count();
        assert_eq!(observers, 1_000);
        assert!(made.users_with("motions.can_see").len() < 1_000);
        assert!(made.users_with("agenda.can_see_list_of_speakers").len() >= 1_000);
        let groups: std::collections::BTreeSet<_> = made.users()[1..].iter().map(|(_, group)| group).collect();
        assert_eq!(groups.len(), 8);
    }

    #[test]
    fn the_seed_alone_decides() {
        let plan = Plan { seed: 7, elements: 400, users: 30 };
        assert_eq!(Generated::new(plan).elements(), Generated::new(plan).elements());
        assert_ne!(Generated::new(plan).elements(), Generated::new(Plan { seed: 8, ..plan }).elements());
    }
}
