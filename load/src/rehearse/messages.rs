//! How long does a message take from one client to all others? Sent through the public route, as browsers do.
//!
//! The messages are addressed to the clients of the rehearsal alone, so nobody else receives them.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep};

use super::client::Client;
use super::{Observer, Rehearsal};
use crate::moment::now_micros;

/// How long before the end the last message is sent, so that it can arrive.
const LAST_BEFORE_END: Duration = Duration::from_secs(2);

/// Sends a message at each interval, each time from another client, until shortly before the end.
pub(super) async fn send(rehearsal: Arc<Rehearsal>, clients: Vec<Arc<Client>>, every: Duration, end: Instant) {
    // Numbers of two rehearsals at the same time differ.
    let mut number = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros() as u64;
    let mut ticks = interval(every);
    // A message that is not answered must not keep the next ones from being sent: a service that hangs would look well.
    let mut sending = JoinSet::new();
    while ticks.tick().await + LAST_BEFORE_END < end {
        let channels = rehearsal.logbook().channels();
        let senders: Vec<&(usize, String)> = channels.iter().filter(|(_, channel)| is_logged_in(channel)).collect();
        let Some((sender, channel)) = senders.get(number as usize % senders.len().max(1)) else { continue };
        number += 1;
        let recipients: Vec<&String> = channels.iter().map(|(_, channel)| channel).collect();
        let content = json!({"channel_id": channel, "name": "load", "message": number, "to_channels": recipients});
        rehearsal.logbook().sends(number);
        let (client, rehearsal, listeners) = (Arc::clone(&clients[*sender]), Arc::clone(&rehearsal), channels.len());
        sending.spawn(async move {
            match client.send_message(content.to_string()).await {
                Ok(()) => rehearsal.logbook().was_sent(listeners),
                Err(trouble) => rehearsal.logbook().trouble(trouble.to_string()),
            }
        });
        while sending.try_join_next().is_some() {}
    }
    while sending.join_next().await.is_some() {}
}

/// Sends a message to everybody after each pause, each time from another client, and tells `observer` of those that were
/// taken.
pub(super) async fn send_to_all(
    rehearsal: Arc<Rehearsal>,
    clients: Vec<Arc<Client>>,
    pause: Duration,
    observer: Arc<dyn Observer>,
) {
    for number in 1_u64.. {
        sleep(pause).await;
        let mut senders = rehearsal.logbook().channels();
        senders.retain(|(_, channel)| is_logged_in(channel));
        let Some((sender, channel)) = senders.get(number as usize % senders.len().max(1)) else { continue };
        let content = json!({"channel_id": channel, "name": "load", "message": number, "to_all": true});
        let sent_micros = now_micros();
        // Refused messages are promised to nobody.
        if clients[*sender].send_message(content.to_string()).await.is_ok() {
            observer.taken(number, sent_micros);
        }
    }
}

/// Returns whether a channel id belongs to a user (spec: notify.md#channel-id).
pub(super) fn is_logged_in(channel: &str) -> bool {
    channel.split(':').nth(1).is_some_and(|user| user != "0")
}

#[cfg(test)]
mod tests {
    use super::is_logged_in;

    #[test]
    fn anonymous_listeners_do_not_send() {
        assert!(is_logged_in("lVbO2irQ:12:0"));
        assert!(!is_logged_in("lVbO2irQ:0:3"));
        assert!(!is_logged_in("nonsense"));
    }
}
