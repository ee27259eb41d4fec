//! The rules of the autoupdate service: what a meeting is, who sees what of it, and what changed.
//!
//! Everything here is a value or a function of values. It reads no clock, no environment and no file, keeps no state
//! (no lock, no cache), and cannot fail: functions return values and problems; the edges log them. Only the [`ports`]
//! are asynchronous, and only in their signatures.

// First: the macro for wire names is only known after this line.
#[macro_use]
mod words;

pub use words::{collection, ids, json, permission, reach};

pub mod access;
pub mod applause;
pub mod difference;
pub mod element;
pub mod explanation;
pub mod meeting;
pub mod notify;
pub mod ports;
pub mod projector;
pub mod restriction;
pub mod slide;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
