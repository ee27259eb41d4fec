//! Which pseudorandom numbers are the same in every run? (SplitMix64)

/// A sequence of pseudorandom numbers, determined by its seed.
#[derive(Clone, Debug)]
pub struct Random(u64);

const WORDS: [&str; 32] = [
    "Antrag",
    "Versammlung",
    "beschließt",
    "über",
    "die",
    "der",
    "und",
    "für",
    "Haushalt",
    "möge",
    "Vorstand",
    "wird",
    "beauftragt",
    "Änderung",
    "Satzung",
    "Mitglieder",
    "nächste",
    "Jahr",
    "Größe",
    "in",
    "mit",
    "auf",
    "Finanzen",
    "Bericht",
    "Prüfung",
    "Zürich",
    "Delegierte",
    "the",
    "and",
    "of",
    "proposal",
    "shall",
];

impl Random {
    /// Creates the sequence of a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns the next number.
    pub const fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `end`; 0 if `end` is 0.
    pub const fn below(&mut self, end: u64) -> u64 {
        if end == 0 { 0 } else { self.number() % end }
    }

    /// Returns an id from 1 to `last`.
    pub const fn id(&mut self, last: u64) -> u64 {
        1 + self.below(last)
    }

    /// Returns `true` once in `times` calls, on average.
    pub const fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// Returns `count` different ids from 1 to `last`, ascending, or all if there are fewer.
    pub fn ids(&mut self, count: u64, last: u64) -> Vec<u64> {
        let ids: std::collections::BTreeSet<u64> = (0..count).map(|_| self.id(last)).collect();
        ids.into_iter().collect()
    }

    /// Returns words of up to about this many characters.
    pub fn text(&mut self, characters: usize) -> String {
        let mut text = String::with_capacity(characters + 16);
        while text.len() < characters {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(WORDS[self.below(WORDS.len() as u64) as usize]);
        }
        text
    }

    /// Returns paragraphs of HTML.
    pub fn paragraphs(&mut self, count: usize, characters: usize) -> String {
        (0..count).map(|_| format!("<p>{}</p>", self.text(characters))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn the_numbers_are_those_of_splitmix64() {
        // The reference values of the algorithm's author for the seed 1234567.
        let mut random = Random::new(1_234_567);
        let numbers: Vec<u64> = (0..3).map(|_| random.number()).collect();
        assert_eq!(numbers, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn bounds_hold() {
        let mut random = Random::new(1);
        assert_eq!(random.below(0), 0);
        assert!((0..1_000).all(|_| (1..=3).contains(&random.id(3))));
        assert!((20..40).contains(&random.text(20).len()));
    }
}
