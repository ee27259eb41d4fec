//! Do `domain` and `application` depend only on what they may? (docs/ARCHITECTURE.md, What always holds)
//!
//! On Linux, for which the service is built: what other systems need in addition is not downloaded by a build.
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::process::Command;

/// Everything in the dependency tree of `domain`: no runtime, no lock, no cache, no compression, no network, no clock,
/// no randomness from outside. Add to it only on purpose.
const DOMAIN: &[&str] = &[
    "archery",
    "async-trait",
    "bytemuck",
    "domain",
    "equivalent",
    "imbl",
    "imbl-sized-chunks",
    "itoa",
    "memchr",
    "proc-macro2",
    "quote",
    "rand_core",
    "rand_xoshiro",
    "safe_arch",
    "serde",
    "serde_core",
    "serde_derive",
    "serde_json",
    "syn",
    "thiserror",
    "thiserror-impl",
    "unicode-ident",
    "wide",
    "zmij",
];

/// What `application` has in addition: locks, caches, compression and the runtime's channels, but no HTTP, Redis or
/// TLS.
const APPLICATION: &[&str] = &[
    "allocator-api2",
    "application",
    "bytes",
    "cfg-if",
    "flate2",
    "foldhash",
    "futures-core",
    "futures-sink",
    "futures-task",
    "futures-timer",
    "futures-util",
    "governor",
    "hashbrown",
    "libc",
    "lock_api",
    "nonzero_ext",
    "once_cell",
    "parking_lot",
    "parking_lot_core",
    "pin-project-lite",
    "portable-atomic",
    "quick_cache",
    "scopeguard",
    "slab",
    "smallvec",
    "spinning_top",
    "tokio",
    "tokio-macros",
    "tracing",
    "tracing-attributes",
    "tracing-core",
    "web-time",
    "zlib-rs",
    "zstd",
    "zstd-safe",
    "zstd-sys",
];

/// The features of the runtime that `application` uses: waiting and channels, but no I/O.
const APPLICATION_RUNTIME: [&str; 5] = ["macros", "rt", "sync", "time", "tokio-macros"];

/// The packages in the dependency tree of `package`, in this format.
fn tree(package: &str, format: &str) -> BTreeSet<String> {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--package", package, "--edges", "normal"])
        .args(["--prefix", "none", "--format", format])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo");
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let tree = String::from_utf8(tree.stdout).expect("UTF-8");
    tree.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[track_caller]
fn check(package: &str, allowed: &[&[&str]]) {
    let found = tree(package, "{p}");
    let found: BTreeSet<&str> = found.iter().filter_map(|line| line.split(' ').next()).collect();
    let allowed: BTreeSet<&str> = allowed.concat().into_iter().collect();
    let more: Vec<_> = found.difference(&allowed).collect();
    let fewer: Vec<_> = allowed.difference(&found).collect();
    assert!(more.is_empty(), "{package} depends on {more:?}, which is not on the list");
    assert!(fewer.is_empty(), "{package} no longer depends on {fewer:?}: take them off the list");
}

#[test]
fn the_domain_depends_only_on_what_is_allowed() {
    check("domain", &[DOMAIN]);
}

#[test]
fn the_application_depends_only_on_what_is_allowed() {
    check("application", &[DOMAIN, APPLICATION]);
}

#[test]
fn the_application_uses_only_allowed_features_of_the_runtime() {
    let lines = tree("application", "{p}|{f}");
    let tokio = lines.iter().find(|line| line.starts_with("tokio v")).expect("tokio");
    let features = tokio.split('|').nth(1).map(|features| features.trim_end_matches(" (*)"));
    assert_eq!(features, Some(APPLICATION_RUNTIME.join(",").as_str()));
}
