//! How do clients reach the service? (spec: http.md#routes)
//!
//! [`server::serve`] accepts connections, [`connection`] detects what each speaks and serves it, [`router`] finds the
//! endpoint of a request and gives every failure its one form ([`error`]).

pub mod acceptor;
pub mod address;
pub mod applause;
pub mod auth;
pub mod autoupdate;
pub mod body;
pub mod client_address;
pub mod connection;
mod connection_error;
pub mod counters;
pub mod drain;
pub mod error;
pub mod explain;
mod framing;
pub mod health;
pub(crate) mod host;
mod http1;
mod http1_stream;
mod http2;
pub mod limits;
pub mod listen;
pub mod metrics;
pub mod notify;
pub mod notify_send;
mod options;
mod page;
pub mod probe;
pub mod projector;
mod request_log;
pub mod route;
pub mod router;
pub mod server;
mod sniff;
pub mod socket_acceptor;
pub mod stream_response;
#[cfg(test)]
mod test_support;
pub mod unix_socket;
pub mod viewing_as;
pub mod wire;
