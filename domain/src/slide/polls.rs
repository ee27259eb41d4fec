//! How are the numbers of polls shown? (spec: projector.md#assignment-poll, projector.md#motion-poll)

use serde_json::Number;

use super::error::SlideError;
use super::node::Node;
use super::text::Object;
use crate::json::inside;

/// The `state` in which the result of a poll is shown.
const PUBLISHED: i64 = 4;

pub(super) fn is_published(poll: &Node<'_>) -> Result<bool, SlideError> {
    Ok(poll.integer("state")? == Some(PUBLISHED))
}

/// Adds the votes of an option to `object`, as numbers.
pub(super) fn add_votes(object: &mut Object, option: &Node<'_>) {
    for name in ["yes", "no", "abstain"] {
        object.add(name, decimal(option.copied(name)));
    }
}

/// Returns the number that a decimal in a string stands for, digit for digit; `null` if it is not a number.
fn decimal(json: &str) -> &str {
    let text = inside(json).unwrap_or(json);
    // `from_str` would ignore surrounding white space.
    let begins_like_one = text.starts_with(|first: char| first == '-' || first.is_ascii_digit());
    let ends_like_one = text.ends_with(|last: char| last.is_ascii_digit());
    if begins_like_one && ends_like_one && serde_json::from_str::<Number>(text).is_ok() { text } else { "null" }
}

/// Returns the value of a field, but `null` for the number 0.
pub(super) fn amount(json: &str) -> &str {
    let is_number = json.starts_with(|first: char| first == '-' || first.is_ascii_digit());
    let mantissa = json.split(['e', 'E']).next().unwrap_or_default();
    let is_zero = is_number && !mantissa.bytes().any(|byte| matches!(byte, b'1'..=b'9'));
    if is_zero { "null" } else { json }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_become_numbers_digit_for_digit() {
        for (json, expected) in [
            (r#""1.000000""#, "1.000000"),
            (r#""0.000000""#, "0.000000"),
            (r#""-2.000000""#, "-2.000000"),
            (r#""7""#, "7"),
            (r#""99999999999999999999.123456789""#, "99999999999999999999.123456789"),
            (r#""1.5e3""#, "1.5e3"),
            ("2.50", "2.50"),
            (r#""""#, "null"),
            ("null", "null"),
            (r#""null""#, "null"),
            (r#""many""#, "null"),
            (r#""1.0.0""#, "null"),
            (r#""1 2""#, "null"),
            (r#"" 1""#, "null"),
            (r#""1 ""#, "null"),
            (r#""1,5""#, "null"),
            (r#""1]""#, "null"),
            (r#""01""#, "null"),
            (r#""-""#, "null"),
            (r#""NaN""#, "null"),
            ("true", "null"),
            ("[1]", "null"),
            ("{}", "null"),
        ] {
            assert_eq!(decimal(json), expected, "{json}");
        }
    }

    #[test]
    fn an_amount_that_is_the_number_zero_is_null() {
        for zero in ["0", "0.0", "-0", "0e5", "0.000000"] {
            assert_eq!(amount(zero), "null", "{zero}");
        }
        for other in [r#""0""#, r#""0.000000""#, "1", "-1", "0.5", "10", "1e0", "null", r#""""#, "false", "[]"] {
            assert_eq!(amount(other), other);
        }
    }
}
