//! Are the promises kept in a number of worlds? For more: `cargo run --release -p simulation -- simulate --seeds
//! 100000`.

use std::hash::{BuildHasher, RandomState};
use std::thread;

use simulation::event::{Event, IsSeen, OldPrimary};
use simulation::plan::Plan;
use simulation::world::{Outcome, run};

/// The number of worlds that are the same in every run, and of those that are new each time.
const FIXED: u64 = 25;
const FRESH: u64 = 25;
/// How many worlds are run twice.
const REPEATED: u64 = 5;

/// Worlds in which sentinels replace a primary: the old one is gone, is silent, cuts its connections, goes on answering.
const FAILED_OVER: [u64; 4] = [26, 128, 34, 43];

/// The seeds that once failed.
const KEPT: &str = include_str!("../seeds.txt");

/// Runs the worlds of these seeds on two threads, and returns how they ended.
#[track_caller]
fn all_hold(seeds: &[u64]) -> Vec<Outcome> {
    let halves = seeds.split_at(seeds.len() / 2);
    let run_all =
        |seeds: &[u64]| -> Vec<_> { seeds.iter().map(|seed| (*seed, run(&Plan::new(*seed), false))).collect() };
    let outcomes = thread::scope(|scope| {
        let other = scope.spawn(|| run_all(halves.0));
        let mut outcomes = run_all(halves.1);
        outcomes.extend(other.join().expect("worlds do not panic"));
        outcomes
    });
    for (seed, outcome) in &outcomes {
        assert!(
            outcome.violations.is_empty(),
            "seed {seed}: {:#?}\nrun `cargo run -p simulation -- replay {seed}`, and add it to simulation/seeds.txt",
            outcome.violations
        );
    }
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

#[test]
fn promises_are_kept_where_they_were_once_broken() {
    let lines = KEPT.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let seeds: Vec<u64> = lines.map(|line| line.parse().expect("a seed a line")).collect();
    assert!(!seeds.is_empty());
    all_hold(&seeds);
}

#[test]
fn promises_are_kept_in_fixed_worlds() {
    let outcomes = all_hold(&(0..FIXED).collect::<Vec<_>>());
    let lines: u64 = outcomes.iter().map(|outcome| outcome.lines).sum();
    assert!(lines > 5 * FIXED, "hardly anything happened: {lines} lines in {FIXED} worlds");
}

#[test]
fn promises_are_kept_in_new_worlds() {
    let first = RandomState::new().hash_one("seeds") >> 1;
    all_hold(&(first..first + FRESH).collect::<Vec<_>>());
}

#[test]
fn promises_are_kept_whatever_an_old_primary_does() {
    let outcomes = all_hold(&FAILED_OVER);
    for old in [OldPrimary::Gone, OldPrimary::Silent, OldPrimary::Cuts, OldPrimary::Answers] {
        let kind = Event::FailOverBySentinels(old, 0, IsSeen::Yes).kind();
        assert!(outcomes.iter().any(|outcome| outcome.happened.contains_key(&kind)), "{kind}: it has another seed now");
    }
}

/// Without this, a failure could not be reproduced.
#[test]
fn only_the_seed_decides_what_happens() {
    for seed in (0..REPEATED).chain(FAILED_OVER) {
        let plan = Plan::new(seed);
        assert_eq!(run(&plan, false).hash, run(&plan, true).hash, "seed {seed}");
    }
    assert_ne!(run(&Plan::new(0), false).hash, run(&Plan::new(1), false).hash);
}
