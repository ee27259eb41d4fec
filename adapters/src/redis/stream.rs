//! What are the streams of Redis called, and where in them is an entry? (spec: redis.md#keys)

use std::fmt;
use std::str::FromStr;

use domain::ports::message_bus::{Channel, Position};

/// The key of the stream that carries a channel.
pub(crate) const fn stream_key(channel: Channel) -> &'static str {
    match channel {
        Channel::Autoupdate => "autoupdate",
        Channel::Notify => "notify",
    }
}

/// The id of an entry: `1795342636211-0`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct EntryId {
    /// When it was appended, by the clock of Redis.
    pub(crate) milliseconds: u64,
    /// Distinguishes entries of one millisecond.
    pub(crate) counter: u64,
}

impl From<Position> for EntryId {
    fn from(position: Position) -> Self {
        let [milliseconds, counter] = position.to_numbers();
        Self { milliseconds, counter }
    }
}

impl From<EntryId> for Position {
    fn from(id: EntryId) -> Self {
        Self::from_numbers([id.milliseconds, id.counter])
    }
}

/// Why a text is not the id of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not of the form <milliseconds>-<counter>")]
pub(crate) struct EntryIdError;

impl FromStr for EntryId {
    type Err = EntryIdError;

    fn from_str(text: &str) -> Result<Self, EntryIdError> {
        let (milliseconds, counter) = text.split_once('-').ok_or(EntryIdError)?;
        Ok(Self {
            milliseconds: milliseconds.parse().map_err(|_| EntryIdError)?,
            counter: counter.parse().map_err(|_| EntryIdError)?,
        })
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}", self.milliseconds, self.counter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<[u64; 2]>) {
        let position = text.parse::<EntryId>().ok().map(Position::from);
        assert_eq!(position.map(Position::to_numbers), expected, "{text:?}");
        if let Some(position) = position {
            assert_eq!(EntryId::from(position).to_string(), text, "and back");
        }
    }

    #[test]
    fn an_entry_id_is_a_position_and_back() {
        check("1795342636211-0", Some([1_795_342_636_211, 0]));
        check("0-18446744073709551615", Some([0, u64::MAX]));
        for text in ["", "-", "1", "1-", "-1", "1-x", "1-2-3", "18446744073709551616-0"] {
            check(text, None);
        }
    }
}
