//! Are arbitrary queries read as what they say, or refused?

use std::collections::BTreeSet;

use adapters::testing::readers;
use domain::projector::PROJECTOR_IDS_MAX;

/// Takes the bytes for the query of a request, and for its host.
///
/// # Panics
/// A change id or the ids of projectors are read that are not in the query, or refused though they are.
pub fn queries(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _ = readers::is_host(bytes);
    let Ok(uri) = format!("/system/autoupdate?{text}").parse() else { return };
    // What follows a `#` does not belong to it.
    let query = text.split('#').next().unwrap_or_default();
    let change_id = readers::change_id(&uri);
    match (change_id_of(query), &change_id) {
        (Some(expected), Ok(read)) => assert_eq!(*read, expected, "{query:?}"),
        (None, Err(error)) => assert!(error.len() < 1_000, "a long value is repeated: {error}"),
        (expected, read) => panic!("{read:?} instead of {expected:?} is read from {query:?}"),
    }
    let ids = readers::projector_ids(&uri);
    match (projector_ids_of(query), &ids) {
        (Some(expected), Ok(read)) => assert_eq!(*read, expected, "{query:?}"),
        (None, Err(_)) => {}
        (expected, read) => panic!("{read:?} instead of {expected:?} is read from {query:?}"),
    }
}

/// Missing or empty: 0. A negative one is below every other.
fn change_id_of(query: &str) -> Option<u64> {
    let Some(text) = value(query, "change_id").filter(|text| !text.is_empty()) else { return Some(0) };
    let digits = text.strip_prefix('-').unwrap_or(&text);
    let magnitude = number(digits).filter(|id| *id <= (1 << 63) - u128::from(digits.len() == text.len()))?;
    if digits.len() < text.len() { Some(0) } else { u64::try_from(magnitude).ok() }
}

/// (spec: projector.md#projector-ids)
fn projector_ids_of(query: &str) -> Option<Vec<u64>> {
    let text = value(query, "projector_ids")?;
    let ids = text.split(',').map(|id| u64::try_from(number(id)?).ok().filter(|id| *id > 0));
    let ids: BTreeSet<u64> = ids.collect::<Option<_>>()?;
    (ids.len() <= PROJECTOR_IDS_MAX).then(|| ids.into_iter().collect())
}

/// A number of digits; one that is too large is as good as the largest.
fn number(text: &str) -> Option<u128> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let digit = |byte: u8| u128::from(byte - b'0');
    is_number.then(|| text.bytes().fold(0_u128, |sum, byte| sum.saturating_mul(10).saturating_add(digit(byte))))
}

/// The first value of that name.
fn value(query: &str, name: &str) -> Option<String> {
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.map(|(name, value)| (decoded(name), decoded(value))).find(|(one, _)| one == name).map(|(_, value)| value)
}

/// The text of an `application/x-www-form-urlencoded` part.
fn decoded(text: &str) -> String {
    let (mut out, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, after @ ..] = rest {
        let hex = |digit: &u8| char::from(*digit).to_digit(16);
        let byte = match (first, after) {
            (b'%', [high, low, ..]) => {
                hex(high).zip(hex(low)).and_then(|(high, low)| u8::try_from(high * 16 + low).ok())
            }
            _ => None,
        };
        rest = if byte.is_some() { &after[2..] } else { after };
        out.push(byte.unwrap_or(if *first == b'+' { b' ' } else { *first }));
    }
    String::from_utf8_lossy(&out).into_owned()
}
