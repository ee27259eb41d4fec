//! A thousand messages a second of one user.

use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::{MissedTickBehavior, interval};

use super::super::attacker::{Attacker, CLOSED};
use super::super::ends::Ends;

/// How many connections send. Each of them sends a hundred times a second.
const CONNECTIONS: usize = 10;

/// The pause between two messages of a connection.
const PAUSE: Duration = Duration::from_millis(10);

/// Sends messages to nobody.
pub(super) async fn attack(attacker: &Attacker) -> Ends {
    let body = format!(r#"{{"channel_id": "attack00:{}:0", "name": "attack", "message": null}}"#, attacker.user);
    let head = attacker.head("POST", "/system/notify/send");
    repeat(attacker, format!("{head}Content-Length: {}\r\n\r\n{body}", body.len())).await
}

/// Sends `request` a thousand times a second, and counts the answers.
pub(super) async fn repeat(attacker: &Attacker, request: String) -> Ends {
    let some = Attacker { count: CONNECTIONS.min(attacker.count), ..attacker.clone() };
    some.with_each(|attacker, stream| repeat_on(attacker, stream, request.clone())).await
}

async fn repeat_on(attacker: Attacker, stream: TcpStream, request: String) -> Ends {
    let mut stream = BufReader::new(stream);
    let mut ends = Ends::default();
    let mut ticks = interval(PAUSE);
    // A service that is slow gets no more at once for it.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !attacker.is_over() {
        ticks.tick().await;
        match answer(&mut stream, &request).await {
            Ok(status) => ends.add(status),
            Err(_) => {
                ends.add(CLOSED);
                break;
            }
        }
    }
    ends
}

/// Sends a request, and returns the status of the answer.
async fn answer(stream: &mut BufReader<TcpStream>, request: &str) -> std::io::Result<String> {
    stream.write_all(request.as_bytes()).await?;
    let mut status = String::new();
    stream.read_line(&mut status).await?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Err(std::io::Error::other("the answer ended"));
        }
        match line.trim_end().to_ascii_lowercase().strip_prefix("content-length: ") {
            Some(value) => length = value.parse().unwrap_or(0),
            None if line.trim_end().is_empty() => break,
            None => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(status.get(9..12).unwrap_or("no status").to_owned())
}
