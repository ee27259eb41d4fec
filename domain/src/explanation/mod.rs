//! Why does a user see an element, or not see it? (spec: inspector.md#explanation)
//!
//! The answer comes from the rules that decide: the same function runs once more and records what it asks. What would
//! have to be different is found by running it again for a viewer of whom that is so. There is no second copy of any
//! rule.

mod fields;
mod remedies;
#[cfg(test)]
mod tests;
mod text;

use crate::collection::Collection;
use crate::ids::{ElementKey, UserId};
use crate::meeting::Meeting;
use crate::permission::Permission;
use crate::restriction::rights::Answer;
use crate::restriction::viewer::Viewer;
use crate::restriction::{Explained, explain as explain_rule};

pub use fields::{FieldChange, RestrictedField};
pub use remedies::{Grant, Remedy};

/// Why a user sees an element of a meeting as they do.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The element.
    pub key: ElementKey,
    /// The viewer it is about.
    pub viewer: Viewer,
    /// What they see.
    pub verdict: Verdict,
    /// The anchor in `docs/spec/restriction.md` of the rule that decided.
    pub anchor: &'static str,
    /// What the rule asked, in its order.
    pub answers: Vec<Answer>,
    /// If the element is hidden: the smallest sets of grants that would make it visible.
    pub remedies: Vec<Remedy>,
    /// If it is visible: the fields that this viewer does not see as they are.
    pub fields: Vec<RestrictedField>,
    /// If it is a user: the elements that make this user visible to others.
    pub required_by: Vec<RequiredBy>,
}

/// How much of an element is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The meeting has no such element.
    Missing,
    /// It cannot be read, so nobody sees it (spec: restriction.md#unreadable).
    Unreadable,
    /// Nothing, not even that it exists.
    Hidden,
    /// Some fields are removed or changed.
    Partly,
    /// All of it.
    Whole,
}

/// An element that makes a user visible (spec: restriction.md#required-users).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequiredBy {
    /// The element that names the user.
    pub key: ElementKey,
    /// Makes the user visible to everybody who has it, because of that element.
    pub permission: Permission,
    /// Whether the viewer has it.
    pub viewer_has_it: bool,
}

/// Explains what `user` (`None`: anonymous) sees of the element `key`.
#[must_use]
pub fn explain(meeting: &Meeting, user: Option<UserId>, key: ElementKey) -> Explanation {
    let viewer = Viewer::resolve(meeting, user);
    let Some(entry) = meeting.entry(key) else {
        return Explanation::bare(key, viewer, Verdict::Missing, "unknown-collections");
    };
    let element = &entry.element;
    if element.is_unreadable() {
        return Explanation::bare(key, viewer, Verdict::Unreadable, "unreadable");
    }
    let Explained { view, anchor, answers } = explain_rule(&viewer, element, entry.required_by);
    let mut explanation = Explanation::bare(key, viewer, Verdict::Hidden, anchor);
    if view.is_hidden() {
        explanation.remedies = remedies::search(&explanation.viewer, entry, |view| !view.is_hidden());
    } else {
        explanation.fields = fields::restricted(&explanation.viewer, entry, &view);
        explanation.verdict = if explanation.fields.is_empty() { Verdict::Whole } else { Verdict::Partly };
    }
    explanation.answers = answers;
    explanation.required_by = required_by(meeting, &explanation.viewer, key);
    explanation
}

impl Explanation {
    /// Creates an explanation without reasons.
    fn bare(key: ElementKey, viewer: Viewer, verdict: Verdict, anchor: &'static str) -> Self {
        Self {
            key,
            viewer,
            verdict,
            anchor,
            answers: Vec::new(),
            remedies: Vec::new(),
            fields: Vec::new(),
            required_by: Vec::new(),
        }
    }
}

/// Returns the elements that require the user whose element is `key`; none if it is not a user.
fn required_by(meeting: &Meeting, viewer: &Viewer, key: ElementKey) -> Vec<RequiredBy> {
    if key.collection != Collection::User {
        return Vec::new();
    }
    let entries = meeting.blocks().flat_map(|(_, block)| block.entries());
    let requiring = entries.filter_map(|entry| {
        let requirement = entry.element.requirement()?;
        let permission = requirement.permission;
        let viewer_has_it = viewer.profile().has(permission);
        let required = RequiredBy { key: entry.element.key(), permission, viewer_has_it };
        requirement.users.contains(&UserId(key.id.0)).then_some(required)
    });
    requiring.collect()
}
