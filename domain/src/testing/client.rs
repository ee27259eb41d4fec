//! What does a web client have after the lines it received? Models that follow the client's own rules
//! (spec: stream.md#joining).

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::Deserialize;
use serde_json::Value;

use super::oracle::Elements;

/// A line of the autoupdate stream, read as the client reads it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Elements that the client must add or replace, by collection.
    pub changed: BTreeMap<String, Vec<Value>>,
    /// Ids that the client must drop, by collection.
    pub deleted: BTreeMap<String, Vec<u64>>,
    /// The change id that the line begins at.
    pub from_change_id: u64,
    /// The change id that the line leads to.
    pub to_change_id: u64,
    /// Whether the client first discards everything.
    pub all_data: bool,
}

/// What a client did with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// The line was applied.
    Taken,
    /// The line was skipped, because the client already has everything in it.
    Ignored,
}

/// A client that applies every line at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// The change id that it has applied, and reconnects with; 0: none.
    pub change_id: u64,
    /// The elements that it has.
    pub data: Elements,
}

impl Line {
    /// Parses a line, and checks its form (spec: stream.md#line, stream.md#all-data).
    ///
    /// # Errors
    /// A description of what is wrong.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        if !text.is_ascii() {
            return Err("a line is not pure ASCII".to_owned());
        }
        let line: Self = serde_json::from_slice(text).map_err(|error| format!("not a line: {error}"))?;
        if line.all_data && !line.deleted.is_empty() {
            return Err("`deleted` is not empty although `all_data` is true".to_owned());
        }
        if !line.all_data && line.from_change_id > line.to_change_id {
            return Err(format!("goes back from {} to {}", line.from_change_id, line.to_change_id));
        }
        for (collection, elements) in &line.changed {
            let ids: Option<Vec<u64>> = elements.iter().map(|element| element["id"].as_u64()).collect();
            let ids = ids.ok_or_else(|| format!("an element of {collection} has no id"))?;
            ascending(collection, &ids)?;
        }
        for (collection, ids) in &line.deleted {
            ascending(collection, ids)?;
        }
        match line.changed_keys().intersection(&line.deleted_keys()).next() {
            Some(key) => Err(format!("{key} is both changed and deleted")),
            None => Ok(line),
        }
    }

    /// The keys in `changed`.
    #[must_use]
    pub fn changed_keys(&self) -> BTreeSet<String> {
        self.changed_elements().map(|(key, _)| key).collect()
    }

    /// The keys in `deleted`.
    #[must_use]
    pub fn deleted_keys(&self) -> BTreeSet<String> {
        self.deleted
            .iter()
            .flat_map(|(collection, ids)| ids.iter().map(move |id| format!("{collection}:{id}")))
            .collect()
    }

    /// The elements in `changed`, by key.
    pub fn changed_elements(&self) -> impl Iterator<Item = (String, &Value)> {
        self.changed.iter().flat_map(|(collection, elements)| {
            elements.iter().map(move |element| (format!("{collection}:{}", element["id"]), element))
        })
    }
}

fn ascending(collection: &str, ids: &[u64]) -> Result<(), String> {
    if ids.is_empty() {
        return Err(format!("{collection} is named without an element"));
    }
    if ids.windows(2).all(|pair| pair[0] < pair[1]) {
        Ok(())
    } else {
        Err(format!("the ids of {collection} do not ascend: {ids:?}"))
    }
}

impl Client {
    /// Applies a line by the rules of the web client.
    ///
    /// # Errors
    /// If the line begins after the client's change id, so that the client would miss something.
    pub fn apply(&mut self, line: &Line) -> Result<Applied, String> {
        if line.all_data {
            self.data.clear();
        } else if line.to_change_id <= self.change_id {
            return Ok(Applied::Ignored);
        } else if line.from_change_id > self.change_id + 1 {
            return Err(format!("the line begins at {}, the client is at {}", line.from_change_id, self.change_id));
        }
        for key in line.deleted_keys() {
            self.data.remove(&key);
        }
        for (key, element) in line.changed_elements() {
            self.data.insert(key, element.clone());
        }
        self.change_id = line.to_change_id;
        Ok(Applied::Taken)
    }
}

/// A client that holds received lines back for a while, as the throttle of the web client does, also across a
/// reconnect.
#[derive(Clone, Debug, Default)]
pub struct ThrottledClient {
    /// What it has applied; it reconnects with [`Client::change_id`] of this one.
    pub client: Client,
    held: VecDeque<Line>,
}

impl ThrottledClient {
    /// Takes a line, to be applied later.
    pub fn receive(&mut self, line: Line) {
        self.held.push_back(line);
    }

    /// Applies the oldest `count` of the lines held back, oldest first.
    ///
    /// # Errors
    /// See [`Client::apply`].
    pub fn release(&mut self, count: usize) -> Result<(), String> {
        for line in self.held.drain(..count.min(self.held.len())) {
            self.client.apply(&line)?;
        }
        Ok(())
    }

    /// Drops the lines before the last one that holds everything: whatever they lead to is discarded there. They need not
    /// join, since an instance that has not noticed a reset yet may have sent some of them.
    pub fn drop_superseded(&mut self) {
        if let Some(last) = self.held.iter().rposition(|line| line.all_data) {
            self.held.drain(..last);
        }
    }

    /// Applies everything held back.
    ///
    /// # Errors
    /// See [`Client::apply`].
    pub fn release_all(&mut self) -> Result<(), String> {
        self.release(usize::MAX)
    }

    /// How many lines it holds back.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held.len()
    }
}

/// The keys that a line from one view to another must name: what is new or changed, and what is gone.
#[must_use]
pub fn difference(from: &Elements, to: &Elements) -> (BTreeSet<String>, BTreeSet<String>) {
    let changed = to.iter().filter(|(key, element)| from.get(*key) != Some(element)).map(|(key, _)| key.clone());
    let deleted = from.keys().filter(|key| !to.contains_key(*key)).cloned();
    (changed.collect(), deleted.collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line(from: u64, to: u64, changed: &[u64], deleted: &[u64]) -> Line {
        let mut line = json!({
            "changed": {}, "deleted": {}, "from_change_id": from, "to_change_id": to, "all_data": false,
        });
        if !changed.is_empty() {
            line["changed"]["core/tag"] = changed.iter().map(|id| json!({ "id": id, "at": to })).collect();
        }
        if !deleted.is_empty() {
            line["deleted"]["core/tag"] = json!(deleted);
        }
        Line::parse(line.to_string().as_bytes()).expect("a line")
    }

    #[test]
    fn a_client_ignores_its_past_takes_what_joins_and_complains_about_gaps() {
        let mut client = Client { change_id: 4, ..Client::default() };
        assert_eq!(client.apply(&line(2, 4, &[1], &[])), Ok(Applied::Ignored));
        assert_eq!(client.apply(&line(3, 5, &[1, 2], &[])), Ok(Applied::Taken));
        assert_eq!(client.apply(&line(6, 7, &[], &[1])), Ok(Applied::Taken));
        assert!(client.apply(&line(9, 10, &[1], &[])).is_err());
        assert_eq!(client.change_id, 7);
        assert_eq!(client.data.keys().collect::<Vec<_>>(), ["core/tag:2"]);
    }

    #[test]
    fn a_throttled_client_reconnects_with_what_it_applied() {
        let mut client = ThrottledClient::default();
        client.receive(Line { all_data: true, ..line(0, 4, &[1], &[]) });
        client.receive(line(4, 5, &[], &[1]));
        client.release(1).expect("joins");
        assert_eq!((client.client.change_id, client.held()), (4, 1));
        client.receive(line(4, 6, &[1], &[]));
        client.release_all().expect("joins");
        assert_eq!(client.client.change_id, 6);
        assert_eq!(client.client.data["core/tag:1"]["at"], 6);
    }

    #[test]
    fn what_comes_before_everything_need_not_join() {
        let mut client = ThrottledClient::default();
        let all = |to, id| Line { all_data: true, ..line(0, to, &[id], &[]) };
        for held in [all(10, 1), all(5, 2), line(9, 10, &[3], &[]), all(5, 4), line(5, 6, &[5], &[])] {
            client.receive(held);
        }
        assert!(client.clone().release_all().is_err());
        client.drop_superseded();
        client.release_all().expect("joins");
        assert_eq!(client.client.data.keys().collect::<Vec<_>>(), ["core/tag:4", "core/tag:5"]);
    }

    /// (spec: stream.md#sorted)
    #[test]
    fn lines_of_a_wrong_form_are_complained_about() {
        for (name, text) in [
            (
                "not ascii",
                r#"{"changed":{"core/tag":[{"id":1,"n":"ä"}]},"deleted":{},"from_change_id":1,"to_change_id":2,"all_data":false}"#,
            ),
            (
                "both",
                r#"{"changed":{"core/tag":[{"id":1}]},"deleted":{"core/tag":[1]},"from_change_id":1,"to_change_id":2,"all_data":false}"#,
            ),
            (
                "order",
                r#"{"changed":{},"deleted":{"core/tag":[2,1]},"from_change_id":1,"to_change_id":2,"all_data":false}"#,
            ),
            (
                "all and deleted",
                r#"{"changed":{},"deleted":{"core/tag":[1]},"from_change_id":1,"to_change_id":2,"all_data":true}"#,
            ),
            ("back", r#"{"changed":{},"deleted":{},"from_change_id":3,"to_change_id":2,"all_data":false}"#),
            ("missing", r#"{"changed":{},"from_change_id":1,"to_change_id":2,"all_data":false}"#),
        ] {
            assert!(Line::parse(text.as_bytes()).is_err(), "{name}");
        }
    }
}
