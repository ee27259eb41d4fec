//! Does the loop deliver every message of the stream once, whatever the bus does?

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use adapters::memory::{MemoryMessageBus, MemoryServer};
use async_trait::async_trait;
use serde_json::{Value, json};

use super::*;
use crate::testing::loops::{JumpingClock, hub, received, until};

/// What the bus does next.
enum Answer {
    Last(u64),
    LastFails,
    /// The positions and contents that a read returns, which follow what was read before.
    Messages(Vec<(u64, &'static str)>),
    /// The same, but the message read last is gone.
    Unfollowing(Vec<(u64, &'static str)>),
    ReadFails,
}

/// A scripted bus, which records the positions that it was read from.
struct ScriptedBus {
    answers: Mutex<VecDeque<Answer>>,
    read_after: Mutex<Vec<Position>>,
    done: tokio::sync::Notify,
}

impl ScriptedBus {
    async fn next(&self) -> Answer {
        let answer = self.answers.lock().expect("not poisoned").pop_front();
        match answer {
            Some(answer) => answer,
            None => {
                self.done.notify_one();
                std::future::pending().await
            }
        }
    }
}

fn unavailable() -> Unavailable {
    Unavailable::Silent { system: "Redis", cause: "connection refused".to_owned() }
}

fn position(number: u64) -> Position {
    Position::from_numbers([number, 0])
}

#[async_trait]
impl MessageBus for ScriptedBus {
    async fn last_position(&self, channel: Channel) -> Result<Position, Unavailable> {
        assert_eq!(channel, Channel::Notify);
        match self.next().await {
            Answer::Last(newest) => Ok(position(newest)),
            Answer::LastFails => Err(unavailable()),
            Answer::Messages(_) | Answer::Unfollowing(_) | Answer::ReadFails => {
                panic!("asked for the last position instead of reading")
            }
        }
    }

    async fn read(&self, channel: Channel, after: Position) -> Result<Batch, Unavailable> {
        assert_eq!(channel, Channel::Notify);
        let (messages, follows) = match self.next().await {
            Answer::Messages(messages) => (messages, true),
            Answer::Unfollowing(messages) => (messages, false),
            Answer::ReadFails => return Err(unavailable()),
            Answer::Last(_) | Answer::LastFails => panic!("read instead of asking for the last position"),
        };
        self.read_after.lock().expect("not poisoned").push(after);
        let message = |(at, content): (u64, &str)| BusMessage {
            position: position(at),
            content: content.as_bytes().to_vec(),
            appended_at: None,
        };
        Ok(Batch { messages: messages.into_iter().map(message).collect(), follows })
    }

    async fn publish_notify(&self, _: &str) -> Result<(), Unavailable> {
        panic!("the loop publishes nothing")
    }
}

/// Creates a bus that does this, step by step.
fn scripted(answers: Vec<Answer>) -> Arc<ScriptedBus> {
    let answers = Mutex::new(answers.into());
    Arc::new(ScriptedBus { answers, read_after: Mutex::default(), done: tokio::sync::Notify::new() })
}

/// Runs the loop from after the message at `start` until the answers are used up; then compares what a listener got,
/// from where the bus was read, and the milliseconds that were waited.
#[track_caller]
fn check(start: u64, answers: Vec<Answer>, messages: Value, read_after: &[u64], waits: &[u64]) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let (hub, clock) = (hub(), JumpingClock::new(100));
    let bus = scripted([Answer::Last(start)].into_iter().chain(answers).collect());
    let mut reader = Reader::new(Arc::clone(&bus) as _, Arc::clone(&hub));
    runtime.block_on(reader.step()).expect("a position");
    let mut listener = hub.subscribe(None);
    runtime.block_on(until(bus.done.notified(), run(reader, Arc::clone(&clock) as _)));
    let got: Vec<Value> = received(&mut listener).into_iter().map(|line| line["message"].clone()).collect();
    assert_eq!(Value::from(got), messages);
    let read_after: Vec<_> = read_after.iter().copied().map(position).collect();
    assert_eq!(*bus.read_after.lock().expect("not poisoned"), read_after);
    assert_eq!(clock.sleeps(), waits.iter().copied().map(Duration::from_millis).collect::<Vec<_>>());
}

const ONE: &str = r#"{"channel_id":"a:1:0","name":"n","message":1,"to_all":true}"#;
const TWO: &str = r#"{"channel_id":"a:1:0","name":"n","message":2,"to_all":true}"#;
const THREE: &str = r#"{"channel_id":"a:1:0","name":"n","message":3,"to_all":true}"#;

#[test]
fn it_starts_after_the_last_message_and_continues_from_what_it_read() {
    use Answer::Messages;
    check(
        50,
        vec![Messages(vec![(51, ONE), (52, TWO)]), Messages(vec![(60, THREE)]), Messages(vec![])],
        json!([1, 2, 3]),
        &[50, 52, 60],
        &[],
    );
}

#[test]
fn entries_that_do_not_parse_are_skipped() {
    check(
        0,
        vec![
            Answer::Messages(vec![(1, ""), (2, "{"), (3, ONE), (4, "[]"), (5, r#"{"to_users":"x"}"#), (6, TWO)]),
            Answer::Messages(vec![(7, THREE)]),
        ],
        json!([1, 2, 3]),
        &[0, 6],
        &[],
    );
}

#[test]
fn a_bus_that_fails_is_asked_again_and_nothing_is_lost_or_repeated() {
    use Answer::{Messages, ReadFails};
    check(
        10,
        vec![
            ReadFails,
            Messages(vec![(11, ONE)]),
            ReadFails,
            ReadFails,
            ReadFails,
            Messages(vec![(12, TWO)]),
            Messages(vec![]),
            ReadFails,
            Messages(vec![]),
            Messages(vec![(13, THREE)]),
        ],
        json!([1, 2, 3]),
        &[10, 11, 12, 12, 12],
        &[100, 100, 200, 400, 100],
    );
}

/// A listener that subscribes before this step of the loop, the messages that it receives, and whether it is ended.
type Listener = (usize, &'static [u64], bool);

/// Lets the loop make a step for every answer (two for one that it asks further after), and compares what each listener
/// got. The step 0 comes before the bus answers for the first time.
async fn check_listeners(answers: Vec<Answer>, steps: usize, listeners: &[Listener]) {
    let hub = hub();
    let mut reader = Reader::new(scripted(answers), Arc::clone(&hub));
    let mut subscribed = Vec::new();
    for step in 0..steps {
        for (_, numbers, is_ended) in listeners.iter().filter(|(at, ..)| *at == step) {
            subscribed.push((step, hub.subscribe(None), numbers, is_ended));
        }
        // The step may fail, depending on the answer.
        let _ = reader.step().await;
    }
    for (step, mut listener, numbers, is_ended) in subscribed {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let mut got = Vec::new();
        let ended = loop {
            match listener.poll_next(&mut context) {
                std::task::Poll::Ready(Some(line)) => {
                    let line: Value = serde_json::from_slice(line.plain()).expect("JSON");
                    got.push(line["message"].as_u64().expect("a number"));
                }
                std::task::Poll::Ready(None) => break true,
                std::task::Poll::Pending => break false,
            }
        };
        assert_eq!((got.as_slice(), ended), (*numbers, *is_ended), "subscribed before step {step}");
    }
}

#[tokio::test]
async fn listeners_from_before_the_bus_answers_are_ended() {
    use Answer::{Last, LastFails, Messages};
    check_listeners(
        vec![LastFails, LastFails, Last(50), Messages(vec![(51, ONE)])],
        4,
        &[(0, &[], true), (2, &[], true), (3, &[1], false)],
    )
    .await;
}

#[tokio::test]
async fn after_an_interruption_nobody_gets_old_messages() {
    use Answer::{Last, Messages, ReadFails, Unfollowing};
    let failing = || vec![Last(50), ReadFails, ReadFails];
    let after = |answers: Vec<Answer>| failing().into_iter().chain(answers).collect();
    // Nothing was sent in the meantime.
    let answers = vec![Messages(vec![]), Messages(vec![(51, ONE)])];
    check_listeners(after(answers), 5, &[(1, &[1], false), (2, &[1], false), (4, &[1], false)]).await;
    // Something was sent, before or after the second listener connected.
    let answers = vec![Messages(vec![(51, ONE)]), Messages(vec![(52, TWO)])];
    check_listeners(after(answers), 5, &[(1, &[1, 2], false), (2, &[], true), (4, &[2], false)]).await;
    // The replica that answers lags behind for a moment.
    let answers = vec![Unfollowing(vec![]), Messages(vec![(51, ONE)]), Messages(vec![(52, TWO)])];
    check_listeners(after(answers), 6, &[(1, &[1, 2], false), (2, &[], true), (5, &[2], false)]).await;
}

/// (spec: notify.md#no-silent-loss)
#[tokio::test]
async fn listeners_that_may_have_missed_a_message_are_ended() {
    use Answer::{Last, LastFails, Messages, ReadFails, Unfollowing};
    // Trimmed away while this process slept.
    let answers = vec![Last(50), Unfollowing(vec![(80, ONE)]), Messages(vec![(81, TWO)])];
    check_listeners(answers, 3, &[(1, &[], true), (2, &[2], false)]).await;
    // The same after an interruption.
    let answers = vec![Last(50), ReadFails, Unfollowing(vec![(80, ONE)]), Messages(vec![(81, TWO)])];
    check_listeners(answers, 4, &[(1, &[], true), (2, &[], true), (3, &[2], false)]).await;
    // The stream was recreated, and ends before what was read: messages 5 to 7 came unseen.
    let answers = vec![Last(50), Unfollowing(vec![]), Unfollowing(vec![]), Last(7), Messages(vec![(8, ONE)])];
    check_listeners(answers, 4, &[(1, &[], true), (2, &[], true), (3, &[1], false)]).await;
    // Recreated, and past what was read by the second check.
    let answers = vec![Last(50), Unfollowing(vec![]), Unfollowing(vec![(51, ONE)]), Messages(vec![(52, TWO)])];
    check_listeners(answers, 4, &[(1, &[], true), (2, &[], true), (3, &[2], false)]).await;
    // Deleted: it is unknown whether the last messages were read. Then the bus fails.
    let answers = vec![
        Last(50),
        Unfollowing(vec![]),
        Unfollowing(vec![]),
        LastFails,
        LastFails,
        Last(0),
        Messages(vec![(1, ONE)]),
    ];
    check_listeners(answers, 6, &[(1, &[], true), (4, &[], true), (5, &[1], false)]).await;
}

#[test]
fn a_replica_that_lags_behind_for_a_moment_changes_nothing() {
    use Answer::{Messages, Unfollowing};
    check(
        50,
        vec![
            Unfollowing(vec![]),
            Messages(vec![]),
            Unfollowing(vec![]),
            Messages(vec![(51, ONE)]),
            Unfollowing(vec![]),
            Messages(vec![(52, TWO)]),
        ],
        json!([1, 2]),
        &[50, 50, 50, 50, 51, 51],
        &[],
    );
}

#[test]
fn a_burst_ends_no_listener_that_keeps_up() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        // More messages at once than the buffer holds.
        let messages = (1..=1000).map(|at| (at, ONE)).collect();
        let hub = hub();
        let bus = scripted(vec![Answer::Last(0), Answer::Messages(messages)]);
        let mut reader = Reader::new(bus, Arc::clone(&hub));
        reader.step().await.expect("a position");
        let mut listener = hub.subscribe(None);
        let reading = tokio::spawn(async move {
            for _ in 0..1000 {
                listener.next().await.expect("the listener is not ended");
            }
        });
        let read = async { reading.await.expect("every message") };
        until(read, run(reader, JumpingClock::new(0))).await;
    });
}

#[tokio::test]
async fn a_message_sent_on_one_instance_reaches_the_listeners_of_all_once() {
    let server = MemoryServer::new();
    let bus: Arc<dyn MessageBus> = Arc::new(MemoryMessageBus::new(&server));
    let hubs = [hub(), hub()];
    bus.publish_notify(ONE).await.expect("memory does not fail");
    let loops: Vec<_> = hubs
        .iter()
        .map(|hub| tokio::spawn(run_notify_loop(Arc::clone(&bus), Arc::clone(hub), JumpingClock::new(0))))
        .collect();
    // Both loops run until they wait for the stream: on this runtime there is no other thread.
    tokio::task::yield_now().await;
    let mut listeners = hubs.each_ref().map(|hub| hub.subscribe(None));
    for message in [TWO, THREE] {
        bus.publish_notify(message).await.expect("memory does not fail");
    }
    for listener in &mut listeners {
        for expected in [2, 3] {
            let line = listener.next().await.expect("the listener is not ended");
            let line: Value = serde_json::from_slice(line.plain()).expect("JSON");
            assert_eq!(line["message"], expected);
        }
        assert_eq!(received(listener), Vec::<Value>::new());
    }
    loops.iter().for_each(tokio::task::JoinHandle::abort);
}
