//! How are seeds changed at random, so that what comes out is nearly what a reader expects?

use std::ops::Range;

use domain::testing::elements::Dice;

const WORDS: &str = include_str!("../../words.txt");

/// How often a seed is changed at most.
const CHANGES_MAX: u64 = 6;

/// The words of the dictionary (in the format of libFuzzer).
pub(super) fn words() -> Vec<Vec<u8>> {
    let quoted = WORDS.lines().filter_map(|line| line.strip_prefix('"')?.strip_suffix('"'));
    quoted.map(unescaped).collect()
}

fn unescaped(word: &str) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::new(), word.as_bytes());
    while let [first, after @ ..] = rest {
        let hex = |digits: &[u8]| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok();
        let (byte, after) = match (first, after) {
            (b'\\', [b'x', high, low, after @ ..]) => (hex(&[*high, *low]).expect("hexadecimal digits"), after),
            (b'\\', [literal, after @ ..]) => (*literal, after),
            (byte, after) => (*byte, after),
        };
        out.push(byte);
        rest = after;
    }
    out
}

/// One of the seeds, with a few changes.
pub(super) fn changed(seeds: &[Vec<u8>], words: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = seeds[index(dice, seeds.len())].clone();
    for _ in 0..=dice.roll(CHANGES_MAX) {
        let place = range(dice, &bytes);
        match dice.roll(7) {
            0 => bytes.iter_mut().skip(place.start).take(1).for_each(|byte| *byte ^= 1 << dice.roll(8)),
            1 => drop(bytes.drain(place)),
            2 => {
                let twice = bytes[place.clone()].to_vec();
                bytes.splice(place.end..place.end, twice);
            }
            3 => {
                let other = &seeds[index(dice, seeds.len())];
                let part = other[range(dice, other)].to_vec();
                bytes.splice(place, part);
            }
            4 => drop(bytes.splice(place.start..place.start, words[index(dice, words.len())].clone())),
            _ => {
                let value = value_at(&bytes, place.start);
                bytes.splice(value, words[index(dice, words.len())].clone());
            }
        }
    }
    bytes
}

/// The word, number or text in which this place is.
fn value_at(bytes: &[u8], place: usize) -> Range<usize> {
    let is_edge = |byte: &u8| b",:[]{}=; \r\n".contains(byte);
    let start = bytes[..place].iter().rposition(is_edge).map_or(0, |edge| edge + 1);
    let end = bytes[place..].iter().position(is_edge).map_or(bytes.len(), |edge| place + edge);
    start..end.max(start)
}

/// A part of the bytes, most often a short one.
fn range(dice: &mut Dice, bytes: &[u8]) -> Range<usize> {
    let start = index(dice, bytes.len() + 1);
    let length = if dice.one_in(4) { index(dice, bytes.len() - start + 1) } else { index(dice, 8) };
    start..bytes.len().min(start + length)
}

fn index(dice: &mut Dice, below: usize) -> usize {
    usize::try_from(dice.roll(below as u64)).expect("an index")
}
