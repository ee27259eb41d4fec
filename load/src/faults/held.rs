//! What does a client hold after the lines it received? All of it, as it was sent.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

/// The name of an element: its collection and its id.
pub(super) type Name = (Arc<str>, u64);

/// Every text of an element that was ever sent, once for all clients: a thousand clients hold little more than one.
///
/// It grows with what is written while one fault is tried, which is bounded in rate and time.
#[derive(Debug, Default)]
pub(super) struct Texts(HashMap<Arc<str>, HashMap<Arc<str>, u64>>);

/// What one client holds.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// The change id up to which it has everything; 0: it has nothing.
    pub(super) change_id: u64,
    elements: HashMap<Name, Arc<str>>,
}

/// What a line did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// It was the first of this client.
    First,
    /// It replaced everything that the client already had.
    Everything,
    /// It said how one state differs from the next.
    Difference,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    #[serde(borrow)]
    changed: HashMap<&'a str, Vec<&'a RawValue>>,
    #[serde(borrow)]
    deleted: HashMap<&'a str, Vec<u64>>,
    from_change_id: u64,
    to_change_id: u64,
    all_data: bool,
}

#[derive(Deserialize)]
struct Identified {
    id: u64,
}

impl Texts {
    fn collection(&mut self, name: &str) -> Arc<str> {
        if let Some((known, _)) = self.0.get_key_value(name) {
            return Arc::clone(known);
        }
        let name: Arc<str> = name.into();
        self.0.insert(Arc::clone(&name), HashMap::new());
        name
    }

    fn element(&mut self, collection: &Arc<str>, text: &str) -> Result<(Name, Arc<str>), String> {
        let texts = self.0.entry(Arc::clone(collection)).or_default();
        if let Some((known, id)) = texts.get_key_value(text) {
            return Ok(((Arc::clone(collection), *id), Arc::clone(known)));
        }
        let element: Identified =
            serde_json::from_str(text).map_err(|error| format!("an element of {collection}: {error}"))?;
        let text: Arc<str> = text.into();
        texts.insert(Arc::clone(&text), element.id);
        Ok(((Arc::clone(collection), element.id), text))
    }
}

impl Held {
    /// Applies a line as the web client does.
    ///
    /// # Errors
    /// Returns what is wrong with it (spec: stream.md#joining). Such a line changes nothing.
    pub(super) fn apply(&mut self, text: &[u8], texts: &mut Texts) -> Result<Effect, String> {
        if !text.is_ascii() {
            return Err("a line is not pure ASCII".to_owned());
        }
        let line: Line<'_> = serde_json::from_slice(text).map_err(|error| format!("not a line: {error}"))?;
        let (from, to, has) = (line.from_change_id, line.to_change_id, self.change_id);
        if from != has {
            return Err(format!("a line from {from} to {to} for a client at {has}"));
        }
        if line.all_data && !line.deleted.is_empty() {
            return Err(format!("a line to {to} deletes something, although it contains everything"));
        }
        if !line.all_data && to < from {
            return Err(format!("a line goes back from {from} to {to}"));
        }
        let mut changed = Vec::new();
        for (collection, elements) in &line.changed {
            let collection = texts.collection(collection);
            for element in elements {
                changed.push(texts.element(&collection, element.get())?);
            }
        }
        if line.all_data {
            self.elements.clear();
        }
        for (collection, ids) in &line.deleted {
            let collection = texts.collection(collection);
            for id in ids {
                self.elements.remove(&(Arc::clone(&collection), *id));
            }
        }
        self.elements.extend(changed);
        self.change_id = to;
        Ok(match (line.all_data, has) {
            (true, 0) => Effect::First,
            (true, _) => Effect::Everything,
            (false, _) => Effect::Difference,
        })
    }

    /// Returns how this differs from what `fresh` holds; `None` if it does not.
    pub(super) fn differs_from(&self, fresh: &Self) -> Option<String> {
        let name = |(collection, id): &Name| format!("{collection}:{id}");
        if self.change_id != fresh.change_id {
            return Some(format!("is at {}, a new client at {}", self.change_id, fresh.change_id));
        }
        let mut wrong: Vec<String> = Vec::new();
        for (key, text) in &self.elements {
            match fresh.elements.get(key) {
                None => wrong.push(format!("has {}, which a new client has not", name(key))),
                Some(other) if other != text => wrong.push(format!("has another {} than a new client", name(key))),
                Some(_) => {}
            }
        }
        let lacks = fresh.elements.keys().filter(|key| !self.elements.contains_key(*key));
        wrong.extend(lacks.map(|key| format!("lacks {}", name(key))));
        wrong.sort();
        let more = wrong.len().saturating_sub(1);
        let first = wrong.into_iter().next()?;
        Some(if more == 0 { first } else { format!("{first}, and {more} more") })
    }

    /// Returns the elements of a collection, by id.
    pub(super) fn collection<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (u64, &'a str)> {
        let elements = self.elements.iter().filter(move |((collection, _), _)| &**collection == name);
        elements.map(|((_, id), text)| (*id, &**text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(from: u64, to: u64, all_data: bool, changed: &str, deleted: &str) -> String {
        format!(
            "{{\"changed\":{{{changed}}},\"deleted\":{{{deleted}}},\"from_change_id\":{from},\"to_change_id\":{to},\
             \"all_data\":{all_data}}}"
        )
    }

    const TWO: &str = "\"core/tag\":[{\"id\":1,\"name\":\"a\"},{\"id\":2,\"name\":\"b\"}]";

    /// (spec: stream.md#joining)
    #[test]
    fn lines_that_join_are_applied_and_others_complained_about() {
        let (mut texts, mut held) = (Texts::default(), Held::default());
        let mut apply = |text: String| held.apply(text.as_bytes(), &mut texts);
        assert_eq!(apply(line(0, 5, true, TWO, "")), Ok(Effect::First));
        assert_eq!(apply(line(5, 6, false, "", "\"core/tag\":[1]")), Ok(Effect::Difference));
        for (what, text) in [
            ("a gap", line(8, 9, false, "", "")),
            ("from its past", line(5, 9, false, "", "")),
            ("back", line(6, 5, false, "", "")),
            ("everything, and deletes", line(6, 7, true, "", "\"core/tag\":[1]")),
            ("no id", line(6, 7, false, "\"core/tag\":[{}]", "")),
            ("not ASCII", line(6, 7, false, "\"core/tag\":[{\"id\":1,\"name\":\"ä\"}]", "")),
            ("no line", "{\"error\":{}}".to_owned()),
        ] {
            assert!(apply(text).is_err(), "{what}");
        }
        assert_eq!(apply(line(6, 3, true, TWO, "")), Ok(Effect::Everything));
        assert_eq!((held.change_id, held.elements.len()), (3, 2));
    }

    #[test]
    fn every_difference_from_a_new_client_is_found() {
        let mut texts = Texts::default();
        let mut holding = |to: u64, changed: &str| {
            let mut held = Held::default();
            held.apply(line(0, to, true, changed, "").as_bytes(), &mut texts).expect("joins");
            held
        };
        let held = holding(5, TWO);
        assert_eq!(held.differs_from(&holding(5, TWO)), None);
        let one = "\"core/tag\":[{\"id\":1,\"name\":\"a\"}]";
        for (other, expected) in [
            (holding(6, TWO), "is at 5, a new client at 6"),
            (holding(5, one), "has core/tag:2, which a new client has not"),
            (holding(5, &TWO.replace("\"b\"", "\"c\"")), "has another core/tag:2 than a new client"),
            (holding(5, ""), "has core/tag:1, which a new client has not, and 1 more"),
        ] {
            assert_eq!(held.differs_from(&other).as_deref(), Some(expected));
        }
        assert_eq!(holding(5, one).differs_from(&held).as_deref(), Some("lacks core/tag:2"));
        assert_eq!(held.collection("core/tag").count(), 2);
    }
}
