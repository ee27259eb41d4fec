//! Does the whole service do over real sockets what its clients and operators rely on?
//!
//! Most tests run the service in process, on a fake Redis; those that use `Process` run the real program, some on a
//! real
//! `redis-server`. No test sleeps: every wait is for an event, and bounded.

mod harness;

mod check;
mod command_line;
mod demo;
mod descriptors;
mod errors;
mod healing;
mod inspector;
mod journal;
mod log_output;
mod log_requests;
mod monitoring;
mod notify;
mod processes;
mod projector;
mod protocols;
mod proxies;
mod readiness;
mod real_redis;
mod reconnecting;
mod recorded;
mod rights;
mod service_manager;
mod sessions;
mod signals;
mod sockets;
mod stopping;
mod streams;
