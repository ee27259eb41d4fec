//! The edges of the autoupdate service: every adapter of a port of the domain, and the ways in from outside.

pub mod http;
pub mod tls;
