//! Does the domain depend on what it may, and on nothing else? (docs/ARCHITECTURE.md, Layers)

use std::collections::BTreeSet;
use std::process::Command;

/// Everything in the domain's dependency tree: no runtime, no network, no clock, no randomness from outside. What is added
/// here is added on purpose.
const ALLOWED: &[&str] = &[
    "archery",
    "async-trait",
    "bitflags",
    "bytemuck",
    "bytes",
    "cfg-if",
    "domain",
    "equivalent",
    "flate2",
    "foldhash",
    "hashbrown",
    "imbl",
    "imbl-sized-chunks",
    "itoa",
    "libc",
    "lock_api",
    "memchr",
    "parking_lot",
    "parking_lot_core",
    "pin-project-lite",
    "proc-macro2",
    "quick_cache",
    "quote",
    "rand_core",
    "rand_xoshiro",
    "redox_syscall",
    "safe_arch",
    "scopeguard",
    "serde",
    "serde_core",
    "serde_derive",
    "serde_json",
    "smallvec",
    "syn",
    "thiserror",
    "thiserror-impl",
    "tokio",
    "unicode-ident",
    "wide",
    "windows-link",
    "zlib-rs",
    "zmij",
    "zstd",
    "zstd-safe",
    "zstd-sys",
];

#[test]
fn the_domain_depends_on_nothing_but_what_is_allowed() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--package", "domain", "--edges", "normal", "--target", "all"])
        .args(["--prefix", "none", "--format", "{p}"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo");
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let tree = String::from_utf8(tree.stdout).expect("UTF-8");
    let found: BTreeSet<_> =
        tree.lines().filter_map(|line| line.split(' ').next()).filter(|name| !name.is_empty()).collect();
    let allowed: BTreeSet<_> = ALLOWED.iter().copied().collect();
    let more: Vec<_> = found.difference(&allowed).collect();
    let fewer: Vec<_> = allowed.difference(&found).collect();
    assert!(more.is_empty(), "the domain came to depend on {more:?}");
    assert!(fewer.is_empty(), "the domain no longer depends on {fewer:?}: take them off the list");
}

#[test]
fn the_domain_uses_no_more_of_the_runtime_than_its_locks_and_channels() {
    let features = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--package", "domain", "--edges", "normal", "--prefix", "none"])
        .args(["--format", "{p}|{f}"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo");
    let features = String::from_utf8(features.stdout).expect("UTF-8");
    let tokio = features.lines().find(|line| line.starts_with("tokio v")).expect("tokio");
    assert_eq!(tokio.split('|').nth(1).map(|features| features.trim_end_matches(" (*)")), Some("sync"));
}
