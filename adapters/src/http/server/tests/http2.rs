//! Is HTTP/2 served as its clients need it, and can none of them harm the others?
//!
//! A client of these tests writes and reads single frames, right or wrong. Time is paused: it passes only when nobody has
//! anything to do, so that "nothing comes" is something that a test can wait for.

mod abuse;
mod client;
mod ending;
mod frames;
mod requests;
pub(super) mod service;
mod windows;
