//! What identifies things? Ids of elements, users, groups and changes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::collection::Collection;

/// The id of an element inside its collection: a positive integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ElementId(pub u64);

/// The id of a user: the element id of a `users/user`. Anonymous is `None` of an `Option<UserId>`, never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserId(pub u64);

/// The id of a group: the element id of a `users/group`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GroupId(pub u64);

impl GroupId {
    /// The group of everybody who is in no other group, and of anonymous (spec: restriction.md#groups).
    pub const DEFAULT: Self = Self(1);
    /// The group whose members see everything (spec: restriction.md#superadmin).
    pub const ADMIN: Self = Self(2);
}

/// The id of a projector: the element id of a `core/projector`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProjectorId(pub u64);

/// The number of a change, given by the server: each change gets the next one (spec: redis.md#change-script).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChangeId(pub u64);

impl ChangeId {
    /// Returns the id of the next change.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// Names one element of the meeting: `<collection>:<id>`, for example `agenda/item:12` (spec: redis.md#element).
///
/// Keys order by collection name, then by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ElementKey {
    /// The collection of the element.
    pub collection: Collection,
    /// The id of the element inside its collection.
    pub id: ElementId,
}

impl ElementKey {
    /// Returns the key of the element `id` of `collection`.
    #[must_use]
    pub const fn new(collection: Collection, id: u64) -> Self {
        Self { collection, id: ElementId(id) }
    }

    /// Returns the key of the user element of `user`.
    #[must_use]
    pub const fn user(user: UserId) -> Self {
        Self::new(Collection::User, user.0)
    }

    /// Returns the key of the projector element of `projector`.
    #[must_use]
    pub const fn projector(projector: ProjectorId) -> Self {
        Self::new(Collection::Projector, projector.0)
    }
}

/// Why a text is not an [`ElementKey`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ElementKeyError {
    /// There is not exactly one colon, or the id is not a positive integer.
    #[error("is not of the form <collection>:<positive integer>")]
    Malformed,
    /// The form is right, but this service does not know the collection. Such elements are hidden from everybody.
    #[error("has a collection that this service does not know")]
    UnknownCollection,
}

impl FromStr for ElementKey {
    type Err = ElementKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (collection, id) = text.split_once(':').ok_or(ElementKeyError::Malformed)?;
        // `u64::from_str` would accept "+5", and "05" would be a second name of 5.
        if collection.is_empty() || id.starts_with('0') || !id.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(ElementKeyError::Malformed);
        }
        // Empty, or too large.
        let id: u64 = id.parse().map_err(|_| ElementKeyError::Malformed)?;
        let collection = Collection::from_name(collection).ok_or(ElementKeyError::UnknownCollection)?;
        Ok(Self::new(collection, id))
    }
}

macro_rules! display_number {
    ($($name:ident),+) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }
    )+};
}

display_number!(ElementId, UserId, GroupId, ProjectorId, ChangeId);

impl fmt::Display for ElementKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.collection, self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<ElementKey, ElementKeyError>) {
        assert_eq!(text.parse::<ElementKey>(), expected, "{text:?}");
    }

    /// (spec: redis.md#element)
    #[test]
    fn element_keys_parse_only_in_their_exact_form() {
        use ElementKeyError::{Malformed, UnknownCollection};
        check("agenda/item:12", Ok(ElementKey::new(Collection::AgendaItem, 12)));
        check("users/user:4294967296", Ok(ElementKey::new(Collection::User, 1 << 32)));
        for text in [
            "",
            ":",
            "agenda/item",
            "agenda/item:",
            ":1",
            "agenda/item:0",
            "agenda/item:012",
            "agenda/item:-1",
            "agenda/item:+1",
            "agenda/item:1:2",
            "agenda/item:1.0",
            "agenda/item: 1",
            "agenda/item:99999999999999999999",
            "agenda/item:x",
            "_config:lowest_change_id",
        ] {
            check(text, Err(Malformed));
        }
        check("agenda/Item:1", Err(UnknownCollection));
        check("plugin/thing:1", Err(UnknownCollection));
    }

    #[test]
    fn element_keys_print_as_they_parse() {
        for collection in Collection::ALL {
            let key = ElementKey::new(collection, 130);
            assert_eq!(key.to_string().parse(), Ok(key));
        }
    }
}
