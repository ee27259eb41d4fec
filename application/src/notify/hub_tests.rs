//! Does every message reach exactly the listeners that the specification says, once and in order?

use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const PROCESS_RANDOM: u64 = 0x0123_4567_89ab_cdef;

fn hub(limits: BufferLimits) -> Arc<NotifyHub> {
    Arc::new(NotifyHub::new(ProcessTag::from_random(PROCESS_RANDOM), limits))
}

fn message(value: &Value) -> NotifyMessage {
    NotifyMessage::parse(value.to_string().as_bytes()).expect("a message")
}

fn to_all(content: usize) -> NotifyMessage {
    message(&json!({"channel_id": "a:1:0", "name": "n", "message": content, "to_all": true}))
}

#[derive(Default)]
struct WakeCount(AtomicUsize);

impl Wake for WakeCount {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn poll(subscription: &mut NotifySubscription, waker: &Waker) -> Poll<Option<SharedText>> {
    subscription.poll_next(&mut Context::from_waker(waker))
}

/// The contents of the lines that wait, and whether the listener is ended.
fn drain(subscription: &mut NotifySubscription) -> (Vec<Value>, bool) {
    let mut contents = Vec::new();
    loop {
        match poll(subscription, Waker::noop()) {
            Poll::Pending => return (contents, false),
            Poll::Ready(None) => return (contents, true),
            Poll::Ready(Some(line)) => {
                let line: Value = serde_json::from_slice(line.plain()).expect("a line is JSON");
                contents.push(line["message"].clone());
            }
        }
    }
}

/// (spec: notify.md#channel-id)
#[test]
fn channel_ids_are_of_the_process_and_the_user_and_never_repeat() {
    let hub = hub(BufferLimits::default());
    let process = ProcessTag::from_random(PROCESS_RANDOM);
    let first = hub.subscribe(Some(UserId(7)));
    assert_eq!(first.channel_id(), ChannelId { process, user: Some(UserId(7)), counter: 0 });
    drop(first);
    let anonymous = hub.subscribe(None);
    assert_eq!(anonymous.channel_id(), ChannelId { process, user: None, counter: 1 });
    assert!(anonymous.channel_id().to_string().ends_with(":0:1"));
}

/// (spec: notify.md#delivery-order)
#[test]
fn only_messages_after_the_registration_are_delivered() {
    let hub = hub(BufferLimits::default());
    hub.deliver(&to_all(1));
    let mut listener = hub.subscribe(None);
    hub.deliver(&to_all(2));
    hub.deliver(&to_all(3));
    assert_eq!(drain(&mut listener), (vec![json!(2), json!(3)], false));
}

#[test]
fn a_dropped_listener_is_forgotten() {
    let hub = hub(BufferLimits::default());
    let listeners: Vec<_> = (0..10).map(|id| hub.subscribe(Some(UserId(1 + id / 2)))).collect();
    assert_eq!(hub.listeners_count(), 10);
    drop(listeners);
    assert_eq!(hub.listeners_count(), 0);
    assert_eq!(hub.deliver(&to_all(1)), Delivered::default());
}

#[test]
fn a_waiting_reader_is_woken_once_for_what_is_for_it() {
    let hub = hub(BufferLimits::default());
    let (mut one, mut other) = (hub.subscribe(Some(UserId(1))), hub.subscribe(Some(UserId(2))));
    let wakes = [Arc::new(WakeCount::default()), Arc::new(WakeCount::default())];
    let wakers = wakes.clone().map(Waker::from);
    let count = || wakes.clone().map(|wakes| wakes.0.load(Ordering::Relaxed));
    assert!(poll(&mut one, &wakers[0]).is_pending());
    assert!(poll(&mut other, &wakers[1]).is_pending());
    let for_one = message(&json!({"name": "n", "message": 1, "to_users": [1]}));
    hub.deliver(&for_one);
    hub.deliver(&for_one);
    assert_eq!(count(), [1, 0]);
    assert!(poll(&mut one, &wakers[0]).is_ready());
    assert!(poll(&mut one, &wakers[0]).is_ready());
    assert!(poll(&mut one, &wakers[0]).is_pending());
    // The task that polled last is woken.
    assert!(poll(&mut one, &wakers[1]).is_pending());
    hub.deliver(&for_one);
    assert_eq!(count(), [1, 1]);
}

#[track_caller]
fn check_limit(limits: BufferLimits, fitting: usize) {
    let hub = hub(limits);
    let (mut slow, mut quick) = (hub.subscribe(None), hub.subscribe(None));
    let wakes = Arc::new(WakeCount::default());
    assert!(poll(&mut slow, &Waker::from(Arc::clone(&wakes))).is_pending());
    for content in 0..fitting {
        assert_eq!(hub.deliver(&to_all(content)), Delivered { reached: 2, ended: 0 });
        assert_eq!(drain(&mut quick), (vec![json!(content)], false));
    }
    assert_eq!(hub.deliver(&to_all(fitting)), Delivered { reached: 1, ended: 1 });
    assert_eq!(drain(&mut quick), (vec![json!(fitting)], false), "the others do not notice");
    assert_eq!(hub.deliver(&to_all(9)), Delivered { reached: 1, ended: 0 });
    assert_eq!(drain(&mut slow), (Vec::new(), true));
    assert_eq!(drain(&mut slow), (Vec::new(), true), "it stays ended");
    assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
}

#[test]
fn a_listener_that_falls_too_far_behind_is_ended_and_not_skipped() {
    let bytes = to_all(0).line.len();
    let unlimited = usize::MAX;
    check_limit(BufferLimits { messages_max: 3, bytes_max: unlimited }, 3);
    check_limit(BufferLimits { messages_max: unlimited, bytes_max: 4 * bytes }, 4);
    check_limit(BufferLimits { messages_max: unlimited, bytes_max: 5 * bytes - 1 }, 4);
    // A single message is delivered however large it is.
    check_limit(BufferLimits { messages_max: unlimited, bytes_max: 1 }, 1);
    check_limit(BufferLimits { messages_max: 0, bytes_max: unlimited }, 1);
}

#[test]
fn an_ended_listener_is_woken_to_see_it() {
    let hub = hub(BufferLimits { messages_max: 1, bytes_max: usize::MAX });
    let mut listener = hub.subscribe(None);
    hub.deliver(&to_all(1));
    assert_eq!(drain(&mut listener), (vec![json!(1)], false));
    let wakes = Arc::new(WakeCount::default());
    assert!(poll(&mut listener, &Waker::from(Arc::clone(&wakes))).is_pending());
    hub.deliver(&to_all(2));
    hub.deliver(&to_all(3));
    assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
    assert!(matches!(poll(&mut listener, Waker::noop()), Poll::Ready(None)));
}

#[test]
fn room_is_given_back_after_a_burst() {
    let hub = hub(BufferLimits::default());
    let mut listener = hub.subscribe(None);
    for content in 0..200 {
        hub.deliver(&to_all(content));
    }
    assert_eq!(drain(&mut listener).0.len(), 200);
    let buffer = listener.mailbox.buffer();
    assert_eq!(buffer.bytes, 0);
    assert!(buffer.lines.capacity() <= ROOM_KEPT_LINES_MAX);
}

/// One step of a random history.
#[derive(Clone, Debug)]
enum Step {
    Join(u64),
    Leave(prop::sample::Index),
    Read(prop::sample::Index),
    Send { all: Option<bool>, users: Option<Vec<i64>>, channels: Option<Vec<Channel>> },
}

/// A channel id in a message: of a current or former listener, or of none.
#[derive(Clone, Debug)]
enum Channel {
    Of(prop::sample::Index),
    Text(&'static str),
}

/// Few users, so that they coincide: anonymous, a small id, above 127, above 32 bits.
const USERS: [u64; 5] = [0, 1, 2, 130, (1 << 32) + 1];

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let user = prop::sample::select(&USERS[..]);
    let channel = prop_oneof![
        4 => any::<prop::sample::Index>().prop_map(Channel::Of),
        1 => prop::sample::select(&["", "x", "AAAAAAAA:1:0", "lVbO2irQ:0:1", "::"][..]).prop_map(Channel::Text),
    ];
    let send = (
        prop::option::of(prop::bool::weighted(0.2)),
        prop::option::of(prop::collection::vec(
            prop_oneof![user.clone().prop_map(|user| user as i64), -2..4_i64],
            0..4,
        )),
        prop::option::of(prop::collection::vec(channel, 0..4)),
    )
        .prop_map(|(all, users, channels)| Step::Send { all, users, channels });
    let step = prop_oneof![
        3 => user.prop_map(Step::Join),
        1 => any::<prop::sample::Index>().prop_map(Step::Leave),
        2 => any::<prop::sample::Index>().prop_map(Step::Read),
        6 => send,
    ];
    prop::collection::vec(step, 1..60)
}

/// A listener, and what it receives according to the specification.
struct Listener {
    user: u64,
    channel_id: String,
    subscription: Option<NotifySubscription>,
    expected: Vec<Value>,
    received: Vec<Value>,
}

/// "A message is for a connection if `to_all` is true, or its user id is in `to_users`, or its channel id is in
/// `to_channels`", taken literally.
fn is_for(message: &Value, user: u64, channel_id: &str) -> bool {
    let has = |field: &str, item: Value| message[field].as_array().is_some_and(|items| items.contains(&item));
    message["to_all"] == json!(true) || has("to_users", json!(user)) || has("to_channels", json!(channel_id))
}

fn run(steps: Vec<Step>) {
    let hub = hub(BufferLimits { messages_max: 1000, bytes_max: usize::MAX });
    let mut listeners: Vec<Listener> = Vec::new();
    for (content, step) in steps.into_iter().enumerate() {
        match step {
            Step::Join(user) => {
                let subscription = hub.subscribe((user > 0).then_some(UserId(user)));
                let channel_id = subscription.channel_id().to_string();
                assert!(listeners.iter().all(|other| other.channel_id != channel_id));
                let subscription = Some(subscription);
                listeners.push(Listener { user, channel_id, subscription, expected: vec![], received: vec![] });
            }
            Step::Leave(index) if !listeners.is_empty() => {
                let index = index.index(listeners.len());
                listeners[index].subscription = None;
            }
            Step::Read(index) if !listeners.is_empty() => {
                let index = index.index(listeners.len());
                listeners[index].read();
            }
            Step::Leave(_) | Step::Read(_) => {}
            Step::Send { all, users, channels } => {
                let channels: Option<Vec<&str>> = channels.as_ref().map(|channels| {
                    channels
                        .iter()
                        .filter_map(|channel| match channel {
                            Channel::Text(text) => Some(*text),
                            Channel::Of(_) if listeners.is_empty() => None,
                            Channel::Of(index) => Some(listeners[index.index(listeners.len())].channel_id.as_str()),
                        })
                        .collect()
                });
                let json = json!({
                    "channel_id": "a:1:0", "name": "n", "message": content,
                    "to_all": all, "to_users": users, "to_channels": channels,
                });
                let delivered = hub.deliver(&message(&json));
                let mut reached = 0;
                for listener in listeners.iter_mut().filter(|listener| listener.subscription.is_some()) {
                    if is_for(&json, listener.user, &listener.channel_id) {
                        listener.expected.push(json!(content));
                        reached += 1;
                    }
                }
                assert_eq!(delivered, Delivered { reached, ended: 0 }, "{json}");
            }
        }
    }
    for listener in listeners.iter_mut().filter(|listener| listener.subscription.is_some()) {
        listener.read();
        assert_eq!(listener.received, listener.expected, "{}", listener.channel_id);
    }
}

impl Listener {
    fn read(&mut self) {
        if let Some(subscription) = &mut self.subscription {
            let (contents, is_ended) = drain(subscription);
            assert!(!is_ended);
            self.received.extend(contents);
        }
    }
}

proptest! {
    /// (spec: notify.md#receivers)
    #[test]
    fn every_message_reaches_exactly_whom_it_is_for(steps in steps()) {
        run(steps);
    }
}

#[test]
fn listeners_are_ended_from_a_mark_on_after_what_waits_for_them() {
    let hub = hub(BufferLimits::default());
    let (mut early, mut gone) = (hub.subscribe(None), hub.subscribe(Some(UserId(1))));
    let mark = hub.mark();
    let (mut late, count) = (hub.subscribe(Some(UserId(1))), Arc::new(WakeCount::default()));
    let waker = Waker::from(Arc::clone(&count));
    hub.deliver(&to_all(1));
    assert_eq!(drain(&mut gone), (vec![json!(1)], false));
    assert!(matches!(poll(&mut late, &waker), Poll::Ready(Some(_))));
    assert!(poll(&mut late, &waker).is_pending());
    assert_eq!((hub.end_since(mark), hub.end_since(mark)), (1, 0), "each once");
    assert_eq!(count.0.load(Ordering::Relaxed), 1, "it is woken");
    hub.deliver(&to_all(2));
    assert_eq!(drain(&mut late), (vec![], true));
    assert_eq!(hub.end_since(ListenerMark::START), 2);
    hub.deliver(&to_all(3));
    assert_eq!(drain(&mut early), (vec![json!(1), json!(2)], true));
    assert_eq!(drain(&mut gone), (vec![json!(2)], true));
    assert_eq!(hub.delivered().ended, 0, "none of them was slow");
}
