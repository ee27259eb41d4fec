//! Does the meeting follow the store, whatever the stream says?

use adapters::memory::{MemoryElementStore, MemoryServer};
use domain::history::HistoryLimits;
use domain::ids::ChangeId;
use domain::live::PIECES_BYTES_MAX;
use domain::ports::message_bus::MockMessageBus;

use super::*;
use crate::test_support::JumpingClock;

struct Nobody;

impl Observer for Nobody {
    fn published(&self) {}
    fn waiting(&self, _: &str) {}
}

fn ingest(server: &MemoryServer, bus: MockMessageBus) -> Ingest {
    Ingest {
        store: Arc::new(MemoryElementStore::new(server)),
        bus: Arc::new(bus),
        live: Arc::new(Live::new(HistoryLimits::default(), PIECES_BYTES_MAX)),
        clock: JumpingClock::new(0),
        reconcile_interval: Duration::from_secs(1),
        observer: Arc::new(Nobody),
        requests: CatchUp::new().1,
        counters: Arc::default(),
    }
}

#[tokio::test]
async fn a_stream_that_cannot_be_read_does_not_keep_the_meeting_from_following_the_store() {
    let server = MemoryServer::new();
    server.rebuild(ChangeId(10), [("topics/topic:1", "{\"id\":1}")]);
    let mut bus = MockMessageBus::new();
    bus.expect_last_position().once().returning(|_| Ok(Position::START));
    bus.expect_last_position().returning(|_| Err(Unavailable("not a stream".to_owned())));
    let ingest = ingest(&server, bus);
    ingest.load().await.expect("a meeting");
    server.write(&[("topics/topic:1", None)]);
    let position = ingest.reconcile(Position::START, &mut Looks::default()).await;
    assert_eq!((position, ingest.current().change_id()), (None, ChangeId(11)));
    assert!(ingest.current().is_empty());
}
