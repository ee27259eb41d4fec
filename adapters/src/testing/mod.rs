//! What do tests need on the other side of the adapters? A Redis in process, a real one, and something that writes to
//! it as the OpenSlides server does.

use std::io::Write as _;

pub mod fake_redis;
pub mod openslides;
pub mod readers;
pub mod redis_server;
pub mod trace;

#[cfg(test)]
mod acl_tests;
#[cfg(test)]
mod contract_tests;
#[cfg(test)]
mod django_tests;
#[cfg(test)]
mod redis_tests;
#[cfg(test)]
mod refusal_tests;
#[cfg(test)]
mod sentinel_tests;
#[cfg(test)]
mod tls_front;
#[cfg(test)]
mod trace_tests;

/// Reports visibly that a test was skipped, for a reason that shows only when it runs. (A test that needs a program is
/// ignored at build time, see `build.rs`.)
///
/// # Panics
/// If the environment variable `CI` is `true`: there, no test may be skipped.
#[track_caller]
pub fn skip(why: &str) {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{why}");
    // Bypasses the test runner, which hides the output of `eprintln!` in a test that passes.
    let _ = writeln!(std::io::stderr(), "\n!!! SKIPPED: {why}\n");
}
