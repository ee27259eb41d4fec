//! How is a meeting built, from a snapshot or from the previous version and a change?

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use imbl::OrdMap;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::block::{Block, BlockEntry, BlockKey};
use super::required_users::RequiredUsers;
use super::{Meeting, Step, Version};
use crate::collection::Collection;
use crate::element::Element;
use crate::element::rule_inputs::RuleInputs;
use crate::ids::{ChangeId, ElementKey, ElementKeyError, UserId};
use crate::permission::PermissionSet;
use crate::ports::element_store::{Bounds, RawElement, Snapshot};

/// How many replaced hashes are remembered per user; beyond that the oldest is forgotten, and a session with it would
/// be admitted again.
const REPLACED_HASHES_MAX: usize = 32;

/// Approximate number of bytes that an element takes besides its text.
const ELEMENT_BYTES: usize = 200;

/// Approximate number of bytes that a block takes besides its elements.
const BLOCK_BYTES: usize = 2_000;

/// What changed in one step: one change of the server, or several that were missed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The meeting's change id after this step.
    pub change_id: ChangeId,
    /// The elements that were written or deleted.
    pub elements: Vec<RawElement>,
}

/// A meeting, and what could not be read of it.
#[derive(Debug)]
pub struct Built {
    /// The meeting.
    pub meeting: Meeting,
    /// What is hidden from everybody or left out because it cannot be read; to be logged once.
    pub problems: Vec<Problem>,
}

/// Something that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The key as it came.
    pub key: String,
    /// What is wrong; names fields, never values.
    pub text: String,
}

/// Why an entry of the stream `autoupdate` is not a change (spec: redis.md#keys).
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// It is not JSON of the form that the server writes.
    #[error("not of the form {{\"elements\": {{…}}, \"change_id\": …}}: {0}")]
    Malformed(#[from] serde_json::Error),
    /// The value of an element is neither an object nor null.
    #[error("the value of an element is neither an object nor null")]
    NotAnObject,
}

impl Change {
    /// Reads the content of an entry of the stream `autoupdate`.
    ///
    /// # Errors
    /// The content is not what the server writes; the store must be asked for what changed.
    pub fn parse(content: &[u8]) -> Result<Self, ChangeError> {
        #[derive(Deserialize)]
        struct ChangeEntry<'a> {
            #[serde(borrow)]
            elements: BTreeMap<String, &'a RawValue>,
            change_id: ChangeId,
        }
        let entry: ChangeEntry<'_> = serde_json::from_slice(content)?;
        let elements = entry
            .elements
            .into_iter()
            .map(|(key, value)| {
                let json = match value.get() {
                    "null" => None,
                    // "and, to be safe, `{}`"
                    text if text.starts_with('{') && text[1..].trim_start() == "}" => None,
                    text if text.starts_with('{') => Some(text.as_bytes().to_vec()),
                    _ => return Err(ChangeError::NotAnObject),
                };
                Ok(RawElement { key: key.into_bytes(), json })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { change_id: entry.change_id, elements })
    }
}

impl Meeting {
    /// Builds the meeting from everything in the store. `before` is the version it replaces, if any; its clients are
    /// sent everything again (spec: stream.md#reset).
    #[must_use]
    pub fn load(snapshot: Snapshot, before: Option<&Self>) -> Built {
        let empty = Self {
            version: before.map_or(Version(0), |before| Version(before.version.0 + 1)),
            bounds: snapshot.bounds,
            blocks: OrdMap::new(),
            replaced_hashes: before.map(|before| before.replaced_hashes.clone()).unwrap_or_default(),
            configs: OrdMap::new(),
            required_users: RequiredUsers::default(),
            present_users: 0,
            text_bytes: 0,
            step: Arc::default(),
        };
        let mut built = empty.with(snapshot.elements);
        let meeting = &mut built.meeting;
        if let Some(before) = before {
            for user in before.elements(Collection::User) {
                if let Some(now) = meeting.get(user.key()).cloned() {
                    meeting.note_replaced_hash(user, &now);
                }
            }
        }
        meeting.step = Arc::new(Step { is_reset: true, ..Step::default() });
        built
    }

    /// Returns the meeting after a change.
    #[must_use]
    pub fn apply(&self, change: Change) -> Built {
        let next = Self {
            version: Version(self.version.0 + 1),
            bounds: Bounds { highest: change.change_id, ..self.bounds },
            ..self.clone()
        };
        next.with(change.elements)
    }

    fn with(mut self, raw_elements: Vec<RawElement>) -> Built {
        let mut problems = Vec::new();
        let mut written = BTreeMap::new();
        for raw in raw_elements {
            let text = String::from_utf8_lossy(&raw.key);
            let key: ElementKey = match text.parse() {
                Ok(key) => key,
                // Nobody may see it, so it counts as missing.
                Err(ElementKeyError::UnknownCollection) => continue,
                Err(error) => {
                    problems.push(Problem { key: text.into_owned(), text: error.to_string() });
                    continue;
                }
            };
            let element = raw.json.map(|json| {
                let read = Element::read(key, &json);
                problems.extend(read.problem.map(|text| Problem { key: key.to_string(), text }));
                read.element
            });
            written.insert(key, element);
        }

        let keys: Box<[ElementKey]> = written.keys().copied().collect();
        let mut required_changed = BTreeSet::new();
        let mut replaced_bytes = 0;
        for (key, element) in &mut written {
            let old = self.get(*key).cloned();
            // An equal element is kept, so that nothing is rendered or compared again for it.
            if let (Some(old), Some(new)) = (&old, &element)
                && old.json() == new.json()
            {
                *element = Some(Arc::clone(old));
                continue;
            }
            replaced_bytes += old.as_ref().map_or(0, |old| old.json().len() + ELEMENT_BYTES);
            self.text_bytes -= old.as_ref().map_or(0, |old| old.json().len());
            self.text_bytes += element.as_ref().map_or(0, |new| new.json().len());
            self.derive(old.as_deref(), element.as_deref(), &mut required_changed);
        }

        let required_changed = required_changed.into_iter().map(ElementKey::user);
        let required_changed: Vec<_> = required_changed
            .filter(|key| self.entry(*key).is_some_and(|entry| entry.required_by != self.required_by(*key)))
            .collect();
        let touched: BTreeSet<ElementKey> = keys.iter().copied().chain(required_changed).collect();
        self.rebuild_blocks(&touched, &mut written);
        self.step = Arc::new(Step {
            written: keys,
            replaced_bytes: replaced_bytes + touched.len() * BLOCK_BYTES,
            touched: touched.into_iter().collect(),
            is_reset: false,
        });
        Built { meeting: self, problems }
    }

    /// Updates what is derived from elements when one element changes.
    fn derive(&mut self, old: Option<&Element>, new: Option<&Element>, required_changed: &mut BTreeSet<UserId>) {
        if let (Some(old), Some(new)) = (old, new) {
            self.note_replaced_hash(old, new);
        }
        if let Some(old) = old {
            if let Some(requirement) = old.requirement() {
                self.required_users.remove(requirement);
                required_changed.extend(&requirement.users);
            }
            match derived(old.rule_inputs()) {
                Derived::Nothing => {}
                Derived::Presence => self.present_users -= 1,
                Derived::Config(name) => self.remove_config(name, old.key()),
            }
        }
        if let Some(new) = new {
            if let Some(requirement) = new.requirement() {
                self.required_users.add(requirement);
                required_changed.extend(&requirement.users);
            }
            match derived(new.rule_inputs()) {
                Derived::Nothing => {}
                Derived::Presence => self.present_users += 1,
                Derived::Config(name) => self.add_config(name, new.key()),
            }
        }
    }

    // Not just the last one: the meeting must not depend on the order in which its elements arrived.
    fn add_config(&mut self, name: &str, key: ElementKey) {
        let known = self.configs.get(name).into_iter().flatten().copied();
        let holders: BTreeSet<_> = known.chain([key]).collect();
        self.configs.insert(name.into(), holders.into_iter().collect());
    }

    fn remove_config(&mut self, name: &str, key: ElementKey) {
        let known = self.configs.get(name).into_iter().flatten().copied();
        let holders: Box<[_]> = known.filter(|holder| *holder != key).collect();
        if holders.is_empty() {
            self.configs.remove(name);
        } else {
            self.configs.insert(name.into(), holders);
        }
    }

    fn note_replaced_hash(&mut self, old: &Element, new: &Element) {
        let (RuleInputs::User(old), RuleInputs::User(new_facts)) = (old.rule_inputs(), new.rule_inputs()) else {
            return;
        };
        let (Some(old), Some(new_hash)) = (&old.session_auth_hash, &new_facts.session_auth_hash) else {
            return;
        };
        let user = UserId(new.key().id.0);
        if old == new_hash || self.replaced_hashes(user).contains(old) {
            return;
        }
        let known = self.replaced_hashes(user);
        let kept = &known[(known.len() + 1).saturating_sub(REPLACED_HASHES_MAX)..];
        let hashes = kept.iter().chain([old]).cloned().collect();
        self.replaced_hashes.insert(user, hashes);
    }

    fn required_by(&self, key: ElementKey) -> PermissionSet {
        // Only users can be required.
        if key.collection == Collection::User {
            self.required_users.required_by(UserId(key.id.0))
        } else {
            PermissionSet::EMPTY
        }
    }

    /// Replaces the blocks that hold a touched key. Elements that are not in `written` are kept.
    fn rebuild_blocks(
        &mut self,
        touched: &BTreeSet<ElementKey>,
        written: &mut BTreeMap<ElementKey, Option<Arc<Element>>>,
    ) {
        let mut touched = touched.iter().copied().peekable();
        while let Some(first) = touched.peek() {
            let block_key = BlockKey::of(*first);
            let old = self.blocks.get(&block_key);
            let mut entries: BTreeMap<ElementKey, BlockEntry> = old
                .into_iter()
                .flat_map(|block| block.entries())
                .map(|entry| (entry.element.key(), entry.clone()))
                .collect();
            while let Some(key) = touched.next_if(|key| BlockKey::of(*key) == block_key) {
                match written.remove(&key) {
                    Some(Some(element)) => {
                        let required_by = self.required_by(key);
                        entries.insert(key, BlockEntry { element, required_by });
                    }
                    Some(None) => {
                        entries.remove(&key);
                    }
                    None => {
                        let required_by = self.required_by(key);
                        if let Some(entry) = entries.get_mut(&key) {
                            entry.required_by = required_by;
                        }
                    }
                }
            }
            match Block::new(entries.into_values().collect()) {
                Some(block) => self.blocks.insert(block_key, Arc::new(block)),
                None => self.blocks.remove(&block_key),
            };
        }
    }
}

/// What the meeting derives from an element besides its block, and which users it requires.
enum Derived<'a> {
    Nothing,
    /// One more user is present.
    Presence,
    /// The element holds the configuration value of this name.
    Config(&'a str),
}

fn derived(inputs: &RuleInputs) -> Derived<'_> {
    match inputs {
        RuleInputs::User(user) if user.is_present => Derived::Presence,
        RuleInputs::Config { key: Some(key), .. } => Derived::Config(key),
        RuleInputs::User(_)
        | RuleInputs::Config { key: None, .. }
        | RuleInputs::Unreadable
        | RuleInputs::None
        | RuleInputs::AgendaItem { .. }
        | RuleInputs::ListOfSpeakers { .. }
        | RuleInputs::Motion(_)
        | RuleInputs::Internal { .. }
        | RuleInputs::CommentSection { .. }
        | RuleInputs::Mediafile(_)
        | RuleInputs::Poll { .. }
        | RuleInputs::Option { .. }
        | RuleInputs::Vote { .. }
        | RuleInputs::Chat { .. }
        | RuleInputs::PersonalNote { .. }
        | RuleInputs::Group { .. } => Derived::Nothing,
    }
}
