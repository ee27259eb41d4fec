//! Does every rule hold of who sees what? Cases by hand, recorded ones, and random ones against the oracle.

mod agenda;
mod collections;
mod decisions;
mod field_types;
mod includes;
mod motions;
mod oracle;
mod polls;
mod recorded;
mod users;
mod values;

use serde_json::{Value, json};

use crate::ids::{ElementKey, UserId};
use crate::meeting::{Meeting, view_in};
use crate::permission::Permission;
use crate::restriction::viewer::Viewer;
use crate::testing::oracle::{Elements, Oracle};
use crate::testing::strategies::{LOWEST, snapshot};

const ANONYMOUS: u64 = 0;
/// In group 3.
const DELEGATE: u64 = 5;
/// In group 3, too.
const COLLEAGUE: u64 = 2_147_483_653;
/// In group 2.
const ADMIN: u64 = 130;
/// In no group, so in group 1.
const GUEST: u64 = 7;
/// There is no such user.
const STRANGER: u64 = 77;

/// A small meeting: the users above and groups 1, 2 and 3, which permit nothing.
#[derive(Clone)]
struct Scene {
    elements: Elements,
}

impl Scene {
    fn new() -> Self {
        let scene = Self { elements: Elements::new() };
        [1, 2, 3]
            .into_iter()
            .fold(scene, |scene, group| scene.permits(group, &[]))
            .with(json!({ "id": DELEGATE, "groups_id": [3] }), "users/user")
            .with(json!({ "id": COLLEAGUE, "groups_id": [3] }), "users/user")
            .with(json!({ "id": ADMIN, "groups_id": [2] }), "users/user")
            .with(json!({ "id": GUEST, "groups_id": [] }), "users/user")
    }

    /// Group `group` has just these permissions.
    fn permits(self, group: u64, permissions: &[&str]) -> Self {
        self.with(json!({ "id": group, "permissions": permissions }), "users/group")
    }

    /// Group 3, of the delegate and the colleague, has just these permissions.
    fn delegates_may(self, permissions: &[&str]) -> Self {
        self.permits(3, permissions)
    }

    /// The meeting with this element.
    fn with(mut self, element: Value, collection: &str) -> Self {
        self.elements.insert(format!("{collection}:{}", element["id"]), element);
        self
    }

    /// The user's field is this.
    fn with_user_field(mut self, user: u64, field: &str, value: Value) -> Self {
        self.elements.get_mut(&format!("users/user:{user}")).expect("a user of the scene")[field] = value;
        self
    }

    fn seen(&self, user: u64, key: &str) -> Option<Value> {
        seen(&meeting(&self.elements), user, key.parse().expect(key))
    }

    /// The user sees of the element exactly this; `None`: it is hidden.
    #[track_caller]
    fn check(&self, user: u64, key: &str, expected: Option<Value>) {
        assert_eq!(self.seen(user, key), expected, "user {user} sees {key}");
        assert_eq!(Oracle::of(&self.elements).element(user, key), expected, "the oracle for user {user} and {key}");
    }

    #[track_caller]
    fn check_whole(&self, user: u64, key: &str) {
        self.check(user, key, self.elements.get(key).cloned());
    }

    #[track_caller]
    fn check_hidden(&self, user: u64, key: &str) {
        self.check(user, key, None);
    }

    /// The element without these fields.
    fn without(&self, key: &str, fields: &[&str]) -> Option<Value> {
        let mut element = self.elements[key].clone();
        element.as_object_mut().expect("an object").retain(|field, _| !fields.contains(&field.as_str()));
        Some(element)
    }

    /// Just these permissions, each alone, let the delegate see the element (beside those that are `given`).
    #[track_caller]
    fn check_opened_by(&self, key: &str, given: &[&str], opening: &[&str]) {
        for permission in Permission::ALL.map(Permission::name) {
            let scene = self.clone().delegates_may(&[given, &[permission]].concat());
            let is_open = opening.contains(&permission);
            assert_eq!(scene.seen(DELEGATE, key).is_some(), is_open, "{key} with {given:?} and {permission}");
        }
    }
}

fn meeting(elements: &Elements) -> Meeting {
    Meeting::load(snapshot(elements, LOWEST), None).meeting
}

fn viewer(meeting: &Meeting, user: u64) -> Viewer {
    Viewer::resolve(meeting, (user != 0).then_some(UserId(user)))
}

fn seen(meeting: &Meeting, user: u64, key: ElementKey) -> Option<Value> {
    seen_text(meeting, &viewer(meeting, user), key).map(|text| serde_json::from_str(&text).expect("JSON"))
}

fn seen_text(meeting: &Meeting, viewer: &Viewer, key: ElementKey) -> Option<String> {
    let view = view_in(meeting, viewer, key);
    let mut text = String::new();
    if let Some(element) = meeting.get(key) {
        view.render(element, &mut text);
    }
    assert_eq!(text.is_empty(), view.is_hidden(), "{key}");
    (!text.is_empty()).then_some(text)
}
