//! What does a notify message cost, from the stream entry to the line at every listener, as the number of listeners
//! grows? The elements of the meeting do not matter.

mod config;

use std::hint::black_box;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use application::notify::hub::{BufferLimits, NotifyHub, NotifySubscription};
use criterion::{Criterion, criterion_group, criterion_main};
use domain::ids::UserId;
use domain::notify::channel_id::ProcessTag;
use domain::notify::message::NotifyMessage;

/// The allocator of the service.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Parses the entry, delivers it, and takes the line at every listener that it is for; then all wait again.
struct Bench {
    hub: Arc<NotifyHub>,
    listeners: Vec<NotifySubscription>,
    entry: String,
    reached: Vec<usize>,
}

impl Bench {
    /// Listeners of the users 1, 2, 3, …, and a message to some of them (`recipients`), counted from 0.
    fn new(listeners: usize, recipients: Recipients) -> Self {
        let hub = Arc::new(NotifyHub::new(ProcessTag::from_random(1), BufferLimits::default()));
        let listeners: Vec<_> = (1..=listeners as u64).map(|id| hub.subscribe(Some(UserId(id)))).collect();
        let (to, reached) = match recipients {
            Recipients::All => ("\"to_all\":true".to_owned(), (0..listeners.len()).collect()),
            Recipients::Users(count) => {
                let reached: Vec<usize> = (0..count).map(|index| index * listeners.len() / count).collect();
                let users: Vec<String> = reached.iter().map(|index| (index + 1).to_string()).collect();
                (format!("\"to_users\":[{}]", users.join(",")), reached)
            }
            Recipients::OneChannel => {
                let reached = vec![listeners.len() / 2];
                (format!("\"to_channels\":[\"{}\"]", listeners[reached[0]].channel_id()), reached)
            }
        };
        let entry = format!(
            r#"{{"channel_id":"00000001:1:0",{to},"name":"swap","message":{{"collection":"motions/motion","id":12}}}}"#
        );
        let mut bench = Self { hub, listeners, entry, reached };
        bench.poll_all();
        bench
    }

    fn poll_all(&mut self) {
        let mut context = Context::from_waker(Waker::noop());
        for listener in &mut self.listeners {
            assert!(listener.poll_next(&mut context).is_pending());
        }
    }

    fn run(&mut self) {
        let message = NotifyMessage::parse(self.entry.as_bytes()).expect("a message");
        let delivered = self.hub.deliver(&message);
        assert_eq!(delivered.reached, self.reached.len());
        let mut context = Context::from_waker(Waker::noop());
        for index in &self.reached {
            let listener = &mut self.listeners[*index];
            let Poll::Ready(Some(line)) = listener.poll_next(&mut context) else { panic!("a line") };
            black_box(line);
            assert!(listener.poll_next(&mut context).is_pending());
        }
    }
}

enum Recipients {
    All,
    Users(usize),
    OneChannel,
}

fn routing(criterion: &mut Criterion) {
    let mut bench = |name: &str, listeners: usize, recipients: Recipients| {
        let mut bench = Bench::new(listeners, recipients);
        let name = format!("routing/{name}/{listeners}");
        criterion.bench_function(&name, |bencher| bencher.iter(|| bench.run()));
    };
    for listeners in [1, 8, 1_000, 5_000] {
        bench("to_all", listeners, Recipients::All);
        bench("to_one_user", listeners, Recipients::Users(1));
        bench("to_one_channel", listeners, Recipients::OneChannel);
    }
    bench("to_ten_users", 1_000, Recipients::Users(10));
}

criterion_group! {
    name = benches;
    config = config::criterion();
    targets = routing
}
criterion_main!(benches);
