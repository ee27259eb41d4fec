//! What does a stream of slides tell? (spec: projector.md#projector-line)

use std::collections::BTreeMap;

use serde_json::Value;

/// What projectors show, as lines have told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Slides {
    pub(crate) is_connected: bool,
    /// The highest change id of a line.
    change_id: u64,
    pub(crate) shown: BTreeMap<String, Value>,
}

impl Slides {
    /// Takes a line.
    ///
    /// # Errors
    /// It has a wrong form, or names what did not change.
    pub(crate) fn take(&mut self, line: &[u8]) -> Result<(), String> {
        let line: Value = serde_json::from_slice(line).map_err(|error| format!("no line of slides: {error}"))?;
        let (Some(change_id), Some(data)) = (line["change_id"].as_u64(), line["data"].as_object()) else {
            return Err(format!("no line of slides: {line}"));
        };
        for (projector, slides) in data {
            let before = match slides.is_null() {
                true => self.shown.remove(projector),
                false => self.shown.insert(projector.clone(), slides.clone()),
            };
            if before.as_ref() == Some(slides) || slides.is_null() && before.is_none() {
                return Err(format!("projector {projector} is sent at {change_id} though it shows the same"));
            }
        }
        self.change_id = change_id;
        Ok(())
    }

    /// How they differ from what must be shown, according to `whom`.
    ///
    /// # Errors
    /// They do.
    pub(crate) fn compare(&self, shown: &BTreeMap<String, Value>, whom: &str) -> Result<(), String> {
        match self.shown.keys().chain(shown.keys()).find(|key| self.shown.get(*key) != shown.get(*key)) {
            None => Ok(()),
            Some(key) => {
                Err(format!("projector {key} shows {:?}, but {:?} {whom}", self.shown.get(key), shown.get(key)))
            }
        }
    }
}
