//! Does the loop deliver every message of the stream once, whatever the bus does?

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use adapters::memory::{MemoryMessageBus, MemoryServer};
use async_trait::async_trait;
use serde_json::{Value, json};

use super::*;
use crate::test_support::{JumpingClock, hub, received, until};

/// What the bus does next.
enum Answer {
    Last(u64),
    LastFails,
    /// The positions and contents that a read returns.
    Messages(Vec<(u64, &'static str)>),
    ReadFails,
}

/// A bus that does what the test says, and notes from where it was read.
struct ScriptedBus {
    answers: Mutex<VecDeque<Answer>>,
    read_after: Mutex<Vec<u64>>,
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
    Unavailable("connection refused".to_owned())
}

fn position(milliseconds: u64) -> Position {
    Position { milliseconds, counter: 0 }
}

#[async_trait]
impl MessageBus for ScriptedBus {
    async fn last_position(&self, channel: Channel) -> Result<Position, Unavailable> {
        assert_eq!(channel, Channel::Notify);
        match self.next().await {
            Answer::Last(milliseconds) => Ok(position(milliseconds)),
            Answer::LastFails => Err(unavailable()),
            Answer::Messages(_) | Answer::ReadFails => panic!("asked for the last position instead of reading"),
        }
    }

    async fn read(&self, channel: Channel, after: Position) -> Result<Vec<BusMessage>, Unavailable> {
        assert_eq!(channel, Channel::Notify);
        match self.next().await {
            Answer::Messages(messages) => {
                self.read_after.lock().expect("not poisoned").push(after.milliseconds);
                Ok(messages
                    .into_iter()
                    .map(|(at, content)| BusMessage { position: position(at), content: content.as_bytes().to_vec() })
                    .collect())
            }
            Answer::ReadFails => Err(unavailable()),
            Answer::Last(_) | Answer::LastFails => panic!("read instead of asking for the last position"),
        }
    }

    async fn publish_notify(&self, _: &str) -> Result<(), Unavailable> {
        panic!("the loop publishes nothing")
    }
}

/// Runs the loop until the answers are used up; then compares what a listener got, from where the bus was read, and the
/// milliseconds that were waited.
#[track_caller]
fn check(answers: Vec<Answer>, messages: Value, read_after: &[u64], waits: &[u64]) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let bus = Arc::new(ScriptedBus {
        answers: Mutex::new(answers.into()),
        read_after: Mutex::default(),
        done: tokio::sync::Notify::new(),
    });
    let (hub, clock) = (hub(), JumpingClock::new(100));
    let mut listener = hub.subscribe(None);
    let run = run_notify_loop(Arc::clone(&bus) as _, hub, Arc::clone(&clock) as _);
    runtime.block_on(until(bus.done.notified(), run));
    let got: Vec<Value> = received(&mut listener).into_iter().map(|line| line["message"].clone()).collect();
    assert_eq!(Value::from(got), messages);
    assert_eq!(*bus.read_after.lock().expect("not poisoned"), read_after);
    assert_eq!(clock.sleeps(), waits.iter().copied().map(Duration::from_millis).collect::<Vec<_>>());
}

const ONE: &str = r#"{"channel_id":"a:1:0","name":"n","message":1,"to_all":true}"#;
const TWO: &str = r#"{"channel_id":"a:1:0","name":"n","message":2,"to_all":true}"#;
const THREE: &str = r#"{"channel_id":"a:1:0","name":"n","message":3,"to_all":true}"#;

#[test]
fn it_starts_behind_the_last_message_and_goes_on_from_what_it_read() {
    use Answer::{Last, Messages};
    check(
        vec![Last(50), Messages(vec![(51, ONE), (52, TWO)]), Messages(vec![(60, THREE)]), Messages(vec![]), Last(60)],
        json!([1, 2, 3]),
        &[50, 52, 60],
        &[],
    );
}

#[test]
fn entries_that_do_not_parse_are_skipped() {
    check(
        vec![
            Answer::Last(0),
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
    use Answer::{Last, LastFails, Messages, ReadFails};
    check(
        vec![
            LastFails,
            LastFails,
            Last(10),
            ReadFails,
            Messages(vec![(11, ONE)]),
            ReadFails,
            ReadFails,
            ReadFails,
            Messages(vec![(12, TWO)]),
            // The look for a stream that went back fails too.
            Messages(vec![]),
            LastFails,
            Messages(vec![(13, THREE)]),
        ],
        json!([1, 2, 3]),
        &[10, 11, 12, 12],
        &[100, 200, 100, 100, 200, 400, 100],
    );
}

#[test]
fn a_stream_that_went_back_is_followed_from_where_it_was_first_seen() {
    use Answer::{Last, Messages};
    check(
        vec![
            Last(50),
            Messages(vec![]),
            Last(20),
            Messages(vec![]),
            // Message 1 came in between, message 2 comes now.
            Last(21),
            Messages(vec![(21, ONE), (22, TWO)]),
        ],
        json!([1, 2]),
        &[50, 50, 20],
        &[],
    );
}

#[test]
fn a_replica_that_lags_behind_for_a_moment_changes_nothing() {
    use Answer::{Last, Messages};
    check(
        vec![
            Last(50),
            Messages(vec![]),
            Last(49),
            Messages(vec![]),
            Last(50),
            Messages(vec![]),
            Last(49),
            Messages(vec![(51, ONE)]),
            Messages(vec![]),
            Last(50),
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
        let bus = Arc::new(ScriptedBus {
            answers: Mutex::new([Answer::Last(0), Answer::Messages(messages)].into()),
            read_after: Mutex::default(),
            done: tokio::sync::Notify::new(),
        });
        let hub = hub();
        let mut listener = hub.subscribe(None);
        let reading = tokio::spawn(async move {
            for _ in 0..1000 {
                listener.next().await.expect("the listener is not ended");
            }
        });
        let read = async { reading.await.expect("every message") };
        until(read, run_notify_loop(bus, hub, JumpingClock::new(0))).await;
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
