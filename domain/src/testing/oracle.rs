//! What does a user see, according to the specification read literally? Slow, simple, and independent of the fast path.
//!
//! Everything is a [`Value`]; nothing is cached or derived except the required users. Where the specification leaves
//! something open, comments say how it is interpreted here.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

pub use soundness::{id_of_key, is_sound};

mod required;
mod soundness;

/// A meeting, or what somebody sees of it: element key to element.
pub type Elements = BTreeMap<String, Value>;

/// A meeting, with its required users.
#[derive(Debug)]
pub struct Oracle<'a> {
    elements: &'a Elements,
    required: BTreeSet<(i64, &'static str)>,
}

/// The viewer.
#[derive(Debug)]
struct Who {
    /// 0 is anonymous.
    user: i64,
    groups: Vec<i64>,
    permissions: BTreeSet<String>,
    delegated_from: Vec<i64>,
}

/// What `user` sees (spec: stream.md#difference); user 0 is anonymous.
#[must_use]
pub fn view(elements: &Elements, user: u64) -> Elements {
    Oracle::of(elements).view(user)
}

impl<'a> Oracle<'a> {
    /// Creates the oracle of a meeting with these elements.
    #[must_use]
    pub fn of(elements: &'a Elements) -> Self {
        Self { elements, required: required::required_users(elements) }
    }

    /// Everything that the user may see; user 0 is anonymous.
    #[must_use]
    pub fn view(&self, user: u64) -> Elements {
        let who = self.who(user);
        let visible =
            self.elements.iter().filter_map(|(key, element)| Some((key.clone(), self.see(&who, key, element)?)));
        visible.collect()
    }

    /// One element as the user may see it.
    #[must_use]
    pub fn element(&self, user: u64, key: &str) -> Option<Value> {
        self.see(&self.who(user), key, self.elements.get(key)?)
    }

    /// Returns the required users of the meeting, each with the permission that makes them visible.
    #[must_use]
    pub fn required(&self) -> &BTreeSet<(i64, &'static str)> {
        &self.required
    }

    fn who(&self, user: u64) -> Who {
        let user = i64::try_from(user).expect("the ids of the tests are small");
        let mut who = Who { user, groups: vec![1], permissions: BTreeSet::new(), delegated_from: Vec::new() };
        if user != 0 {
            // An unreadable user counts as one that does not exist: no groups at all.
            who.groups = Vec::new();
            let key = format!("users/user:{user}");
            if let Some(element) = self.elements.get(&key).filter(|element| is_sound(&key, element)) {
                who.groups = integers(element, "groups_id");
                if who.groups.is_empty() {
                    who.groups = vec![1];
                }
                who.delegated_from = integers(element, "vote_delegated_from_users_id");
            }
        }
        for group in &who.groups {
            let key = format!("users/group:{group}");
            if let Some(element) = self.elements.get(&key).filter(|element| is_sound(&key, element)) {
                who.permissions.extend(strings(element, "permissions"));
            }
        }
        who
    }

    /// Returns the element with the configuration value `name`; of several, the one with the lowest id.
    #[must_use]
    pub fn configuration(&self, name: &str) -> Option<(&'a String, &'a Value)> {
        let all = self.elements.iter().filter(|(key, element)| {
            key.starts_with("core/config:") && is_sound(key, element) && element["key"] == *name
        });
        all.min_by_key(|(key, _)| id_of_key(key))
    }

    fn configuration_is_true(&self, name: &str) -> bool {
        self.configuration(name).is_some_and(|(_, element)| element["value"] == true)
    }

    /// Returns the user that a session of `user` is served as (spec: auth.md#missing-user, auth.md#anonymous); `None`
    /// if it is refused. User 0 is anonymous.
    #[must_use]
    pub fn served_as(&self, user: u64) -> Option<u64> {
        let key = format!("users/user:{user}");
        match self.elements.get(&key) {
            Some(element) => (is_sound(&key, element) && element["is_active"] != false).then_some(user),
            None => self.configuration_is_true("general_system_enable_anonymous").then_some(0),
        }
    }

    fn see(&self, who: &Who, key: &str, element: &Value) -> Option<Value> {
        if !is_sound(key, element) {
            return None;
        }
        let (collection, _) = key.split_once(':')?;
        let whole_if = |visible: bool| visible.then(|| element.clone());
        match collection {
            "core/config" | "core/tag" | "users/group" => whole_if(true),
            "core/projector" | "core/projection-default" | "core/projector-message" | "core/countdown" => {
                whole_if(who.has("core.can_see_projector"))
            }
            "topics/topic" => whole_if(who.has("agenda.can_see")),
            "motions/category" | "motions/statute-paragraph" | "motions/workflow" | "motions/state" => {
                whole_if(who.has("motions.can_see"))
            }
            "assignments/assignment" => whole_if(who.has("assignments.can_see")),
            "agenda/item" => agenda_item(who, element),
            "agenda/list-of-speakers" => self.list_of_speakers(who, element),
            "motions/motion" => motion(who, element),
            "motions/motion-block" | "motions/motion-change-recommendation" => {
                whole_if(who.has("motions.can_see") && (who.has("motions.can_manage") || !boolean(element, "internal")))
            }
            "motions/motion-comment-section" => whole_if(
                who.has("motions.can_see")
                    && (who.has("motions.can_manage") || who.is_in(&integers(element, "read_groups_id"))),
            ),
            "motions/motion-poll" => poll(who, element, "motions.can_see", "motions.can_manage_polls", &[]),
            "assignments/assignment-poll" => {
                let global = ["amount_global_yes", "amount_global_no", "amount_global_abstain"];
                poll(who, element, "assignments.can_see", "assignments.can_manage", &global)
            }
            "motions/motion-option" => option(who, element, "motions.can_see", "motions.can_manage_polls"),
            "assignments/assignment-option" => option(who, element, "assignments.can_see", "assignments.can_manage"),
            "motions/motion-vote" => vote(who, element, "motions.can_see", "motions.can_manage_polls"),
            "assignments/assignment-vote" => vote(who, element, "assignments.can_see", "assignments.can_manage"),
            "mediafiles/mediafile" => whole_if(
                who.has("mediafiles.can_see")
                    && (who.is_superadmin()
                        || match &element["inherited_access_groups_id"] {
                            Value::Bool(everybody) => *everybody,
                            Value::Array(_) => who.is_in(&integers(element, "inherited_access_groups_id")),
                            _ => false,
                        }),
            ),
            "chat/chat-group" | "chat/chat-message" => whole_if(
                who.has("chat.can_manage")
                    || who.is_in(&integers(element, "read_groups_id"))
                    || who.is_in(&integers(element, "write_groups_id")),
            ),
            "users/user" => self.user(who, element),
            "users/personal-note" => whole_if(who.is(&element["user_id"])),
            _ => None,
        }
    }

    fn list_of_speakers(&self, who: &Who, element: &Value) -> Option<Value> {
        if !who.has("agenda.can_see_list_of_speakers") {
            return None;
        }
        let mut seen = element.clone();
        if !self.configuration_is_true("agenda_list_of_speakers_speaker_note_for_everyone")
            && !who.has("agenda.can_manage_list_of_speakers")
        {
            for speaker in seen.get_mut("speakers").and_then(Value::as_array_mut).into_iter().flatten() {
                if !who.is(&speaker["user_id"]) {
                    remove(speaker, &["note"]);
                }
            }
        }
        Some(seen)
    }

    fn user(&self, who: &Who, element: &Value) -> Option<Value> {
        let little = "id username title first_name last_name structure_level number about_me groups_id is_present \
                      is_committee vote_weight gender";
        let own = format!("{little} email vote_delegated_to_id vote_delegated_from_users_id");
        let many = format!(
            "{little} email last_email_send comment is_active auth_type vote_delegated_to_id \
             vote_delegated_from_users_id"
        );
        let all = format!("{many} default_password");
        let id = element["id"].as_i64()?;
        let is_own = who.user != 0 && who.user == id;
        let required = || self.required.iter().any(|(user, permission)| *user == id && who.has(permission));
        let fields: &str = if who.has("users.can_see_name") {
            match (who.has("users.can_see_extra_data"), who.has("users.can_manage")) {
                (true, true) => &all,
                (true, false) => &many,
                (false, _) if is_own => &own,
                (false, _) => little,
            }
        } else if is_own {
            &own
        } else if who.user != 0 && who.delegated_from.contains(&id) || required() {
            little
        } else {
            return None;
        };
        Some(fields.split_whitespace().map(|field| (field.to_owned(), element[field].clone())).collect())
    }
}

impl Who {
    fn is_superadmin(&self) -> bool {
        self.user != 0 && self.groups.contains(&2)
    }

    fn has(&self, permission: &str) -> bool {
        self.is_superadmin() || self.permissions.contains(permission)
    }

    fn is_in(&self, groups: &[i64]) -> bool {
        self.is_superadmin() || groups.iter().any(|group| self.groups.contains(group))
    }

    /// Compares a field with the user. Anonymous never matches, and neither does null.
    fn is(&self, user_id: &Value) -> bool {
        self.user != 0 && user_id.as_i64() == Some(self.user)
    }
}

fn agenda_item(who: &Who, element: &Value) -> Option<Value> {
    let manages = who.has("agenda.can_manage");
    let sees_internal = who.has("agenda.can_see_internal_items");
    if !who.has("agenda.can_see")
        || boolean(element, "is_hidden") && !manages
        || boolean(element, "is_internal") && !sees_internal
    {
        return None;
    }
    let mut seen = element.clone();
    if !sees_internal {
        remove(&mut seen, &["duration"]);
    }
    if !manages {
        remove(&mut seen, &["comment"]);
    }
    Some(seen)
}

fn motion(who: &Who, element: &Value) -> Option<Value> {
    if !who.has("motions.can_see") {
        return None;
    }
    let restriction = strings(element, "state_restriction");
    let is_open = who.has("motions.can_manage")
        || restriction.is_empty()
        || restriction.iter().any(|name| match name.as_str() {
            "motions.can_see_internal" | "motions.can_manage_metadata" | "motions.can_manage" => who.has(name),
            "is_submitter" => list(element, "submitters").iter().any(|submitter| who.is(&submitter["user_id"])),
            _ => false,
        });
    if !is_open {
        return None;
    }
    let mut seen = element.clone();
    let comments = list(element, "comments");
    let kept = comments.iter().filter(|comment| who.is_in(&integers(comment, "read_groups_id")));
    seen["comments"] = kept.cloned().collect();
    Some(seen)
}

fn poll(who: &Who, element: &Value, see: &str, manage: &str, also_withheld: &[&str]) -> Option<Value> {
    if !who.has(see) {
        return None;
    }
    let manages = who.has(manage);
    let state = element["state"].as_i64();
    let mut voted = integers(element, "voted_id");
    let mut seen = element.clone();
    // 1
    if who.user != 0 {
        seen["user_has_voted"] = json!(voted.contains(&who.user));
        let for_delegations: Vec<_> = who.delegated_from.iter().filter(|user| voted.contains(user)).collect();
        seen["user_has_voted_for_delegations"] = json!(for_delegations);
    }
    voted.sort_unstable();
    seen["voted_id"] = json!(voted);
    // 2
    if state != Some(3) && state != Some(4) {
        seen["votescast"] = json!(voted.len());
        remove(&mut seen, &["voted_id", "votesvalid", "votesinvalid"]);
    }
    // 3
    if !manages && state != Some(4) {
        remove(&mut seen, &["votesvalid", "votesinvalid", "voted_id"]);
        remove(&mut seen, also_withheld);
    }
    // 4
    if !manages && !who.has("agenda.can_manage_list_of_speakers") && state != Some(4) {
        remove(&mut seen, &["votescast"]);
    }
    Some(seen)
}

fn option(who: &Who, element: &Value, see: &str, manage: &str) -> Option<Value> {
    if !who.has(see) {
        return None;
    }
    let mut seen = element.clone();
    if !who.has(manage) && element["pollstate"].as_i64() != Some(4) {
        remove(&mut seen, &["yes", "no", "abstain"]);
    }
    Some(seen)
}

fn vote(who: &Who, element: &Value, see: &str, manage: &str) -> Option<Value> {
    if !who.has(see) {
        return None;
    }
    let mut seen = element.clone();
    let state = element["pollstate"].as_i64();
    if state == Some(4) {
        return Some(seen);
    }
    if !(who.has(manage) && state == Some(3)) {
        remove(&mut seen, &["user_token"]);
    }
    let is_visible = who.has(manage) || who.is(&element["user_id"]) || who.is(&element["delegated_user_id"]);
    is_visible.then_some(seen)
}

fn remove(element: &mut Value, fields: &[&str]) {
    let no_object = &mut Map::new();
    let object = element.as_object_mut().unwrap_or(no_object);
    object.retain(|field, _| !fields.contains(&field.as_str()));
}

fn boolean(element: &Value, field: &str) -> bool {
    element[field] == true
}

fn list(element: &Value, field: &str) -> Vec<Value> {
    element[field].as_array().cloned().unwrap_or_default()
}

fn integers(element: &Value, field: &str) -> Vec<i64> {
    list(element, field).iter().filter_map(Value::as_i64).collect()
}

fn strings(element: &Value, field: &str) -> Vec<String> {
    list(element, field).iter().filter_map(Value::as_str).map(str::to_owned).collect()
}
