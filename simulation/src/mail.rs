//! Which messages were sent, and who must have received which of them? (spec: notify.md#delivery-order,
//! notify.md#no-silent-loss)

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

/// Whom a message is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Receivers {
    /// Everybody who listens.
    All,
    /// This user.
    User(u64),
    /// The connection that the client of that number listens with, and its user as well.
    Connection(usize),
}

/// A message that was sent.
#[derive(Clone, Debug)]
struct Message {
    all: bool,
    users: Vec<u64>,
    channels: Vec<String>,
    /// The service said so, or it is unknown: it may have been stored when nobody waited for the answer any more.
    is_stored: bool,
    /// Its entry was lost, perhaps before anybody read it: nobody can notice that (docs/RELIABILITY.md).
    may_be_lost: bool,
}

/// A connection that listens.
#[derive(Clone, Debug)]
struct Listening {
    user: u64,
    channel: String,
    /// The first message that was sent after the connection was made.
    first: usize,
    /// The messages that were stored before the connection was opened.
    stored_before: BTreeSet<usize>,
    /// In the order in which they came.
    received: Vec<usize>,
    made: Instant,
    applause_level: u64,
}

/// All messages of a world, and all connections that listen, by the number of their client.
#[derive(Debug, Default)]
pub(crate) struct Mail {
    messages: Vec<Message>,
    listening: BTreeMap<usize, Listening>,
    /// For each client, what was stored when it began to open its connection.
    opening: BTreeMap<usize, BTreeSet<usize>>,
    applauders: BTreeSet<u64>,
}

impl Mail {
    /// Returns the number of the next message and its body. It counts as lost until [`Mail::is_stored`].
    pub(crate) fn write(&mut self, sender: u64, to: &Receivers) -> (usize, String) {
        let mut message =
            Message { all: false, users: Vec::new(), channels: Vec::new(), is_stored: false, may_be_lost: false };
        match to {
            Receivers::All => message.all = true,
            Receivers::User(user) => message.users.push(*user),
            Receivers::Connection(client) => {
                if let Some(listening) = self.listening.get(client) {
                    message.channels.push(listening.channel.clone());
                    message.users.push(listening.user);
                }
            }
        }
        let number = self.messages.len();
        let body = json!({
            "channel_id": format!("simulate:{sender}:0"), "name": "number", "message": number,
            "to_all": message.all, "to_users": message.users, "to_channels": message.channels,
        });
        self.messages.push(message);
        (number, body.to_string())
    }

    /// The service said that the message is sent.
    pub(crate) fn is_stored(&mut self, number: usize) {
        self.messages[number].is_stored = true;
    }

    /// The newest `count` entries of the stream of messages are lost; which messages those are is known only of the stored
    /// ones.
    pub(crate) fn lose_newest(&mut self, count: usize) {
        let mut left = count;
        for message in self.messages.iter_mut().rev().filter(|message| !message.is_stored || !message.may_be_lost) {
            message.may_be_lost |= !message.is_stored || left > 0;
            left = left.saturating_sub(usize::from(message.is_stored));
        }
    }

    /// A client begins to open its connection.
    pub(crate) fn opens(&mut self, client: usize) {
        let stored = self.messages.iter().enumerate().filter(|(_, message)| message.is_stored);
        self.opening.insert(client, stored.map(|(number, _)| number).collect());
    }

    /// A client's connection ended, or was never made.
    pub(crate) fn ended(&mut self, client: usize) {
        self.listening.remove(&client);
    }

    /// The user applauds, perhaps without being told that it arrived.
    pub(crate) fn applauds(&mut self, user: u64) {
        self.applauders.insert(user);
    }

    /// The highest number of users who can have applauded.
    pub(crate) fn applauders(&self) -> u64 {
        self.applauders.len() as u64
    }

    /// A client's connection received a line.
    ///
    /// # Errors
    /// The line has a wrong form, or the message is not for this connection, or was received or sent before.
    pub(crate) fn receive(&mut self, client: usize, user: u64, line: &[u8]) -> Result<(), String> {
        let line: Value = serde_json::from_slice(line).map_err(|error| format!("not a message: {error}"))?;
        if let Some(channel) = line["channel_id"].as_str() {
            // A user who does not exist is anonymous.
            let is_own = channel.split(':').nth(1).is_some_and(|of| of == user.to_string() || of == "0");
            if !is_own || line["channelID"] != *channel {
                return Err(format!("{line} is no channel of user {user}"));
            }
            let user = if channel.split(':').nth(1) == Some("0") { 0 } else { user };
            let first = self.messages.len();
            let listening = Listening {
                user,
                channel: channel.to_owned(),
                first,
                stored_before: self.opening.remove(&client).unwrap_or_default(),
                received: Vec::new(),
                made: Instant::now(),
                applause_level: 0,
            };
            self.listening.insert(client, listening);
            return Ok(());
        }
        let applauders = self.applauders();
        let Some(listening) = self.listening.get_mut(&client) else {
            return Err(format!("{line} comes before the channel"));
        };
        if line["name"] == "applause" {
            let level = line["message"]["level"].as_u64().filter(|level| *level <= applauders);
            listening.applause_level = level.ok_or_else(|| format!("{line}, but {applauders} applauded at most"))?;
            return Ok(());
        }
        let number = line["message"].as_u64().and_then(|number| usize::try_from(number).ok());
        let found = number.and_then(|number| Some((number, self.messages.get(number)?)));
        let (number, message) = found.ok_or_else(|| format!("nobody sent {line}"))?;
        if !message.is_for(listening) {
            return Err(format!("message {number} is not for {}", listening.channel));
        }
        if listening.received.contains(&number) {
            return Err(format!("message {number} comes twice"));
        }
        listening.received.push(number);
        Ok(())
    }

    /// Checks what a client's connection has received, if it has not ended.
    ///
    /// # Errors
    /// It missed a message, or received one too early, or two in the wrong order.
    pub(crate) fn check(&self, client: usize) -> Result<(), String> {
        let Some(listening) = self.listening.get(&client) else { return Ok(()) };
        // Of the others it is unknown when they were stored, if at all.
        let stored = || listening.received.iter().filter(|number| self.messages[**number].is_stored);
        // A fail-over may bring back what was lost, as something new.
        let is_early = |number: &usize| listening.stored_before.contains(number) && !self.messages[*number].may_be_lost;
        if let Some(early) = stored().find(|number| is_early(number)) {
            return Err(format!("message {early} was sent before {} listened", listening.channel));
        }
        if !stored().is_sorted() {
            return Err(format!("{} received in the wrong order: {:?}", listening.channel, listening.received));
        }
        let messages = self.messages.iter().enumerate().skip(listening.first);
        let missed = messages
            .filter(|(number, message)| {
                message.is_stored
                    && !message.may_be_lost
                    && message.is_for(listening)
                    && !listening.received.contains(number)
            })
            .map(|(number, _)| number)
            .next();
        missed.map_or(Ok(()), |number| Err(format!("{} goes on, but missed message {number}", listening.channel)))
    }

    /// The level of applause that a client was told last, if it has listened for so long.
    pub(crate) fn applause_level(&self, client: usize, listening_for: Duration) -> Option<u64> {
        let listening = self.listening.get(&client)?;
        (listening.made.elapsed() >= listening_for).then_some(listening.applause_level)
    }
}

impl Message {
    fn is_for(&self, listening: &Listening) -> bool {
        self.all || self.users.contains(&listening.user) || self.channels.contains(&listening.channel)
    }
}
