//! Does the page in a real browser show what the service sends, over HTTPS and HTTP/2?
//!
//! Most tests drive Debian's `chromium` with its `chromedriver`; `firefox.rs` repeats some of them in `firefox-esr` with
//! `geckodriver`. Where these are missing the tests are ignored, and fail with `CI=true`. No test sleeps: every wait is
//! for something on the page, and bounded.

#[expect(dead_code, unused_imports, reason = "shared with the tests of the service, which use more of it")]
#[path = "../service/harness/mod.rs"]
mod harness;

mod browser;
mod driver;
mod figures;
mod firefox;
mod inspector;
mod meeting;
mod pictures;
mod real_meeting;
mod voices;
