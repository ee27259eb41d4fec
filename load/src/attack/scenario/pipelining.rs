//! Requests that follow one for a stream, on a connection whose last response that is.

use super::super::attacker::{Attacker, Sent, end, send};
use super::super::ends::Ends;

/// How many requests go out with one write.
const BATCH: usize = 100;

/// Asks for a stream, and then for more without reading.
pub(super) async fn attack(attacker: &Attacker) -> Ends {
    attacker
        .with_each(|attacker, mut stream| async move {
            send(&mut stream, format!("{}\r\n", attacker.head("GET", "/system/autoupdate")).as_bytes()).await;
            let more = format!("{}\r\n", attacker.head("GET", "/system/health")).repeat(BATCH);
            while !attacker.is_over() && send(&mut stream, more.as_bytes()).await == Sent::Taken {
                tokio::task::yield_now().await;
            }
            end(&attacker, &mut stream).await.into()
        })
        .await
}
