//! Does the page show in a real browser what the service gives, over HTTPS and HTTP/2?
//!
//! Most tests drive Debian's `chromium` with its `chromedriver`; `firefox.rs` repeats some of them in `firefox-esr` with
//! `geckodriver`. Where these are missing the tests are ignored, and fail with `CI=true`. Nothing waits for a time to pass: every wait is for something on the page, and bounded.

#[expect(dead_code, unused_imports, reason = "what these tests share with those of the service, which use more of it")]
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
