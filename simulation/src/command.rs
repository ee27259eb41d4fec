//! What does the command line offer?

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write as _;
use std::num::{NonZeroU64, NonZeroUsize};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use clap::{Args, Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};

use crate::plan::Plan;
use crate::shrink::shrink;
use crate::world::{Outcome, run as run_world};

/// Runs the autoupdate service in simulated worlds.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs worlds until one breaks a promise.
    Simulate(Worlds),
    /// Runs one world, shrinks it if it breaks a promise, and prints everything that happened.
    Replay {
        /// The seed of the world.
        seed: u64,
        /// Does not shrink the world.
        #[arg(long)]
        whole: bool,
    },
}

#[derive(Clone, Debug, Args)]
struct Worlds {
    /// How many worlds to run.
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The seed of the first world.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// How many worlds to run at once. [default: as many as there are cores]
    #[arg(long)]
    jobs: Option<NonZeroUsize>,
    /// Prints the results so far after each so many worlds, for runs that may be interrupted.
    #[arg(long)]
    every: Option<NonZeroU64>,
    /// Goes on after a broken promise.
    #[arg(long)]
    go_on: bool,
}

/// The results of many worlds.
#[derive(Default)]
struct Tally {
    worlds: u64,
    lines: u64,
    kinds: BTreeMap<String, u64>,
    failed: BTreeMap<u64, Vec<String>>,
}

impl Tally {
    fn add(&mut self, seed: u64, outcome: Outcome) {
        self.worlds += 1;
        self.lines += outcome.lines;
        for (kind, count) in outcome.happened {
            *self.kinds.entry(kind).or_default() += count;
        }
        if !outcome.violations.is_empty() {
            self.failed.insert(seed, outcome.violations);
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{} worlds, {} lines", self.worlds, self.lines)?;
        for (kind, count) in &self.kinds {
            writeln!(formatter, "{count:>10} {kind}")?;
        }
        for (seed, violations) in &self.failed {
            writeln!(formatter, "seed {seed} failed:\n  {}", violations.join("\n  "))?;
            writeln!(
                formatter,
                "run `cargo run -p simulation -- replay {seed}`, and add {seed} to simulation/seeds.txt"
            )?;
        }
        Ok(())
    }
}

/// Runs the command given by the program's arguments. The exit code is 1 if a promise was broken.
#[must_use]
pub fn run() -> ExitCode {
    let is_kept = match Arguments::parse().command {
        Command::Simulate(wanted) => simulate(&wanted),
        Command::Replay { seed, whole } => replay(seed, whole),
    };
    if is_kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn simulate(wanted: &Worlds) -> bool {
    let progress = ProgressBar::new(wanted.seeds);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} worlds, {per_sec}, {eta} left") {
        progress.set_style(style);
    }
    let next = AtomicU64::new(wanted.from);
    let tally = Mutex::new(Tally::default());
    let jobs = wanted.jobs.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| work(wanted, &next, &tally, &progress));
        }
    });
    progress.finish_and_clear();
    let tally = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
    say(&tally.to_string());
    tally.failed.is_empty()
}

fn work(wanted: &Worlds, next: &AtomicU64, tally: &Mutex<Tally>, progress: &ProgressBar) {
    let end = wanted.from.saturating_add(wanted.seeds);
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        let is_over = !wanted.go_on && !tally.lock().unwrap_or_else(PoisonError::into_inner).failed.is_empty();
        if seed >= end || is_over {
            return;
        }
        let outcome = run_world(&Plan::new(seed), false);
        progress.inc(1);
        let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.add(seed, outcome);
        if wanted.every.is_some_and(|every| tally.worlds % every == 0) {
            say(&tally.to_string());
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
        "seed {seed}: {} instances that keep {} versions, {} sentinels\n{:#?}\n",
        plan.instances,
        plan.versions_max,
        if plan.has_sentinels { "with" } else { "no" },
        plan.clients
    );
    say(&format!("{head}{}\n{}\n{}\n", outcome.text.join("\n"), outcome.violations.join("\n"), outcome.hash));
    is_kept
}

fn say(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}
