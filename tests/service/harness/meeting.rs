//! What is in the meeting, and what changes it? The test plays the OpenSlides server, and knows what it wrote.

use adapters::django::DjangoSecret;
use adapters::redis::RedisAddress;
use adapters::testing::openslides::OpenSlides;
use domain::ids::ChangeId;
use domain::testing::oracle::{Elements, view};
use serde_json::{Value, json};

/// The lowest change id of the meeting.
pub(crate) const LOWEST: u64 = 338_000_000_000;

/// The secret that sessions are signed with.
pub(crate) const SECRET: &str = "a secret for tests alone";

/// The meeting that the project made up for its tests.
pub(crate) fn fixture() -> Elements {
    let text = include_str!("../../../fixtures/meeting.json");
    serde_json::from_str(text).expect("the fixture is JSON")
}

/// A meeting in Redis.
pub(crate) struct Meeting {
    /// Writes to Redis, for everything that is not an ordinary change.
    pub(crate) server: OpenSlides,
    /// The elements of the meeting.
    pub(crate) elements: Elements,
    markers: u64,
}

impl Meeting {
    /// Fills a Redis with the [`fixture`].
    pub(crate) async fn start(redis: &RedisAddress) -> Self {
        let mut meeting = Self::nowhere(redis);
        meeting.rebuild(LOWEST, fixture()).await;
        meeting
    }

    /// Creates a meeting that is not written yet.
    pub(crate) fn nowhere(redis: &RedisAddress) -> Self {
        Self { server: OpenSlides::new(redis), elements: Elements::new(), markers: 0 }
    }

    /// Rebuilds the cache with these elements.
    pub(crate) async fn rebuild(&mut self, lowest: u64, elements: Elements) {
        let texts: Vec<_> = elements.iter().map(|(key, element)| (key.as_str(), element.to_string())).collect();
        let texts: Vec<_> = texts.iter().map(|(key, text)| (*key, text.as_str())).collect();
        self.server.rebuild(ChangeId(lowest), &texts).await;
        self.elements = elements;
    }

    /// Changes elements (null deletes) and announces the change. Returns the change id.
    pub(crate) async fn change(&mut self, change: &[(&str, Value)]) -> u64 {
        let change_id = self.write(change).await;
        self.announce(change_id, change).await;
        change_id
    }

    /// Changes elements without announcing the change. Returns the change id.
    pub(crate) async fn write(&mut self, change: &[(&str, Value)]) -> u64 {
        let texts = texts(change);
        let change_id = self.server.write(&borrowed(&texts)).await;
        for (key, element) in change {
            if element.is_null() {
                self.elements.remove(*key);
            } else {
                self.elements.insert((*key).to_owned(), element.clone());
            }
        }
        change_id.0
    }

    /// Announces a change.
    pub(crate) async fn announce(&self, change_id: u64, change: &[(&str, Value)]) {
        self.server.announce(ChangeId(change_id), &borrowed(&texts(change))).await;
    }

    /// Changes something that everybody sees, so that everybody receives a change id. Returns the change id.
    pub(crate) async fn mark(&mut self) -> u64 {
        let mark = self.marker();
        self.change(&mark).await
    }

    /// The change that [`Meeting::mark`] makes.
    pub(crate) fn marker(&mut self) -> [(&'static str, Value); 1] {
        self.markers += 1;
        [("core/tag:999", json!({"id": 999, "name": format!("Marke № {}", self.markers)}))]
    }

    /// Returns an element with some of its fields changed.
    pub(crate) fn with(&self, key: &str, fields: Value) -> Value {
        let mut element = self.elements[key].clone();
        for (field, value) in fields.as_object().expect("fields") {
            element[field] = value.clone();
        }
        element
    }

    /// Returns the key of a configuration value.
    pub(crate) fn config_key(&self, name: &str) -> String {
        let found = self.elements.iter().find(|(_, element)| element["key"] == name);
        found.expect("configured").0.clone()
    }

    /// Returns a group, with its key, after `change` was applied to its permissions.
    pub(crate) fn group(&self, id: u64, change: impl FnOnce(&mut Vec<Value>)) -> (String, Value) {
        let key = format!("users/group:{id}");
        let mut group = self.elements[&key].clone();
        change(group["permissions"].as_array_mut().expect("permissions"));
        (key, group)
    }

    /// What the user may see according to the specification. 0 is anonymous.
    pub(crate) fn view(&self, user: u64) -> Elements {
        view(&self.elements, user)
    }

    /// Creates a session for the user, and returns its cookie.
    pub(crate) async fn log_in(&self, user: u64) -> String {
        let cookie = format!("session-of-{user}");
        let hash = &self.elements[&format!("users/user:{user}")]["session_auth_hash"];
        self.set_session(&cookie, &json!({"_auth_user_id": user.to_string(), "_auth_user_hash": hash})).await;
        cookie
    }

    /// Writes a correctly signed session.
    pub(crate) async fn set_session(&self, cookie: &str, session: &Value) {
        let value = DjangoSecret::new(SECRET).encode_session(&session.to_string());
        self.server.set(&format!("session:{cookie}"), value.as_bytes()).await;
    }

    /// Ends a session.
    pub(crate) async fn log_out(&self, cookie: &str) {
        self.server.delete(&format!("session:{cookie}")).await;
    }
}

fn texts<'a>(change: &[(&'a str, Value)]) -> Vec<(&'a str, Option<String>)> {
    change.iter().map(|(key, element)| (*key, (!element.is_null()).then(|| element.to_string()))).collect()
}

fn borrowed<'a>(texts: &'a [(&'a str, Option<String>)]) -> Vec<(&'a str, Option<&'a str>)> {
    texts.iter().map(|(key, text)| (*key, text.as_deref())).collect()
}
