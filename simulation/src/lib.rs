//! Does the service keep its promise whatever happens around it? Simulates whole worlds, each determined by a seed: the
//! service as shipped, a fake Redis, clients, and everything that can go wrong.
//!
//! [`event`] lists what can happen, [`plan`] decides what does, [`world`] makes it happen, and [`check`] says what must
//! hold.

/// The allocator of the service. A quarter of the time of a world went into that of the system.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub mod check;
mod client;
mod clock;
pub mod command;
mod connection;
mod control;
mod decoder;
mod encryption;
pub mod event;
mod instance;
mod mail;
mod network;
mod nodes;
pub mod plan;
mod request;
mod server;
pub mod shrink;
mod slides;
mod tab;
pub mod trace;
pub mod world;
