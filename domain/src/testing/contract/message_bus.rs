//! Does an adapter keep the contract of [`MessageBus`]?

use std::pin::pin;

use async_trait::async_trait;

use super::{Driver, begin};
use crate::ports::message_bus::{
    Batch, BusMessage, Channel, MessageBus, NOTIFY_MESSAGES_MAX, Position, READ_MESSAGES_MAX,
};

/// Acts on the other side of a bus.
#[async_trait]
pub trait MessageBusDriver: Driver {
    /// Appends messages to a channel, whatever their content.
    async fn append(&self, channel: Channel, contents: &[&[u8]]);

    /// Appends a message at the position of an earlier message that is gone; all remaining messages come before it.
    /// Returns false if this driver cannot do that, because positions keep growing after a channel is cleared.
    async fn append_again(&self, channel: Channel, position: Position, content: &[u8]) -> bool;

    /// Drops the oldest messages of a channel, so that `keep` stay.
    async fn trim(&self, channel: Channel, keep: usize);
}

/// Checks that `bus` fulfills its contract.
pub async fn message_bus(bus: &dyn MessageBus, driver: &dyn MessageBusDriver) {
    an_empty_channel_begins_at_the_start(bus, driver).await;
    messages_arrive_once_and_in_order(bus, driver).await;
    a_read_brings_a_limited_number(bus, driver).await;
    a_reader_waits_for_the_next_message(bus, driver).await;
    a_read_that_is_given_up_loses_nothing(bus, driver).await;
    trimmed_messages_are_passed_over(bus, driver).await;
    possible_loss_is_reported(bus, driver).await;
    published_messages_can_be_read_and_old_ones_are_dropped(bus, driver).await;
    silence_is_unavailable(bus, driver).await;
}

async fn an_empty_channel_begins_at_the_start(bus: &dyn MessageBus, driver: &dyn MessageBusDriver) {
    driver.clear().await;
    for channel in [Channel::Autoupdate, Channel::Notify] {
        assert_eq!(bus.last_position(channel).await, Ok(Position::START));
        let nothing = Batch { messages: vec![], follows: true };
        assert_eq!(bus.read(channel, Position::START).await, Ok(nothing), "a wait ends");
    }
}

async fn messages_arrive_once_and_in_order(bus: &dyn MessageBus, driver: &dyn MessageBusDriver) {
    driver.clear().await;
    let contents: [&[u8]; 5] = [b"one", b"", b"{\"not\": \"JSON", b"\xff\xfe", "Grüße 🎉".as_bytes()];
    driver.append(Channel::Autoupdate, &contents).await;
    driver.append(Channel::Notify, &[b"other"]).await;
    let messages = read(bus, Channel::Autoupdate, Position::START).await;
    assert_eq!(messages.iter().map(|message| message.content.as_slice()).collect::<Vec<_>>(), contents);
    assert!(messages.is_sorted_by(|a, b| a.position < b.position), "positions grow");
    let last = messages[4].position;
    assert_eq!(bus.last_position(Channel::Autoupdate).await, Ok(last));
    assert_eq!(read(bus, Channel::Autoupdate, messages[2].position).await, messages[3..]);
    assert_eq!(read(bus, Channel::Autoupdate, last).await, []);
    let others = read(bus, Channel::Notify, Position::START).await;
    assert_eq!(others.iter().map(|message| message.content.as_slice()).collect::<Vec<_>>(), [b"other"]);
}

async fn a_read_brings_a_limited_number(bus: &dyn MessageBus, driver: &dyn MessageBusDriver) {
    driver.clear().await;
    let numbers: Vec<_> = (0..=READ_MESSAGES_MAX).map(|number| number.to_string().into_bytes()).collect();
    driver.append(Channel::Notify, &numbers.iter().map(Vec::as_slice).collect::<Vec<_>>()).await;
    let first = read(bus, Channel::Notify, Position::START).await;
    assert_eq!(first.len(), READ_MESSAGES_MAX);
    let rest = read(bus, Channel::Notify, first[READ_MESSAGES_MAX - 1].position).await;
    assert_eq!(rest.len(), 1);
    assert_eq!(rest[0].content, READ_MESSAGES_MAX.to_string().into_bytes());
}

async fn a_reader_waits_for_the_next_message(bus: &dyn MessageBus, driver: &dyn MessageBusDriver) {
    driver.clear().await;
    driver.append(Channel::Autoupdate, &[b"before"]).await;
    let last = bus.last_position(Channel::Autoupdate).await.expect("the bus answers");
    let mut waiting = pin!(bus.read(Channel::Autoupdate, last));
    assert!(begin(waiting.as_mut()).await.is_pending());
    // While it waits, other calls are not delayed.
    driver.append(Channel::Notify, &[b"other"]).await;
    assert_eq!(read(bus, Channel::Notify, Position::START).await.len(), 1);
    assert_eq!(bus.last_position(Channel::Autoupdate).await, Ok(last));
    driver.append(Channel::Autoupdate, &[b"awaited"]).await;
    let mut batch = waiting.await.expect("the bus answers");
    while batch.messages.is_empty() {
        // The wait was over before the message came; then a reader asks again.
        batch = bus.read(Channel::Autoupdate, last).await.expect("the bus answers");
    }
    assert_eq!((batch.messages.len(), batch.follows), (1, true));
    assert_eq!(batch.messages[0].content, b"awaited");
}

async fn a_read_that_is_given_up_loses_nothing(bus: &dyn MessageBus, driver: &dyn MessageBusDriver) {
    driver.clear().await;
    {
        let mut given_up = pin!(bus.read(Channel::Notify, Position::START));
        assert!(begin(given_up.as_mut()).await.is_pending());
    }
    driver.append(Channel::Notify, &[b"one"]).await;
    assert_eq!(read(bus, Channel::Notify, Position::START).await.len(), 1);
}

async fn trimmed_messages_are_passed_over(bus: &dyn MessageBus, driver: &dyn MessageBusDriver) {
    driver.clear().await;
    driver.append(Channel::Autoupdate, &[b"1", b"2", b"3"]).await;
    let last = bus.last_position(Channel::Autoupdate).await.expect("the bus answers");
    driver.trim(Channel::Autoupdate, 1).await;
    let messages = read(bus, Channel::Autoupdate, Position::START).await;
    let messages: Vec<_> = messages.iter().map(|message| (message.position, &*message.content)).collect();
    assert_eq!(messages, [(last, &b"3"[..])]);
}

async fn possible_loss_is_reported(bus: &dyn MessageBus, driver: &dyn MessageBusDriver) {
    let channel = Channel::Notify;
    driver.clear().await;
    let first = append(bus, driver, b"1").await;
    check_read(bus, Position::START, &["1"], true).await;
    check_read(bus, first, &[], true).await;
    let second = append(bus, driver, b"2").await;
    let third = append(bus, driver, b"3").await;
    check_read(bus, first, &["2", "3"], true).await;
    check_read(bus, third, &[], true).await;
    // Dropped before they were read, as while this process was asleep.
    driver.trim(channel, 2).await;
    check_read(bus, first, &["2", "3"], false).await;
    check_read(bus, second, &["3"], true).await;
    driver.trim(channel, 1).await;
    check_read(bus, first, &["3"], false).await;

    // Deleted and started again: after what was read, before it, or not yet.
    driver.clear().await;
    check_read(bus, second, &[], false).await;
    if driver.append_again(channel, first, b"1 again").await {
        check_read(bus, second, &[], false).await;
        check_read(bus, first, &[], true).await;
        assert!(driver.append_again(channel, third, b"3 again").await, "it could a moment ago");
        check_read(bus, second, &["3 again"], false).await;
    } else {
        append(bus, driver, b"1 again").await;
        append(bus, driver, b"3 again").await;
        check_read(bus, second, &["1 again", "3 again"], false).await;
    }
    check_read(bus, Position::START, &["1 again", "3 again"], true).await;
}

/// Appends a message to the channel of notify messages, and returns its position.
async fn append(bus: &dyn MessageBus, driver: &dyn MessageBusDriver, content: &[u8]) -> Position {
    driver.append(Channel::Notify, &[content]).await;
    bus.last_position(Channel::Notify).await.expect("the bus answers")
}

async fn check_read(bus: &dyn MessageBus, after: Position, contents: &[&str], follows: bool) {
    let batch = bus.read(Channel::Notify, after).await.expect("the bus answers");
    let read: Vec<_> = batch.messages.iter().map(|message| String::from_utf8_lossy(&message.content)).collect();
    assert_eq!((read, batch.follows), (contents.iter().map(|content| (*content).into()).collect(), follows), "{after}");
}

async fn published_messages_can_be_read_and_old_ones_are_dropped(bus: &dyn MessageBus, driver: &dyn MessageBusDriver) {
    driver.clear().await;
    bus.publish_notify("{\"name\":\"Grüße\"}").await.expect("the bus answers");
    let messages = read(bus, Channel::Notify, Position::START).await;
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].content, "{\"name\":\"Grüße\"}".as_bytes());
    assert_eq!(bus.last_position(Channel::Autoupdate).await, Ok(Position::START));

    // "About": an adapter may keep somewhat more than it has to, but not everything.
    driver.append(Channel::Notify, &vec![b"{}".as_slice(); NOTIFY_MESSAGES_MAX * 6 / 5]).await;
    bus.publish_notify("last").await.expect("the bus answers");
    // Nothing was read yet, so no message that was read reveals it.
    let batch = bus.read(Channel::Notify, Position::START).await.expect("the bus answers");
    assert!(!batch.follows, "messages were dropped");
    let (mut count, mut position, mut newest) = (0, Position::START, Vec::new());
    loop {
        let messages = read(bus, Channel::Notify, position).await;
        let Some(last) = messages.last() else { break };
        count += messages.len();
        position = last.position;
        newest.clone_from(&last.content);
    }
    assert!((NOTIFY_MESSAGES_MAX..NOTIFY_MESSAGES_MAX * 11 / 10).contains(&count), "{count} messages were kept");
    assert_eq!(newest, b"last");
}

async fn silence_is_unavailable(bus: &dyn MessageBus, driver: &dyn MessageBusDriver) {
    driver.clear().await;
    driver.append(Channel::Autoupdate, &[b"one"]).await;
    if driver.set_reachable(false).await {
        assert!(bus.last_position(Channel::Autoupdate).await.is_err());
        assert!(bus.read(Channel::Autoupdate, Position::START).await.is_err());
        assert!(bus.publish_notify("{}").await.is_err());
        driver.set_reachable(true).await;
    }
    assert_eq!(read(bus, Channel::Autoupdate, Position::START).await.len(), 1);
    bus.publish_notify("{}").await.expect("the bus answers again");
}

async fn read(bus: &dyn MessageBus, channel: Channel, after: Position) -> Vec<BusMessage> {
    bus.read(channel, after).await.expect("the bus answers").messages
}
