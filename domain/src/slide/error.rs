//! What goes wrong in a slide, and what is said about it on the slide and in the log?

use std::fmt;
use std::rc::Rc;

use crate::ids::ElementKey;
use crate::json::FieldError;

/// Why a slide shows an error instead of its data (spec: projector.md#slide-internal-error).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SlideError {
    /// The text that the slide shows, as it appears between the quotes of a JSON string.
    Shown(String),
    /// The slide shows [`SlideError::INTERNAL`]; the text is for the log and names keys and fields, never values.
    Internal(String),
}

impl SlideError {
    /// What the slide shows if nobody in the hall can do anything about the cause.
    pub(crate) const INTERNAL: &'static str = "Internal error";

    /// Returns the error that an element needed by a slide does not exist.
    pub(crate) fn missing(element: impl fmt::Display, trail: &Trail) -> Self {
        Self::Internal(format!("{element} does not exist{trail}"))
    }

    /// Returns the error that an element needed by a slide has a field of an unusable type.
    pub(crate) fn field(key: ElementKey, error: &FieldError, trail: &Trail) -> Self {
        Self::Internal(format!("{key}: {error}{trail}"))
    }
}

/// The chain of references by which a slide came to an element; empty if the projector's entry names it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trail(Option<Rc<SlideReference>>);

#[derive(Debug)]
struct SlideReference {
    from: Trail,
    key: ElementKey,
    field: &'static str,
}

impl Trail {
    /// Returns the trail extended by `field` of the element `key`.
    pub(crate) fn by(&self, key: ElementKey, field: &'static str) -> Self {
        Self(Some(Rc::new(SlideReference { from: self.clone(), key, field })))
    }
}

impl fmt::Display for Trail {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut links: Vec<&SlideReference> =
            std::iter::successors(self.0.as_deref(), |link| link.from.0.as_deref()).collect();
        links.reverse();
        for (index, link) in links.iter().enumerate() {
            let joint = if index == 0 { ", needed through" } else { " →" };
            write!(formatter, "{joint} `{}` of {}", link.field, link.key)?;
        }
        Ok(())
    }
}
