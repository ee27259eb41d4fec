//! What does it cost to tell clients the meeting, and its changes?

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use domain::catch_up::{Start, start};
use domain::collection::Collection;
use domain::cursor::{Cursor, Next};
use domain::history::HistoryLimits;
use domain::ids::{ChangeId, ElementKey, UserId};
use domain::line::{Encoder, Line};
use domain::live::{Live, PiecesLimit, Published};
use domain::meeting::{Change, Meeting};
use domain::ports::authenticator::Session;
use domain::ports::element_store::RawElement;
use domain::testing::generator::{Generated, Plan};
use domain::viewer::Viewer;

const FIRST_ID: ChangeId = ChangeId(1_000);

fn generated(elements: usize) -> Generated {
    Generated::new(Plan { seed: 1, elements, users: 2_000.min(elements / 4) })
}

fn live(generated: &Generated) -> Live {
    let live = Live::new(HistoryLimits::default(), PiecesLimit::Automatic);
    let built = Meeting::load(generated.snapshot(FIRST_ID), None);
    assert!(built.problems.is_empty());
    live.publish([built.meeting], Duration::ZERO);
    live
}

fn published(live: &Live) -> std::sync::Arc<Published> {
    live.published().expect("a meeting")
}

fn connect(live: &Live, user: UserId, change_id: ChangeId) -> (Cursor, Option<Line>) {
    let published = published(live);
    let viewer = Viewer::resolve(published.current(), Some(user));
    let session = Session { user: Some(user), ..Session::anonymous() };
    match start(&published, session, viewer, change_id) {
        Start::Ready(started) => (started.cursor, started.first_line),
        other => panic!("cannot start: {other:?}"),
    }
}

fn send(live: &Live, mut line: Line, mut encoder: Encoder) -> usize {
    let mut bytes = 0;
    while let Some(part) = live.next_part(&mut line, &mut encoder) {
        bytes += part.len();
    }
    bytes
}

/// The view of one user: the first who asks, and those who follow.
fn first_line(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("first_line");
    group.sample_size(10);
    for elements in [1_000, 15_000, 100_000] {
        let generated = generated(elements);
        let users: Vec<UserId> = generated.users().iter().map(|(user, _)| *user).collect();
        group.bench_function(BenchmarkId::new("first_user", elements), |bencher| {
            bencher.iter_batched_ref(
                || live(&generated),
                |live| send(live, connect(live, users[10], ChangeId(0)).1.expect("everything"), Encoder::plain()),
                criterion::BatchSize::PerIteration,
            );
        });
        for (name, encoder) in [
            ("next_user", Encoder::plain as fn() -> Encoder),
            ("next_user_gzip", Encoder::gzip),
            ("next_user_zstd", Encoder::zstd),
        ] {
            let live = live(&generated);
            let mut users = users.iter().cycle();
            for user in users.by_ref().take(users_warm(&generated)) {
                send(&live, connect(&live, *user, ChangeId(0)).1.expect("everything"), encoder());
            }
            group.bench_function(BenchmarkId::new(name, elements), |bencher| {
                bencher.iter(|| {
                    let user = *users.next().expect("a user");
                    send(&live, connect(&live, user, ChangeId(0)).1.expect("everything"), encoder())
                });
            });
        }
    }
}

/// So many users have asked before that every group has.
fn users_warm(generated: &Generated) -> usize {
    generated.users().len().min(100)
}

/// One change, told to a thousand viewers.
fn difference(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("difference_for_1000_viewers");
    group.sample_size(20);
    let generated = generated(15_000);
    let users: Vec<UserId> = generated.users().iter().map(|(user, _)| *user).take(1_000).collect();
    for collection in [Collection::ListOfSpeakers, Collection::MotionVote, Collection::Motion] {
        let (key, json) = generated
            .elements()
            .iter()
            .find(|(key, _)| key.collection == collection)
            .expect("an element of every collection");
        group.bench_function(collection.name(), |bencher| {
            bencher.iter_batched_ref(
                || changed(&generated, &users, *key, json),
                |(live, cursors)| {
                    let published = published(live);
                    let lines = cursors.iter_mut().filter_map(|cursor| match cursor.next(&published) {
                        Next::Line(line) => Some(line),
                        _ => None,
                    });
                    lines.map(|line| send(live, line, Encoder::plain())).sum::<usize>()
                },
                criterion::BatchSize::PerIteration,
            );
        });
    }
}

fn changed(generated: &Generated, users: &[UserId], key: ElementKey, json: &str) -> (Live, Vec<Cursor>) {
    let live = live(generated);
    let cursors = users.iter().map(|user| connect(&live, *user, FIRST_ID).0).collect();
    live.publish([published(&live).current().apply(change(key, json)).meeting], Duration::ZERO);
    (live, cursors)
}

/// The element, with a field more.
fn change(key: ElementKey, json: &str) -> Change {
    let json = json.replacen('{', "{\"changed\":true,", 1).into_bytes();
    Change {
        change_id: FIRST_ID.next(),
        elements: vec![RawElement { key: key.to_string().into_bytes(), json: Some(json) }],
    }
}

/// What one change costs when nobody listens, and loading the meeting.
fn apply(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("meeting");
    group.sample_size(20);
    for elements in [1_000, 15_000, 100_000] {
        let generated = generated(elements);
        let meeting = Meeting::load(generated.snapshot(FIRST_ID), None).meeting;
        let (key, json) =
            generated.elements().iter().find(|(key, _)| key.collection == Collection::Motion).expect("a motion");
        group.bench_function(BenchmarkId::new("apply", elements), |bencher| {
            bencher.iter(|| meeting.apply(change(*key, json)));
        });
        group.bench_function(BenchmarkId::new("load", elements), |bencher| {
            bencher.iter_batched(
                || generated.snapshot(FIRST_ID),
                |snapshot| Meeting::load(snapshot, None),
                criterion::BatchSize::PerIteration,
            );
        });
    }
}

criterion_group!(benches, first_line, difference, apply);
criterion_main!(benches);
