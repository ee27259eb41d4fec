//! Is HTTP/2 served correctly, and can no client harm the others?
//!
//! The client of these tests writes and reads single frames, valid or not. Time is paused: it advances only when every
//! task is idle, so a test can wait for "nothing arrives".

mod abuse;
mod client;
mod ending;
mod frames;
mod requests;
pub(super) mod service;
mod windows;
