//! What is written? Changes that mostly decide who sees what, made of the meeting as it will be by then.

use domain::collection::Collection;
use domain::permission::Permission;
use domain::slide::SlideName;
use domain::testing::elements::{GROUPS, IDS, USERS, element};
use domain::testing::generator::Random;
use domain::testing::oracle::Elements;
use domain::testing::strategies::Write;
use serde_json::{Map, Value, json};

use super::pick;

/// The configuration value that lets anonymous users in.
const ANONYMOUS_KEY: &str = "core/config:2";

/// Elements that make users visible: of which collection, and in which field they name them how.
const NAMING: [(&str, &str, Naming); 6] = [
    ("agenda/list-of-speakers", "speakers", Naming::Objects),
    ("assignments/assignment", "assignment_related_users", Naming::Objects),
    ("assignments/assignment-option", "user_id", Naming::One),
    ("motions/motion", "submitters", Naming::Objects),
    ("motions/motion", "supporters_id", Naming::Ids),
    ("motions/motion-poll", "voted_id", Naming::Ids),
];

#[derive(Clone, Copy)]
enum Naming {
    Objects,
    Ids,
    One,
}

/// The meeting as the plan so far makes it. It is wrong if events are left out; what it writes makes sense anyway.
pub(super) struct Mirror {
    initial: Elements,
    now: Elements,
    replica: Option<Elements>,
    /// The users who have clients; changes are mostly about them.
    users: Vec<u64>,
}

impl Mirror {
    pub(super) fn new(initial: &Elements, users: impl Iterator<Item = u64>) -> Self {
        let users: Vec<u64> = users.filter(|user| USERS.contains(user)).collect();
        let users = if users.is_empty() { vec![USERS[4]] } else { users };
        Self { initial: initial.clone(), now: initial.clone(), replica: None, users }
    }

    /// Follows what is written.
    pub(super) fn follow(&mut self, writes: &[Write]) {
        for write in writes {
            match &write.element {
                Some(element) => self.now.insert(write.key.clone(), element.clone()),
                None => self.now.remove(&write.key),
            };
        }
    }

    pub(super) fn replicate(&mut self) {
        self.replica = Some(self.now.clone());
    }

    pub(super) fn fail_over(&mut self) {
        self.now = self.replica.take().unwrap_or_else(|| std::mem::take(&mut self.now));
    }

    /// Returns a change of one or two elements.
    pub(super) fn change(&self, random: &mut Random) -> Vec<Write> {
        let mut writes = vec![self.write(random)];
        if random.once_in(3) {
            let other = self.write(random);
            if other.key != writes[0].key {
                writes.push(other);
            }
        }
        writes
    }

    fn write(&self, random: &mut Random) -> Write {
        let user = self.users[pick(random, self.users.len() as u64)];
        match random.below(13) {
            0 | 1 => self.flip_permission(random, user),
            2 | 3 => self.flip_group(random, user),
            4 => self.come_or_go(random, "users/user", user),
            5 => self.let_anonymous(None),
            6 | 7 => self.name(random),
            8 => {
                let group = GROUPS[pick(random, GROUPS.len() as u64)];
                self.come_or_go(random, "users/group", group)
            }
            9 => self.flip_active_or_delegation(random, user),
            10 => self.show_or_hide(random),
            11 => self.project(random),
            _ => another(random),
        }
    }

    /// Returns the element, or a random one where there is none.
    fn object(&self, random: &mut Random, collection: &str, id: u64) -> Map<String, Value> {
        let found = self.now.get(&format!("{collection}:{id}")).cloned();
        match found.unwrap_or_else(|| element(collection, id, random.number())) {
            Value::Object(object) => object,
            _ => Map::from_iter([("id".to_owned(), json!(id))]),
        }
    }

    fn flip_permission(&self, random: &mut Random, user: u64) -> Write {
        let groups = self.now.get(&format!("users/user:{user}")).and_then(|user| user["groups_id"].as_array());
        let groups: Vec<u64> = groups.into_iter().flatten().filter_map(Value::as_u64).collect();
        let group = if groups.is_empty() || random.once_in(4) { 1 } else { groups[pick(random, groups.len() as u64)] };
        let mut object = self.object(random, "users/group", group);
        let permission = Permission::ALL[pick(random, Permission::ALL.len() as u64)].name();
        flip(&mut object, "permissions", json!(permission));
        written("users/group", group, object)
    }

    fn flip_group(&self, random: &mut Random, user: u64) -> Write {
        let mut object = self.object(random, "users/user", user);
        flip(&mut object, "groups_id", json!([1, 3, 4, 200][pick(random, 4)]));
        written("users/user", user, object)
    }

    /// Deletes the element, or brings it back as it was in the beginning, or as another.
    pub(super) fn come_or_go(&self, random: &mut Random, collection: &str, id: u64) -> Write {
        let key = format!("{collection}:{id}");
        let element = match (self.now.contains_key(&key), self.initial.get(&key)) {
            (true, _) => None,
            (false, Some(initial)) => Some(initial.clone()),
            (false, None) => Some(element(collection, id, random.number())),
        };
        Write { key, element }
    }

    /// Lets anonymous users in or not; `None`: the other way round.
    pub(super) fn let_anonymous(&self, is_let: Option<bool>) -> Write {
        let is_let = is_let.unwrap_or_else(|| self.now.get(ANONYMOUS_KEY).is_none_or(|it| it["value"] != true));
        let element = json!({"id": 2, "key": "general_system_enable_anonymous", "value": is_let});
        Write { key: ANONYMOUS_KEY.to_owned(), element: Some(element) }
    }

    /// An element names a user, or no longer.
    pub(super) fn name(&self, random: &mut Random) -> Write {
        let (collection, field, naming) = NAMING[pick(random, NAMING.len() as u64)];
        let user = USERS[pick(random, USERS.len() as u64)];
        let mut object = self.object(random, collection, 1);
        match naming {
            Naming::Objects => flip(&mut object, field, json!({"id": user, "user_id": user})),
            Naming::Ids => {
                // A poll names its voters once it is published.
                object.insert("state".to_owned(), json!(4));
                flip(&mut object, field, json!(user));
            }
            Naming::One => drop(object.insert(field.to_owned(), json!(user))),
        }
        written(collection, 1, object)
    }

    fn flip_active_or_delegation(&self, random: &mut Random, user: u64) -> Write {
        let mut object = self.object(random, "users/user", user);
        if random.once_in(2) {
            let is_active = object.get("is_active").is_none_or(|value| *value != false);
            object.insert("is_active".to_owned(), json!(!is_active));
        } else {
            let from = USERS[pick(random, USERS.len() as u64)];
            flip(&mut object, "vote_delegated_from_users_id", json!(from));
        }
        written("users/user", user, object)
    }

    fn show_or_hide(&self, random: &mut Random) -> Write {
        const FIELDS: [(&str, &str); 4] = [
            ("agenda/item", "is_hidden"),
            ("agenda/item", "is_internal"),
            ("motions/motion-block", "internal"),
            ("motions/motion-change-recommendation", "internal"),
        ];
        let (collection, field) = FIELDS[pick(random, FIELDS.len() as u64)];
        let id = IDS[pick(random, 2)];
        let mut object = self.object(random, collection, id);
        let is_so = object.get(field).is_some_and(|value| *value == true);
        object.insert(field.to_owned(), json!(!is_so));
        written(collection, id, object)
    }

    /// A projector shows something else.
    pub(super) fn project(&self, random: &mut Random) -> Write {
        projector(1 + random.below(2), random)
    }

    /// Returns the writes after which anonymous users see more than this one does.
    pub(super) fn let_anonymous_see_more(&self, random: &mut Random, user: u64) -> Vec<Write> {
        let everything: Vec<_> = Permission::ALL.iter().map(|permission| permission.name()).collect();
        let default = json!({"id": 1, "permissions": everything});
        let own = json!({"id": 3, "permissions": [everything[pick(random, everything.len() as u64)]]});
        let mut object = self.object(random, "users/user", user);
        object.insert("groups_id".to_owned(), json!([3]));
        object.insert("is_active".to_owned(), json!(true));
        vec![
            Write { key: "users/group:1".to_owned(), element: Some(default) },
            Write { key: "users/group:3".to_owned(), element: Some(own) },
            written("users/user", user, object),
            self.let_anonymous(Some(true)),
        ]
    }

    /// Returns the write that deletes the user, and the one that brings them back as they are.
    pub(super) fn gone_and_back(&self, random: &mut Random, user: u64) -> [Write; 2] {
        let back = written("users/user", user, self.object(random, "users/user", user));
        [Write { key: back.key.clone(), element: None }, back]
    }

    /// Returns a write, and the one that undoes it.
    pub(super) fn there_and_back(&self, random: &mut Random) -> [Write; 2] {
        let there = self.write(random);
        let back = Write { key: there.key.clone(), element: self.now.get(&there.key).cloned() };
        [there, back]
    }

    /// One of the users who have clients.
    pub(super) fn user(&self, random: &mut Random) -> u64 {
        self.users[pick(random, self.users.len() as u64)]
    }
}

/// The configuration value that every meeting has, and that everybody sees, changed.
pub(super) fn event_date(random: &mut Random) -> Write {
    let value = random.number().to_string();
    let element = json!({"id": 900, "key": "general_event_date", "value": value});
    Write { key: "core/config:900".to_owned(), element: Some(element) }
}

/// A tag that nothing else is about comes, and goes. Everybody sees tags, and they decide nothing.
pub(super) fn tag_there_and_back() -> [Write; 2] {
    let key = "core/tag:65".to_owned();
    let tag = json!({"id": 65, "name": "there for a moment"});
    [Write { key: key.clone(), element: Some(tag) }, Write { key, element: None }]
}

/// A projector that shows up to three slides.
pub(super) fn projector(id: u64, random: &mut Random) -> Write {
    let slides: Vec<Value> = (0..random.below(4))
        .map(|_| {
            let name = SlideName::ALL[pick(random, SlideName::ALL.len() as u64)].name();
            json!({"name": name, "id": IDS[pick(random, 2)]})
        })
        .collect();
    let element = json!({"id": id, "elements": slides, "reference_projector_id": 1});
    Write { key: format!("core/projector:{id}"), element: Some(element) }
}

/// Any element becomes another.
fn another(random: &mut Random) -> Write {
    let collection = Collection::ALL[pick(random, Collection::ALL.len() as u64)].name();
    let ids: &[u64] = match collection {
        "users/user" => &USERS,
        "users/group" => &GROUPS,
        _ => &IDS,
    };
    let id = ids[pick(random, ids.len() as u64)];
    let element = (!random.once_in(5)).then(|| element(collection, id, random.number()));
    Write { key: format!("{collection}:{id}"), element }
}

fn written(collection: &str, id: u64, mut object: Map<String, Value>) -> Write {
    object.insert("id".to_owned(), json!(id));
    Write { key: format!("{collection}:{id}"), element: Some(Value::Object(object)) }
}

/// Takes the value out of the list, or puts it in.
fn flip(object: &mut Map<String, Value>, field: &str, value: Value) {
    let list = object.entry(field).or_insert_with(|| json!([]));
    let mut values = list.as_array().cloned().unwrap_or_default();
    match values.iter().position(|known| *known == value) {
        Some(at) => drop(values.remove(at)),
        None => values.push(value),
    }
    *list = Value::Array(values);
}
