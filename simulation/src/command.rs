//! What does the command line offer?

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use clap::{Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};

use crate::plan::Plan;
use crate::shrink::shrink;
use crate::world::run as run_world;

/// Runs the autoupdate service in simulated worlds.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs worlds on all cores until one breaks a promise.
    Simulate {
        /// How many worlds to run.
        #[arg(long, default_value_t = 1_000)]
        seeds: u64,
        /// The seed of the first world.
        #[arg(long, default_value_t = 0)]
        from: u64,
    },
    /// Runs one world, shrinks it if it breaks a promise, and prints everything that happened.
    Replay {
        /// The seed of the world.
        seed: u64,
        /// Does not shrink the world.
        #[arg(long)]
        whole: bool,
    },
}

/// The results of many worlds.
#[derive(Default)]
struct Tally {
    lines: u64,
    kinds: BTreeMap<String, u64>,
    failed: Option<(u64, Vec<String>)>,
}

/// Runs the command given by the program's arguments. The exit code is 1 if a promise was broken.
#[must_use]
pub fn run() -> ExitCode {
    let is_kept = match Arguments::parse().command {
        Command::Simulate { seeds, from } => simulate(from, seeds),
        Command::Replay { seed, whole } => replay(seed, whole),
    };
    if is_kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn simulate(from: u64, seeds: u64) -> bool {
    let progress = ProgressBar::new(seeds);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} worlds, {per_sec}, {eta} left") {
        progress.set_style(style);
    }
    let next = AtomicU64::new(from);
    let tally = Mutex::new(Tally::default());
    let end = from.saturating_add(seeds);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| work(&next, end, &tally, &progress));
        }
    });
    let worlds = progress.position();
    progress.finish_and_clear();
    let tally = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut text = format!("{worlds} worlds, {} lines\n", tally.lines);
    for (kind, count) in &tally.kinds {
        text += &format!("{count:>10} {kind}\n");
    }
    if let Some((seed, violations)) = &tally.failed {
        text += &format!("seed {seed} failed:\n  {}\n", violations.join("\n  "));
        text += &format!("run `cargo run -p simulation -- replay {seed}`, and add {seed} to simulation/seeds.txt\n");
    }
    say(&text);
    tally.failed.is_none()
}

fn work(next: &AtomicU64, end: u64, tally: &Mutex<Tally>, progress: &ProgressBar) {
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= end || tally.lock().unwrap_or_else(PoisonError::into_inner).failed.is_some() {
            return;
        }
        let plan = Plan::new(seed);
        let outcome = run_world(&plan, false);
        progress.inc(1);
        let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.lines += outcome.lines;
        for event in &plan.events {
            *tally.kinds.entry(event.kind()).or_default() += 1;
        }
        if !outcome.violations.is_empty() && tally.failed.as_ref().is_none_or(|(failed, _)| seed < *failed) {
            tally.failed = Some((seed, outcome.violations));
        }
    }
}

fn replay(seed: u64, whole: bool) -> bool {
    let mut plan = Plan::new(seed);
    let is_kept = run_world(&plan, false).violations.is_empty();
    if !is_kept && !whole {
        plan = shrink(&plan);
    }
    let outcome = run_world(&plan, true);
    let head = format!(
        "seed {seed}: {} instances that keep {} versions\n{:#?}\n",
        plan.instances, plan.versions_max, plan.clients
    );
    say(&format!("{head}{}\n{}\n{}\n", outcome.text.join("\n"), outcome.violations.join("\n"), outcome.hash));
    is_kept
}

fn say(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}
