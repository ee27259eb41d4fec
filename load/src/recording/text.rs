//! What stands for a text in a recording? A made-up one that is the same wherever the text is the same, about as long,
//! and as hard to handle.

use std::ops::RangeInclusive;

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// With every recording a new one, which is not kept: without it, nobody can find out by trying which text stands for
/// a name.
pub(super) type Secret = [u8; 32];

const CONSONANTS: &[u8] = b"bdfgklmnprstvz";
const VOWELS: &[u8] = b"aeiou";

/// How a link to a motion begins, which the service reads in recommendations.
const LINK: &str = "[motion:";

/// Returns the text that stands for another one.
pub(super) fn instead_of(secret: &Secret, text: &str) -> String {
    let length = class(text.chars().count());
    if length == 0 {
        return String::new();
    }
    let (begin, end) = if text.contains("</") { ("<p>", "</p>") } else { ("", "") };
    let mut random = Random(seed(secret, text));
    let mut out: Vec<char> = Vec::with_capacity(length);
    while out.len() < length {
        if !out.is_empty() {
            out.push(' ');
        }
        // Every word begins with an x, so that everybody sees that it is made up.
        out.push('x');
        for _ in 0..=random.below(3) {
            out.push(random.letter(VOWELS));
            out.push(random.letter(CONSONANTS));
        }
    }
    out.truncate(length);
    let mut place = length;
    for special in specials(text) {
        place = place.saturating_sub(1);
        out[place] = special;
    }
    let links: String = links(text).map(|id| format!(" {LINK}{id}]")).collect();
    format!("{begin}{}{links}{end}", String::from_iter(out))
}

/// Returns hexadecimal digits that stand for a hash, a token or the like.
pub(super) fn digits_instead_of(secret: &Secret, text: &str) -> String {
    let mut random = Random(seed(secret, text));
    (0..text.chars().count()).map(|_| random.letter(b"0123456789abcdef")).collect()
}

/// Returns one of the choices.
pub(super) fn choice<'a>(secret: &Secret, text: &str, choices: &[&'a str]) -> &'a str {
    choices[Random(seed(secret, text)).below(choices.len())]
}

/// Returns a length that many texts have: at most a quarter more, or three.
pub(super) fn class(length: usize) -> usize {
    let step = (length.next_power_of_two() / 8).max(4);
    length.next_multiple_of(step)
}

/// Returns one character of each kind that is hard to handle and occurs in the text.
fn specials(text: &str) -> Vec<char> {
    let kinds = [
        ('🗳', '\u{10000}'..=char::MAX),
        ('ü', '\u{80}'..='\u{ffff}'),
        ('"', '"'..='"'),
        ('\\', '\\'..='\\'),
        ('\n', '\n'..='\n'),
    ];
    let occurs = |kind: &RangeInclusive<char>| text.chars().any(|character| kind.contains(&character));
    let found = kinds.into_iter().filter(|(_, kind)| occurs(kind)).map(|(special, _)| special);
    // The shortest text has four characters, and one of them is a letter.
    found.take(3).collect()
}

/// Returns the ids in links to motions.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split(LINK).skip(1).filter_map(|rest| {
        let (id, _) = rest.split_once(']')?;
        (!id.is_empty() && id.len() <= 9 && id.bytes().all(|byte| byte.is_ascii_digit())).then_some(id)
    })
}

fn seed(secret: &Secret, text: &str) -> u64 {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret).expect("HMAC takes keys of any length");
    mac.update(text.as_bytes());
    let bytes = mac.finalize().into_bytes();
    bytes.iter().take(8).fold(0, |seed, byte| seed << 8 | u64::from(*byte))
}

/// Numbers that follow from a seed (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = self.0;
        number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((number ^ number >> 31) % bound as u64) as usize
    }

    fn letter(&mut self, letters: &[u8]) -> char {
        char::from(letters[self.below(letters.len())])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: Secret = [7; 32];

    #[test]
    fn the_same_text_is_replaced_by_the_same_one_of_about_the_same_length() {
        for text in ["Ada", "Ada Lovelace", "<p>Die Versammlung möge beschließen: \"Bäume\".</p>", &"lang ".repeat(900)]
        {
            let instead = instead_of(&SECRET, text);
            assert_eq!(instead, instead_of(&SECRET, text));
            assert_ne!(instead, instead_of(&[8; 32], text));
            let (before, after) = (text.chars().count(), instead.chars().count());
            assert!(after >= before && after <= before + before / 4 + 3 + 7, "{before} {after}");
            assert!(text.split(' ').all(|word| !instead.contains(word) || word.is_empty()), "{instead}");
        }
        assert_eq!(instead_of(&SECRET, ""), "");
    }

    #[test]
    fn what_is_hard_to_handle_stays_hard_to_handle() {
        let instead = instead_of(&SECRET, "<b>Grüße 🎤</b> an \"alle\"");
        for part in ["<p>x", "</p>", "ü", "🗳", "\""] {
            assert!(instead.contains(part), "{instead} lacks {part}");
        }
        let instead = instead_of(&SECRET, "siehe [motion:12] und [motion:x], [motion:5");
        assert!(instead.ends_with(" [motion:12]"), "{instead}");
    }

    #[test]
    fn lengths_fall_into_classes() {
        for (length, expected) in [(0, 0), (1, 4), (4, 4), (5, 8), (17, 20), (100, 112), (1_000, 1_024)] {
            assert_eq!(class(length), expected, "{length}");
        }
    }

    #[test]
    fn hashes_keep_their_form() {
        let hash = "0123456789abcdef0123456789abcdef01234567";
        let instead = digits_instead_of(&SECRET, hash);
        assert_eq!(instead.len(), hash.len());
        assert!(instead != hash && instead.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert!(["Y", "N"].contains(&choice(&SECRET, "a", &["Y", "N"])));
    }
}
