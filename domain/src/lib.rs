//! The rules of the autoupdate service: what a meeting is, who sees what of it, and what changed.
//!
//! Everything here is synchronous, reads no clock, no environment and no file, and cannot fail: functions take
//! values and return values and diagnostics; the edges (`adapters`) log and do the input and output.

mod block;
pub mod collection;
pub mod element;
pub mod facts;
pub mod ids;
pub mod json;
pub mod meeting;
pub mod permission;
pub mod ports;
pub mod required_users;
pub mod restriction;
pub mod viewer;
