//! Why does a connection end before its client wants?

use std::fmt::Display;
use std::io;
use std::time::Duration;

/// Why a connection ended before its client wanted.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectionError {
    #[error("the client sent nothing usable within {} seconds", .0.as_secs_f32())]
    TooSlow(Duration),
    #[error("its address has as many connections as it may (CONNECTIONS_PER_ADDRESS_MAX)")]
    TooMany,
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("{}", with_cause(.0))]
    Http1(hyper::Error),
    #[error(transparent)]
    Http2(#[from] h2::Error),
}

fn with_cause(error: &(dyn std::error::Error + 'static)) -> impl Display {
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
