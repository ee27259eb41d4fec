//! What do tests need on the other side of the adapters? A Redis in process, a real one, and somebody who writes there in
//! the way of the OpenSlides server.

use std::io::Write as _;

pub mod fake_redis;
pub mod openslides;
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

/// Says that a test was passed over because of something that shows only when it runs, so that nobody overlooks it. (A test
/// that needs a program is ignored, see `build.rs`.)
///
/// # Panics
/// If the environment variable `CI` is `true`: there nothing is passed over.
#[track_caller]
pub fn skip(why: &str) {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{why}");
    // Past the test runner, which keeps back what `eprintln!` says in a test that passes.
    let _ = writeln!(std::io::stderr(), "\n!!! SKIPPED: {why}\n");
}
