//! What is one model instance of the meeting: its text, and the facts the rules read from it.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::facts::Facts;
use crate::ids::ElementKey;
use crate::json::{Fields, wire_form};
use crate::restriction::view::View;

/// One element of the meeting: never changed, shared by every version of the meeting that has it.
#[derive(Debug)]
pub struct Element {
    key: ElementKey,
    /// In wire form (see [`crate::json`]); `null` if the text that came was not this element at all.
    json: Box<str>,
    facts: Facts,
    /// How it looks in the views that were asked for; most elements are only ever seen whole.
    rendered: OnceLock<Box<Mutex<Rendered>>>,
}

/// Views of an element with their text.
type Rendered = Vec<(View, Arc<str>)>;

/// How many views of an element are kept rendered; what is asked for beyond that is rendered each time.
const RENDERED_VIEWS_MAX: usize = 8;

/// An element as it was read, and what was wrong with it.
#[derive(Debug)]
pub struct ReadElement {
    /// The element; one that cannot be read is there, but hidden from everybody.
    pub element: Arc<Element>,
    /// Why it is hidden from everybody, for the log; names fields, never values.
    pub problem: Option<String>,
}

impl Element {
    /// Reads the element `key` from its JSON text.
    ///
    /// Never fails: an element that cannot be read exists, but nobody may see it (spec: restriction.md, Terms).
    #[must_use]
    pub fn read(key: ElementKey, text: &[u8]) -> ReadElement {
        match Self::try_read(key, text) {
            Ok(element) => ReadElement { element: Arc::new(element), problem: None },
            Err((json, problem)) => ReadElement {
                element: Arc::new(Self {
                    key,
                    json: json.unwrap_or_else(|| "null".into()),
                    facts: Facts::Unreadable,
                    rendered: OnceLock::new(),
                }),
                problem: Some(problem),
            },
        }
    }

    fn try_read(key: ElementKey, text: &[u8]) -> Result<Self, (Option<Box<str>>, String)> {
        let json = wire_form(text)
            .map_err(|error| {
                (None, format!("is not JSON ({:?} error at column {})", error.classify(), error.column()))
            })?
            .into_boxed_str();
        let Some(fields) = Fields::of(&json) else {
            return Err((Some(json), "is not a JSON object".to_owned()));
        };
        // What has another id than its key says is not this element: nothing of it counts for anything.
        if fields.integer("id").ok().flatten().and_then(|id| u64::try_from(id).ok()) != Some(key.id.0) {
            return Err((None, "field `id` is not the id in the key".to_owned()));
        }
        match Facts::read(key, &fields) {
            Ok(facts) => Ok(Self { key, json, facts, rendered: OnceLock::new() }),
            Err(problem) => Err((Some(json), problem.to_string())),
        }
    }

    /// What names the element.
    #[must_use]
    pub fn key(&self) -> ElementKey {
        self.key
    }

    /// The whole element, unrestricted, as compact ASCII JSON; `null` if it cannot be read.
    #[must_use]
    pub fn json(&self) -> &str {
        &self.json
    }

    /// What the rules read from it.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Appends the JSON text of the element as `view` shows it; nothing if it is hidden.
    ///
    /// Rendered once for every view, whoever asks, and kept with the element.
    pub(crate) fn push_view(&self, view: &View, out: &mut String) {
        match view {
            View::Hidden => return,
            View::Whole => return out.push_str(&self.json),
            _ => {}
        }
        let rendered = self.rendered.get_or_init(Box::default);
        let known = |views: &[(View, Arc<str>)]| {
            views.iter().find(|(known, _)| known == view).map(|(_, text)| Arc::clone(text))
        };
        let text = known(&rendered.lock().unwrap_or_else(PoisonError::into_inner));
        let text = text.unwrap_or_else(|| {
            let mut text = String::new();
            view.render(self, &mut text);
            let text: Arc<str> = text.into();
            let mut views = rendered.lock().unwrap_or_else(PoisonError::into_inner);
            if views.len() < RENDERED_VIEWS_MAX && known(&views).is_none() {
                views.push((view.clone(), Arc::clone(&text)));
            }
            text
        });
        out.push_str(&text);
    }

    /// Is it hidden from everybody because it could not be read?
    #[must_use]
    pub fn is_unreadable(&self) -> bool {
        matches!(self.facts, Facts::Unreadable)
    }
}
