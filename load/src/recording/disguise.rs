//! What is left of an element in a recording? Its structure: all texts are replaced, unless they are known to be
//! nobody's words.

use domain::collection::Collection;
use serde_json::{Map, Value};

use super::shape::{is_kept, is_word};
use super::text::{Secret, choice, digits_instead_of, instead_of};
use crate::error::LoadError;

/// The longest name of a field that is kept.
const NAME_LENGTH_MAX: usize = 64;

/// The ways in which a ballot can be filled in.
const BALLOTS: [&str; 3] = ["Y", "N", "A"];

/// Replaces texts. The same text is replaced in the same way within one recording.
pub struct Disguise(Secret);

impl Disguise {
    /// Creates a disguise that no other recording has.
    ///
    /// # Errors
    /// Returns an error if the system gives no random numbers.
    pub fn new() -> Result<Self, LoadError> {
        let mut secret = Secret::default();
        let failed = |error: getrandom::Error| LoadError::Usage(format!("no random numbers: {error}"));
        getrandom::fill(&mut secret).map_err(failed)?;
        Ok(Self(secret))
    }

    /// Returns the key of an element, which is kept if it is one.
    #[must_use]
    pub fn key(&self, key: &str) -> String {
        let is_key = |(collection, id): (&str, &str)| {
            Collection::from_name(collection).is_some()
                && !id.is_empty()
                && id.bytes().all(|byte| byte.is_ascii_digit())
        };
        if key.split_once(':').is_some_and(is_key) { key.to_owned() } else { instead_of(&self.0, key) }
    }

    /// Replaces all texts in the element with this key.
    #[must_use]
    pub fn element(&self, key: &str, element: Value) -> Value {
        let collection = key.split_once(':').and_then(|(name, _)| Collection::from_name(name));
        let Value::Object(mut fields) = element else { return self.value(collection, "", "", element) };
        let choice = config_choice(collection, &fields);
        let mut out = Map::new();
        for (name, value) in std::mem::take(&mut fields) {
            let replaced = match (collection, name.as_str(), &value) {
                (Some(Collection::Config), "value", Value::String(_)) if choice.as_ref() == Some(&value) => value,
                (Some(Collection::AssignmentVote | Collection::MotionVote), "value", Value::String(_)) => {
                    choice_of(&self.0, key)
                }
                (Some(Collection::User), "session_auth_hash", Value::String(hash)) => {
                    Value::String(digits_instead_of(&self.0, hash))
                }
                _ => self.value(collection, &name, &name, value),
            };
            out.insert(self.name(&name), replaced);
        }
        Value::Object(out)
    }

    fn value(&self, collection: Option<Collection>, outer: &str, field: &str, value: Value) -> Value {
        match value {
            Value::String(text) => {
                let is_kept = collection.is_some_and(|collection| is_kept(collection, outer, field, &text));
                Value::String(if is_kept { text } else { instead_of(&self.0, &text) })
            }
            Value::Array(values) => {
                Value::Array(values.into_iter().map(|value| self.value(collection, outer, field, value)).collect())
            }
            Value::Object(fields) => {
                let fields = fields.into_iter();
                let replaced = fields.map(|(name, value)| {
                    let value = self.value(collection, outer, &name, value);
                    (self.name(&name), value)
                });
                Value::Object(replaced.collect())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => value,
        }
    }

    /// Returns the name of a field, which is kept if it looks like one.
    fn name(&self, name: &str) -> String {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_-/:".contains(&byte);
        if name.len() <= NAME_LENGTH_MAX && name.bytes().all(is_name) {
            name.to_owned()
        } else {
            instead_of(&self.0, name)
        }
    }
}

/// Returns what a configuration is set to, if that is one of the choices that the server offers.
fn config_choice(collection: Option<Collection>, fields: &Map<String, Value>) -> Option<Value> {
    let (Some(Collection::Config), Some(value)) = (collection, fields.get("value")) else { return None };
    let data = fields.get("data")?;
    let is_choice = data.get("inputType").and_then(Value::as_str) == Some("choice");
    let mut choices = data.get("choices")?.as_array()?.iter();
    let is_offered = choices.any(|choice| choice.get("value") == Some(value));
    (is_choice && is_offered && value.as_str().is_some_and(is_word)).then(|| value.clone())
}

/// Returns a ballot that says nothing about how somebody voted.
fn choice_of(secret: &Secret, key: &str) -> Value {
    Value::String(choice(secret, key, &BALLOTS).to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use domain::testing::oracle::Oracle;
    use serde_json::json;

    use super::*;

    const DISGUISE: Disguise = Disguise([7; 32]);

    fn meeting() -> BTreeMap<String, Value> {
        serde_json::from_str(include_str!("../../../fixtures/meeting.json")).expect("a meeting")
    }

    /// Calls a function with every text, and the field that it is in.
    fn for_each_text(value: &Value, field: &str, each: &mut impl FnMut(&str, &str)) {
        match value {
            Value::String(text) => each(field, text),
            Value::Array(values) => values.iter().for_each(|value| for_each_text(value, field, each)),
            Value::Object(fields) => fields.iter().for_each(|(name, value)| for_each_text(value, name, each)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Returns the element with every text replaced by one that somebody wrote.
    fn with_secrets(value: Value) -> Value {
        match value {
            Value::String(_) => json!("Geheimnis von Ada"),
            Value::Array(values) => Value::Array(values.into_iter().map(with_secrets).collect()),
            Value::Object(fields) => {
                Value::Object(fields.into_iter().map(|(name, value)| (name, with_secrets(value))).collect())
            }
            other => other,
        }
    }

    #[test]
    fn no_text_that_somebody_wrote_is_left_in_any_field() {
        for (key, element) in meeting() {
            let text = DISGUISE.element(&key, with_secrets(element)).to_string();
            assert!(!text.contains("Geheim") && !text.contains("Ada"), "{key}: {text}");
        }
        // Not in an unknown collection either, nor where no object is expected.
        for (key, element) in [("plugin/thing:1", json!({"type": "Ada"})), ("core/tag:1", json!(["Ada"]))] {
            assert!(!DISGUISE.element(key, element).to_string().contains("Ada"));
        }
        assert!(!DISGUISE.key("Ada:1").contains("Ada"));
        assert!(!DISGUISE.element("core/tag:1", json!({"Ada Lovelace": 1})).to_string().contains("Ada"));
    }

    #[test]
    fn the_fields_whose_texts_stay_are_these() {
        let mut kept = BTreeSet::new();
        for (key, element) in meeting() {
            let mut before = Vec::new();
            for_each_text(&element, "", &mut |field, text| before.push((field.to_owned(), text.to_owned())));
            let mut after = Vec::new();
            for_each_text(&DISGUISE.element(&key, element), "", &mut |field, text| {
                after.push((field.to_owned(), text.to_owned()));
            });
            assert_eq!(before.len(), after.len(), "{key}");
            let same = before.into_iter().zip(after).filter(|(before, after)| before == after && !before.1.is_empty());
            kept.extend(same.map(|((field, _), _)| field).filter(|field| field != "value"));
        }
        let expected = [
            "abstain",
            "amount_global_abstain",
            "amount_global_no",
            "auth_type",
            "background_color",
            "begin_time",
            "chyron_background_color",
            "chyron_font_color",
            "collection",
            "color",
            "create_timestamp",
            "created",
            "creation_time",
            "css_class",
            "end_time",
            "header_background_color",
            "header_font_color",
            "header_h1_color",
            "key",
            "last_modified",
            "majority_method",
            "mimetype",
            "mode",
            "name",
            "no",
            "onehundred_percent_base",
            "permissions",
            "pollmethod",
            "restriction",
            "state_restriction",
            "timestamp",
            "type",
            "vote_weight",
            "votescast",
            "votesinvalid",
            "votesvalid",
            "weight",
            "yes",
        ];
        assert_eq!(kept, expected.iter().map(|field| (*field).to_owned()).collect());
    }

    /// Rules and required users read a disguised meeting as they read the meeting: a fault of theirs is still there.
    #[test]
    fn everybody_sees_the_same_elements_and_fields_of_a_disguised_meeting() {
        let before = meeting();
        let disguised = before.iter().map(|(key, element)| (key.clone(), DISGUISE.element(key, element.clone())));
        let after: BTreeMap<String, Value> = disguised.collect();
        let (before_oracle, after_oracle) = (Oracle::of(&before), Oracle::of(&after));
        let users = before.keys().filter_map(|key| key.strip_prefix("users/user:")?.parse().ok());
        for user in users.chain([0]) {
            let fields = |oracle: &Oracle<'_>| -> BTreeMap<String, Vec<String>> {
                let names = |element: &Value| element.as_object().map(|fields| fields.keys().cloned().collect());
                oracle.view(user).iter().filter_map(|(key, element)| Some((key.clone(), names(element)?))).collect()
            };
            assert_eq!(fields(&before_oracle), fields(&after_oracle), "user {user}");
        }
    }

    #[test]
    fn numbers_flags_and_structure_stay() {
        let element = json!({"id": 5, "is_active": true, "groups_id": [2, 3], "vote_delegated_to_id": null,
            "username": "ada", "session_auth_hash": "00ff", "vote_weight": "1.500000"});
        let after = DISGUISE.element("users/user:5", element.clone());
        for field in ["id", "is_active", "groups_id", "vote_delegated_to_id", "vote_weight"] {
            assert_eq!(after[field], element[field], "{field}");
        }
        for field in ["username", "session_auth_hash"] {
            assert_ne!(after[field], element[field], "{field}");
        }
        assert_eq!(DISGUISE.key("users/user:5"), "users/user:5");
    }

    #[test]
    fn configurations_keep_what_was_chosen_but_not_what_was_written() {
        let config = |input: &str, value: &str| {
            let data = json!({"inputType": input, "choices": [{"value": "named", "display_name": "Named"}]});
            DISGUISE.element("core/config:1", json!({"id": 1, "key": "a_key", "value": value, "data": data}))["value"]
                .clone()
        };
        assert_eq!(config("choice", "named"), "named");
        assert_ne!(config("choice", "other"), "other");
        assert_ne!(config("string", "named"), "named");
    }

    #[test]
    fn how_somebody_voted_is_not_kept() {
        let vote = |id: u64, value: &str| {
            DISGUISE.element(&format!("motions/motion-vote:{id}"), json!({"id": id, "value": value}))["value"].clone()
        };
        let after: BTreeSet<String> = (1..40).map(|id| vote(id, "Y").to_string()).collect();
        assert_eq!(after.len(), BALLOTS.len());
        assert_eq!(vote(1, "Y"), vote(1, "N"));
    }
}
