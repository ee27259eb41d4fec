//! TLS handshakes that are begun and never finished.

use super::super::attacker::{Attacker, end, send};
use super::super::ends::Ends;

/// The head of a record with a handshake of 512 bytes, and its first byte: a client's greeting.
const BEGINNING: &[u8] = &[0x16, 0x03, 0x01, 0x02, 0x00, 0x01];

/// Begins a handshake and waits.
pub(super) async fn attack(attacker: &Attacker) -> Ends {
    attacker
        .with_each(|attacker, mut stream| async move {
            send(&mut stream, BEGINNING).await;
            end(&attacker, &mut stream).await.into()
        })
        .await
}
