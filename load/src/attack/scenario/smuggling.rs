//! Requests whose length two programs may understand differently, so that one takes for a request what the other takes
//! for a body (RFC 9112, section 11.2).

use tokio::io::AsyncReadExt;
use tokio::time::{Instant, timeout_at};

use super::super::attacker::{Attacker, CLOSED, OPEN, send, status};
use super::super::ends::Ends;

/// Ways to say how long a body is. The first of each pair is one that some program understands, the second contradicts
/// it, or is not understood by all. `N` stands for the number of bytes that hide the request.
const LENGTHS: [(&str, &str); 28] = [
    ("Content-Length: N", "Transfer-Encoding: chunked"),
    ("Transfer-Encoding: chunked", "Content-Length: N"),
    ("Content-Length: N", "Content-Length: 5"),
    ("Content-Length: 5", "Content-Length: N"),
    ("Content-Length: N", "Transfer-Encoding: identity"),
    ("Transfer-Encoding: identity", "Content-Length: N"),
    ("Content-Length: N", "Transfer-Encoding: xchunked"),
    ("Content-Length: N", "Transfer-Encoding: chunked, identity"),
    ("Content-Length: N", "Transfer-Encoding: identity, chunked"),
    ("Content-Length: N", "Transfer-Encoding : chunked"),
    ("Content-Length: N", " Transfer-Encoding: chunked"),
    ("Content-Length: N", "Transfer-Encoding:\u{b}chunked"),
    ("Content-Length: N", "Transfer-Encoding: \"chunked\""),
    ("Content-Length: N", "X: y\r\n Transfer-Encoding: chunked"),
    ("Content-Length: N", "Transfer-Encoding\r\n : chunked"),
    ("Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
    ("Transfer-Encoding: identity", "Transfer-Encoding: chunked"),
    ("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
    ("Transfer-Encoding: chunked, chunked", "X: y"),
    ("Transfer-Encoding: xchunked", "X: y"),
    ("Transfer-Encoding: chunked, identity", "X: y"),
    ("Content-Length: +5", "X: y"),
    ("Content-Length: -5", "X: y"),
    ("Content-Length: 0x5", "X: y"),
    ("Content-Length: 5, 6", "X: y"),
    ("Content-Length: 5 5", "X: y"),
    ("Content-Length : 5", "X: y"),
    ("Content-Length: 99999999999999999999", "X: y"),
];

/// How each of them must end.
const REFUSED: &str = "400, closed";

/// A chunked body of nothing, or five bytes; what follows is the hidden request.
const BODY: &str = "0\r\n\r\n";

/// Sends each pair, with a request hidden behind, and counts what was answered.
pub(super) async fn attack(attacker: &Attacker) -> Ends {
    let mut ends = Ends::default();
    for (first, second) in LENGTHS {
        for version in ["1.1", "1.0"] {
            let end = match smuggle(attacker, first, second, version).await {
                Ok(end) => end,
                Err(error) => format!("not connected: {error}"),
            };
            ends.add(if end == REFUSED { end } else { format!("{end} ({first}; {second}; HTTP/{version})") });
        }
    }
    ends
}

async fn smuggle(attacker: &Attacker, first: &str, second: &str, version: &str) -> std::io::Result<String> {
    let hidden = "GET /system/hidden HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let number = (BODY.len() + hidden.len()).to_string();
    let head = attacker.head("POST", "/system/applause").replace("HTTP/1.1", &format!("HTTP/{version}"));
    let lengths = format!("{first}\r\n{second}\r\n").replace('N', &number);
    let mut stream = attacker.connect().await?;
    // With HTTP/1.0 the connection goes on only on request.
    let request = format!("{head}Connection: keep-alive\r\n{lengths}\r\n{BODY}{hidden}");
    send(&mut stream, request.as_bytes()).await;
    let until = attacker.until.min(Instant::now() + ANSWER_TIME);
    let (mut heard, mut buffer) = (Vec::new(), [0; 4096]);
    let end = loop {
        match timeout_at(until, stream.read(&mut buffer)).await {
            Err(_) => break OPEN,
            Ok(Ok(0) | Err(_)) => break CLOSED,
            Ok(Ok(read)) => heard.extend_from_slice(&buffer[..read]),
        }
    };
    let answers = memchr::memmem::find_iter(&heard, b"HTTP/1.").filter_map(|place| status(&heard[place..]));
    Ok([answers.collect::<Vec<_>>().join(" then "), end.to_owned()].join(", "))
}

/// How long an answer may take.
const ANSWER_TIME: std::time::Duration = std::time::Duration::from_millis(500);
