//! Does the service keep its promise whatever happens around it? Whole worlds, decided by a seed alone: the service as it
//! ships, a Redis in process, clients, and everything that goes wrong.
//!
//! [`plan`] decides what happens, [`event`] says what may happen, [`world`] lets it happen, and [`check`] says what must
//! hold.

pub mod check;
mod client;
mod clock;
pub mod command;
mod connection;
mod control;
mod decoder;
pub mod event;
mod instance;
mod mail;
mod network;
pub mod plan;
mod request;
mod server;
pub mod shrink;
mod slides;
mod tab;
pub mod trace;
pub mod world;
