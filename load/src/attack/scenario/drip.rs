//! A request header that comes byte by byte.

use std::time::Duration;

use tokio::time::{sleep, timeout_at};

use super::super::attacker::{Attacker, CLOSED, Sent, end, send};
use super::super::ends::Ends;

/// The pause between two bytes.
const PAUSE: Duration = Duration::from_millis(500);

/// Sends the beginning of a request at once, and then a header field that never ends.
pub(super) async fn attack(attacker: &Attacker) -> Ends {
    attacker
        .with_each(|attacker, mut stream| async move {
            let (mut reading, mut writing) = stream.split();
            let drip = async {
                send(&mut writing, b"GET /system/health HTTP/1.1\r\nHost: localhost\r\nX: ").await;
                while send(&mut writing, b"x").await == Sent::Taken {
                    sleep(PAUSE).await;
                }
            };
            let ended = end(&attacker, &mut reading);
            tokio::select! {
                ended = ended => ended.into(),
                // Whatever was heard before.
                _ = timeout_at(attacker.until, drip) => CLOSED.into(),
            }
        })
        .await
}
