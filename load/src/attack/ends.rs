//! How did an attack end, for each of its connections or requests?

use std::collections::BTreeMap;
use std::fmt;

/// How often each end happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ends(BTreeMap<String, u64>);

impl Ends {
    /// Counts one.
    pub fn add(&mut self, end: impl Into<String>) {
        *self.0.entry(end.into()).or_default() += 1;
    }

    /// Adds those of `others`.
    pub fn merge(&mut self, others: Self) {
        for (end, count) in others.0 {
            *self.0.entry(end).or_default() += count;
        }
    }

    /// Returns how often it ended in a way that begins like this.
    #[must_use]
    pub fn count(&self, beginning: &str) -> u64 {
        self.0.iter().filter(|(end, _)| end.starts_with(beginning)).map(|(_, count)| count).sum()
    }

    /// Returns the first end that begins like none of `expected` and closes with none of `closings`; and if there was no
    /// end at all, that.
    #[must_use]
    pub fn unexpected(&self, expected: &[&str], closings: &[&str]) -> Option<String> {
        if self.0.is_empty() {
            return Some("nothing happened".to_owned());
        }
        let is_expected = |end: &str| {
            expected.iter().any(|beginning| end.starts_with(beginning))
                || closings.iter().any(|closing| end.ends_with(closing))
        };
        self.0.keys().find(|end| !is_expected(end)).cloned()
    }
}

impl<E: Into<String>> From<E> for Ends {
    fn from(end: E) -> Self {
        let mut ends = Self::default();
        ends.add(end);
        ends
    }
}

impl fmt::Display for Ends {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (end, count)) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(formatter, "{comma}{count} × {end}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_counted_and_compared_with_what_is_expected() {
        let mut ends = Ends::from("429");
        ends.add("200");
        ends.merge(Ends::from("429"));
        assert_eq!(ends.to_string(), "1 × 200, 2 × 429");
        assert_eq!((ends.count("4"), ends.count("5")), (2, 0));
        assert_eq!(ends.unexpected(&["200", "429"], &[]), None);
        assert_eq!(ends.unexpected(&["4"], &[]), Some("200".to_owned()));
        assert_eq!(ends.unexpected(&["4"], &["00"]), None);
        assert!(Ends::default().unexpected(&["200"], &[]).is_some());
    }
}
