//! How are the HTTP libraries configured?

use std::time::Duration;

use super::limits::{
    BODY_WINDOW_BYTES, FRAME_BYTES_MAX, FRAME_OVERHEAD_BYTES_MAX, HEADER_BYTES_MAX, HEADER_TABLE_BYTES, Limits,
    MISTAKES_MAX, OPEN_REQUESTS_MAX, RESET_STREAM_TIME, RESET_STREAMS_MAX, TAKEN_BYTES_MAX, UNSEEN_RESETS_MAX,
};

/// How HTTP/1.1 is spoken: the library's configuration, and how long a client may take.
#[derive(Clone, Debug)]
pub(super) struct Http1Options {
    pub(super) builder: hyper::server::conn::http1::Builder,
    /// How long a request header may take, from its first byte.
    pub(super) header: Duration,
    /// How long a connection without a request is kept.
    pub(super) unused: Duration,
}

impl Http1Options {
    /// Returns the options for these limits.
    pub(super) fn of(limits: &Limits) -> Self {
        let mut builder = hyper::server::conn::http1::Builder::new();
        builder
            // The time of a header is measured here, so that an unused connection may stay longer (see `http1`).
            .header_read_timeout(None)
            .max_header_size(HEADER_BYTES_MAX)
            // Bounds the read buffer. Streams are sent without the library (see `http1_stream`).
            .max_buf_size(HEADER_BYTES_MAX);
        Self { builder, header: limits.header, unused: limits.unused }
    }
}

/// How HTTP/2 is spoken: the library's configuration, and how long a client may take.
#[derive(Clone, Debug)]
pub(super) struct Http2Options {
    pub(super) builder: h2::server::Builder,
    /// How long the first frames may take.
    pub(super) first_bytes: Duration,
    /// How often a client is pinged.
    pub(super) ping_interval: Duration,
    /// How long it may take to answer, and to close a connection after a GOAWAY; then the connection is cut.
    pub(super) ping_timeout: Duration,
    /// How long a connection without streams is kept.
    pub(super) unused: Duration,
}

impl Http2Options {
    /// Returns the options for these limits.
    pub(super) fn of(limits: &Limits) -> Self {
        let mut builder = h2::server::Builder::new();
        builder
            .max_concurrent_streams(OPEN_REQUESTS_MAX)
            .max_header_list_size(HEADER_BYTES_MAX as u32)
            .header_table_size(HEADER_TABLE_BYTES)
            .max_frame_size(FRAME_BYTES_MAX)
            .initial_window_size(BODY_WINDOW_BYTES)
            .initial_connection_window_size(BODY_WINDOW_BYTES)
            .max_send_buffer_size(TAKEN_BYTES_MAX)
            .max_concurrent_reset_streams(RESET_STREAMS_MAX)
            .reset_stream_duration(RESET_STREAM_TIME)
            .max_pending_accept_reset_streams(UNSEEN_RESETS_MAX)
            .max_local_error_reset_streams(Some(MISTAKES_MAX))
            .data_frame_budget(FRAME_OVERHEAD_BYTES_MAX);
        Self {
            builder,
            first_bytes: limits.first_bytes,
            ping_interval: limits.ping_interval,
            ping_timeout: limits.ping_timeout,
            unused: limits.unused,
        }
    }
}
