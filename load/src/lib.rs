//! How does an autoupdate service behave under load? Everything of the program `load` but its command line.
//!
//! It measures a service on the same machine: it fills a Redis with a generated meeting, opens thousands of real
//! connections, changes the meeting in the way of the OpenSlides server, and tells what that cost. It works against the
//! loopback interface alone, and its counts and times are bounded.

pub mod client;
pub mod error;
pub mod floor;
pub mod moment;
pub mod process;
pub mod publisher;
pub mod report;
pub mod scenario;
pub mod server;
pub mod session;
pub mod statistics;
pub mod target;
