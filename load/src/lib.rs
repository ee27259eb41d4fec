//! How does an autoupdate service behave under load? This library is the program `load` without its command line.
//!
//! It measures a service on the same machine: it fills a Redis with a generated meeting, opens thousands of real
//! connections, changes the meeting the way the OpenSlides server does, and reports the cost. For that it only connects
//! to loopback addresses.
//!
//! It rehearses with an installation wherever that is, through its proxy, and records meetings so that faults can be
//! reported with them. Its counts and times are bounded.

pub mod attack;
pub mod client;
pub mod error;
pub mod faults;
pub mod floor;
pub mod moment;
pub mod process;
pub mod publisher;
pub mod recording;
pub mod rehearse;
pub mod report;
pub mod scenario;
pub mod server;
pub mod session;
pub mod statistics;
pub mod target;
