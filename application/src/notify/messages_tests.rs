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
            // What was read last is read again, and not delivered again.
            Messages(vec![(10, TWO), (11, ONE)]),
            ReadFails,
            ReadFails,
            ReadFails,
            Messages(vec![(11, ONE), (12, TWO)]),
            // The look for a stream that went back fails too.
            Messages(vec![]),
            LastFails,
            Messages(vec![(12, TWO)]),
            Messages(vec![(13, THREE)]),
        ],
        json!([1, 2, 3]),
        &[9, 10, 12, 11, 12],
        &[100, 200, 100, 100, 200, 400, 100],
    );
}

/// A listener comes before the bus fails, one meanwhile. Then `messages` are read, and after those message 3. Who is ended?
/// The first number of each is how many messages it gets.
async fn check_interrupted(
    start: u64,
    messages: Vec<(u64, &'static str)>,
    before: (usize, bool),
    meanwhile: (usize, bool),
) {
    let hub = hub();
    let answers = [Answer::Last(start), Answer::ReadFails, Answer::ReadFails, Answer::Messages(messages)];
    let bus = Arc::new(ScriptedBus {
        answers: Mutex::new(answers.into_iter().chain([Answer::Messages(vec![(90, THREE)])]).collect()),
        read_after: Mutex::default(),
        done: tokio::sync::Notify::new(),
    });
    let mut reader = Reader::new(bus, Arc::clone(&hub));
    reader.step().await.expect("a position");
    let mut first = hub.subscribe(None);
    reader.step().await.expect_err("the bus fails");
    let mut second = hub.subscribe(None);
    reader.step().await.expect_err("the bus fails");
    reader.step().await.expect("messages");
    reader.step().await.expect("message 3");
    for (listener, expected) in [(&mut first, before), (&mut second, meanwhile)] {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let mut count = 0;
        let is_ended = loop {
            match listener.poll_next(&mut context) {
                std::task::Poll::Ready(Some(_)) => count += 1,
                std::task::Poll::Ready(None) => break true,
                std::task::Poll::Pending => break false,
            }
        };
        assert_eq!((count, is_ended), expected, "{start}");
    }
}

#[tokio::test]
async fn after_an_interruption_nobody_gets_old_messages_or_misses_some_silently() {
    // Nothing was sent meanwhile.
    check_interrupted(50, vec![(50, ONE)], (1, false), (1, false)).await;
    check_interrupted(50, vec![(50, ONE), (51, TWO)], (2, false), (0, true)).await;
    // What was read last is gone, so others may be, too.
    check_interrupted(50, vec![(51, TWO)], (0, true), (0, true)).await;
    // Before that there was no message at all.
    check_interrupted(0, vec![(51, TWO)], (2, false), (0, true)).await;
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
