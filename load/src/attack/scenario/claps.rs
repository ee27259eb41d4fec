//! Applause of one user, a thousand times a second.

use super::super::attacker::Attacker;
use super::super::ends::Ends;
use super::sends::repeat;

/// Applauds.
pub(super) async fn attack(attacker: &Attacker) -> Ends {
    repeat(attacker, format!("{}Content-Length: 0\r\n\r\n", attacker.head("POST", "/system/applause"))).await
}
