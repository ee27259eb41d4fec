//! The rules of the autoupdate service: what a meeting is, who sees what of it, and what changed.
//!
//! Everything here is synchronous, reads no clock, no environment and no file, and cannot fail: functions take
//! values and return values and diagnostics; the edges (`adapters`) log and do the input and output.

// First: the macro is known only behind this line.
#[macro_use]
mod wire_names;

pub mod access;
pub mod applause;
mod block;
pub mod catch_up;
pub mod collection;
pub mod cursor;
pub mod deflate;
pub mod difference;
pub mod element;
pub mod facts;
pub mod history;
pub mod ids;
pub mod json;
pub mod line;
pub mod live;
pub mod meeting;
pub mod notify;
mod once_map;
pub mod permission;
mod piece;
pub mod ports;
pub mod projector;
pub mod reach;
pub mod required_users;
pub mod restriction;
pub mod right;
pub mod slide;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod viewer;
mod zstd_frame;
