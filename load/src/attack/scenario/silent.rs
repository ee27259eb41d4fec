//! Connections that say nothing.

use super::super::attacker::{Attacker, end};
use super::super::ends::Ends;

/// Opens connections and waits.
pub(super) async fn attack(attacker: &Attacker) -> Ends {
    attacker.with_each(|attacker, mut stream| async move { end(&attacker, &mut stream).await.into() }).await
}
