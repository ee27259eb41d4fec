//! So many connections that the service has no descriptor left, from an address that may have as many as it likes.

use super::super::attacker::Attacker;
use super::super::ends::Ends;
use super::silent;

/// Opens connections from the address of the proxy.
pub(super) async fn attack(attacker: &Attacker) -> Ends {
    silent::attack(&Attacker { from: None, ..attacker.clone() }).await
}
