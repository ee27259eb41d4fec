//! What do tests need on the other side of the adapters? A Redis in process, a real one, and somebody who writes there in
//! the way of the OpenSlides server.

pub mod fake_redis;
pub mod openslides;
pub mod redis_server;
pub mod trace;

#[cfg(test)]
mod contract_tests;
#[cfg(test)]
mod django_tests;
#[cfg(test)]
mod redis_tests;
#[cfg(test)]
mod trace_tests;

/// Says that tests were passed over because a program is missing, so that nobody overlooks it.
///
/// # Panics
/// If the environment variable `CI` is `true`: there nothing is passed over.
#[track_caller]
pub fn skip(why: &str) {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{why}");
    say_skipped(why);
}

/// Says that tests were passed over because recorded cases are missing.
#[expect(clippy::print_stderr, reason = "tests have no other way to be heard")]
pub fn say_skipped(why: &str) {
    eprintln!("\n!!! SKIPPED: {why}\n");
}
