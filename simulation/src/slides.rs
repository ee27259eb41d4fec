//! What does a stream of slides tell? (spec: projector.md#projector-line)

use std::collections::BTreeMap;

use serde_json::Value;

/// What projectors show, as lines have told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Slides {
    pub(crate) is_connected: bool,
    /// The highest change id of a line.
    change_id: u64,
    shown: BTreeMap<String, Value>,
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

    /// How they differ from what a new stream was told.
    ///
    /// # Errors
    /// They do.
    pub(crate) fn compare(&self, fresh: &Self) -> Result<(), String> {
        let keys = || self.shown.keys().chain(fresh.shown.keys());
        match keys().find(|key| self.shown.get(*key) != fresh.shown.get(*key)) {
            None => Ok(()),
            Some(key) => Err(format!(
                "projector {key} shows {:?}, but {:?} to a new stream",
                self.shown.get(key),
                fresh.shown.get(key)
            )),
        }
    }
}
