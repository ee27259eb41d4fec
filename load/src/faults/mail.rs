//! Did each message that the service took reach everybody, once?

use std::collections::HashSet;

use serde::Deserialize;

/// Messages to everybody, and who received them.
#[derive(Debug, Default)]
pub(super) struct Mail {
    /// The number of each message that was taken, and when it was sent.
    taken: Vec<(u64, u64)>,
    listeners: Vec<Listener>,
}

#[derive(Clone, Debug, Default)]
struct Listener {
    /// Since when its stream is open without interruption.
    since_micros: Option<u64>,
    received: HashSet<u64>,
}

/// What is missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Missing {
    /// Messages that none of those received who should have: Redis lost them before the service read them, or the
    /// service lost them.
    pub(super) unread: usize,
    /// How often somebody did not receive what others received.
    pub(super) missed: usize,
}

#[derive(Deserialize)]
struct Line {
    message: u64,
}

impl Mail {
    /// Nothing yet, for so many listeners.
    pub(super) fn new(listeners: usize) -> Self {
        Self { taken: Vec::new(), listeners: vec![Listener::default(); listeners] }
    }

    /// Notes that a stream is open.
    pub(super) fn opened(&mut self, listener: usize, now_micros: u64) {
        self.listeners[listener].since_micros.get_or_insert(now_micros);
    }

    /// Notes that a stream was interrupted: nobody promises what is sent until it is open again.
    pub(super) fn interrupted(&mut self, listener: usize) {
        self.listeners[listener].since_micros = None;
    }

    /// Notes that the service took a message that was sent at this time.
    pub(super) fn taken(&mut self, number: u64, sent_micros: u64) {
        self.taken.push((number, sent_micros));
    }

    /// Returns how many messages were taken.
    pub(super) fn count(&self) -> usize {
        self.taken.len()
    }

    /// Notes a line, if it is a message.
    ///
    /// # Errors
    /// It arrived before (spec: notify.md#receivers).
    pub(super) fn line(&mut self, listener: usize, text: &[u8]) -> Result<(), String> {
        let Ok(Line { message }) = serde_json::from_slice(text) else { return Ok(()) };
        match self.listeners[listener].received.insert(message) {
            true => Ok(()),
            false => Err("a message arrived twice".to_owned()),
        }
    }

    /// Returns what did not reach those whose streams were open when it was sent, and still are.
    pub(super) fn missing(&self) -> Missing {
        let mut missing = Missing::default();
        for (number, sent_micros) in &self.taken {
            let expected =
                self.listeners.iter().filter(|one| one.since_micros.is_some_and(|since| since < *sent_micros));
            let (mut received, mut missed) = (0, 0);
            for listener in expected {
                match listener.received.contains(number) {
                    true => received += 1,
                    false => missed += 1,
                }
            }
            match (received, missed) {
                (0, 0) => {}
                (0, _) => missing.unread += 1,
                (_, missed) => missing.missed += missed,
            }
        }
        missing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(number: u64) -> Vec<u8> {
        format!("{{\"sender_user_id\":1,\"sender_channel_id\":\"a:1:2\",\"name\":\"load\",\"message\":{number}}}")
            .into()
    }

    /// Two listeners since 10, of whom the first received message 1, sent at 20.
    fn mail() -> Mail {
        let mut mail = Mail::new(2);
        for listener in 0..2 {
            mail.opened(listener, 10);
            mail.line(listener, b"{\"channel_id\":\"a:1:2\"}").expect("no message");
        }
        mail.taken(1, 20);
        mail.line(0, &line(1)).expect("the first time");
        mail
    }

    #[test]
    fn who_listens_all_the_time_receives_each_message_once() {
        let mut mail = mail();
        assert_eq!(mail.missing(), Missing { unread: 0, missed: 1 });
        mail.line(1, &line(1)).expect("the first time");
        assert_eq!((mail.missing(), mail.count()), (Missing::default(), 1));
        assert!(mail.line(1, &line(1)).is_err());
        mail.taken(2, 21);
        assert_eq!(mail.missing(), Missing { unread: 1, missed: 0 });
    }

    #[test]
    fn what_was_sent_before_a_stream_was_open_is_not_promised() {
        let mut mail = mail();
        // A sign of life does not begin anything.
        mail.opened(1, 30);
        assert_eq!(mail.missing().missed, 1);
        mail.interrupted(1);
        assert_eq!(mail.missing(), Missing::default());
        mail.opened(1, 30);
        assert_eq!(mail.missing(), Missing::default());
        mail.taken(2, 40);
        mail.line(0, &line(2)).expect("the first time");
        assert_eq!(mail.missing().missed, 1);
    }
}
