//! Which projectors does a request ask for? (spec: projector.md#projector-ids)

use crate::ids::ProjectorId;

/// How many projectors one request may ask for; a request for more is refused. A meeting has a handful.
pub const PROJECTOR_IDS_MAX: usize = 256;

/// The projectors that a connection listens to: at least one, ascending, each once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectorIds(Box<[ProjectorId]>);

/// Why a request for projectors is refused; the text is that of the answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProjectorIdsError {
    /// It is not a list of ids.
    #[error("projector_ids has to be a list of ints not `{value}`")]
    NotInts {
        /// The value; empty if it is missing.
        value: String,
    },
    /// It names more than [`PROJECTOR_IDS_MAX`].
    #[error("projector_ids names {count} projectors, at most {PROJECTOR_IDS_MAX} are allowed")]
    TooMany {
        /// How many different ones it names.
        count: usize,
    },
}

impl ProjectorIds {
    /// Reads the value of `projector_ids`; `None`: it is missing.
    ///
    /// # Errors
    /// It is not a comma-separated list of positive integers, or names too many.
    pub fn parse(value: Option<&str>) -> Result<Self, ProjectorIdsError> {
        let value = value.unwrap_or_default();
        let ids: Option<Vec<ProjectorId>> = value.split(',').map(parse_id).collect();
        let mut ids = ids.ok_or_else(|| ProjectorIdsError::NotInts { value: value.to_owned() })?;
        ids.sort_unstable();
        ids.dedup();
        if ids.len() > PROJECTOR_IDS_MAX {
            return Err(ProjectorIdsError::TooMany { count: ids.len() });
        }
        Ok(Self(ids.into()))
    }

    /// Returns the ids, ascending.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = ProjectorId> {
        self.0.iter().copied()
    }

    /// Returns whether this is one of them.
    #[must_use]
    pub fn contains(&self, id: ProjectorId) -> bool {
        self.0.binary_search(&id).is_ok()
    }
}

fn parse_id(text: &str) -> Option<ProjectorId> {
    // `u64::from_str` would accept "+5".
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|id| *id > 0).map(ProjectorId)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, expected: &[u64]) {
        let ids = ProjectorIds::parse(Some(value)).expect(value);
        assert_eq!(ids.iter().map(|id| id.0).collect::<Vec<_>>(), expected, "{value:?}");
    }

    #[test]
    fn ids_are_ascending_and_each_once() {
        check("1", &[1]);
        check("2,1", &[1, 2]);
        check("10,9,10,9", &[9, 10]);
        check("128,2147483649,18446744073709551615", &[128, 2_147_483_649, u64::MAX]);
        check("007", &[7]);
    }

    /// (spec: projector.md#projector-ids)
    #[test]
    fn anything_else_is_refused_with_the_value() {
        for value in ["", ",", "1,", ",1", "1,,2", "a", "1,a", "1 ", "1, 2", "+1", "-1", "0", "1.0", "1;2", "ä", "`"] {
            let error = ProjectorIds::parse(Some(value)).expect_err(value);
            assert_eq!(error.to_string(), format!("projector_ids has to be a list of ints not `{value}`"));
        }
        assert!(ProjectorIds::parse(Some("18446744073709551616")).is_err());
        let missing = ProjectorIds::parse(None).expect_err("missing");
        assert_eq!(missing.to_string(), "projector_ids has to be a list of ints not ``");
    }

    #[test]
    fn there_is_a_limit_to_how_many() {
        let list = |ids: usize| (1..=ids).map(|id| id.to_string()).collect::<Vec<_>>().join(",");
        assert_eq!(ProjectorIds::parse(Some(&list(256))).expect("as many as allowed").iter().len(), 256);
        let error = ProjectorIds::parse(Some(&list(257))).expect_err("one more");
        assert_eq!(error.to_string(), "projector_ids names 257 projectors, at most 256 are allowed");
        assert!(ProjectorIds::parse(Some(&["7"; 1000].join(","))).is_ok());
    }
}
