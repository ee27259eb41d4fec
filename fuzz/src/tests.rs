//! Does every function hold for the kept seeds, for random bytes, and for seeds that are changed at random?

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use domain::testing::elements::Dice;
use domain::testing::strategies::cases;
use proptest::prelude::*;
use proptest::test_runner::{TestError, TestRunner};

use mutation::{changed, words};

mod mutation;

/// One of the functions of this package.
type Target = fn(&[u8]);

const TARGETS: [(&str, Target); 10] = [
    ("certificates", crate::certificates),
    ("cookies", crate::cookies),
    ("elements", crate::elements),
    ("notify_bodies", crate::notify_bodies),
    ("queries", crate::queries),
    ("redis_replies", crate::redis_replies),
    ("secret_files", crate::secret_files),
    ("session_values", crate::session_values),
    ("settings", crate::settings),
    ("stream_entries", crate::stream_entries),
];

fn names(folder: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).expect(folder);
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned()).collect()
}

/// The files of a target, by name.
fn seeds(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    let mut paths: Vec<PathBuf> =
        fs::read_dir(&folder).expect("seeds").map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read(path).expect("a seed"))).collect()
}

#[test]
fn every_function_is_a_program_with_seeds() {
    let functions: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names("fuzz_targets"), functions);
    assert_eq!(names("seeds"), functions);
}

/// A seed that is not what it was kept for any more is no help; this shows which one it is.
#[test]
fn the_kept_seeds_hold() {
    for (name, target) in TARGETS {
        for (path, seed) in seeds(name) {
            let held = std::panic::catch_unwind(|| target(&seed));
            assert!(held.is_ok(), "{}", path.display());
        }
    }
}

/// Tries a function with random bytes, and with seeds that are changed at random.
fn check(name: &str, cases: ProptestConfig) {
    let (_, target) = TARGETS.into_iter().find(|(target, _)| *target == name).expect("a target");
    let seeds: Vec<Vec<u8>> = seeds(name).into_iter().map(|(_, seed)| seed).collect();
    let words = words();
    let input = prop_oneof![
        1 => proptest::collection::vec(any::<u8>(), 0..200),
        8 => any::<u64>().prop_map(move |seed| changed(&seeds, &words, &mut Dice::new(seed))),
    ];
    let mut runner = TestRunner::new(ProptestConfig { failure_persistence: None, ..cases });
    let result = runner.run(&input, |bytes| {
        target(&bytes);
        Ok(())
    });
    if let Err(TestError::Fail(reason, bytes)) = result {
        panic!("{name}: {reason}\nkeep it in seeds/{name}: {}", bytes.escape_ascii());
    }
}

macro_rules! properties {
    ($($name:ident: $cases:literal),+ $(,)?) => {$(
        #[test]
        fn $name() {
            check(stringify!($name), cases($cases));
        }
    )+};
}

properties! {
    certificates: 300,
    cookies: 2_000,
    elements: 300,
    notify_bodies: 2_000,
    queries: 1_000,
    redis_replies: 200,
    secret_files: 1_000,
    session_values: 1_000,
    settings: 200,
    stream_entries: 300,
}
