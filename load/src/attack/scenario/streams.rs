//! Thousands of streams of one user, each on a connection of its own.

use super::super::attacker::{Attacker, end, send};
use super::super::ends::Ends;

/// Opens streams and keeps them.
pub(super) async fn attack(attacker: &Attacker) -> Ends {
    attacker
        .with_each(|attacker, mut stream| async move {
            send(&mut stream, format!("{}\r\n", attacker.head("GET", "/system/notify")).as_bytes()).await;
            end(&attacker, &mut stream).await.into()
        })
        .await
}
