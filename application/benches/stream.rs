//! What does it cost to send the meeting and its changes, as the numbers of elements and viewers grow?
//!
//! `<operation>/<elements>/<viewers>`: the viewers differ in their rights, so that what is rendered for one cannot
//! simply be reused for the next.

mod config;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use application::autoupdate::start::{Start, start};
use application::delivery::line::{Encoder, Line};
use application::publishing::cursor::{Cursor, NextLine};
use application::publishing::publisher::{MeetingPublisher, Published, RenderCacheLimit};
use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use domain::collection::Collection;
use domain::ids::{ChangeId, ElementKey, GroupId, UserId};
use domain::meeting::history::HistoryLimits;
use domain::meeting::{Change, Meeting, view_in};
use domain::ports::authenticator::Session;
use domain::ports::element_store::{Bounds, RawElement, Snapshot};
use domain::restriction::viewer::Viewer;
use domain::testing::generator::{GROUPS, Generated, Plan};
use serde_json::{Value, json};

/// The allocator of the service. With others, the many short-lived states of the compressor may fragment the heap.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ELEMENTS: [usize; 3] = [1_000, 15_000, 100_000];
const VIEWERS: [usize; 3] = [1, 8, 1_000];
const FIRST_ID: ChangeId = ChangeId(1_000);

/// How many viewers ask for everything before the measurement: enough to cover every group.
const VIEWERS_WARM: usize = 100;

/// Permissions that decide what is seen; their subsets make 1,024 kinds of viewers.
const PERMISSIONS: [&str; 10] = [
    "agenda.can_see",
    "agenda.can_see_internal_items",
    "agenda.can_see_list_of_speakers",
    "assignments.can_see",
    "core.can_see_projector",
    "mediafiles.can_see",
    "motions.can_manage",
    "motions.can_see",
    "users.can_see_extra_data",
    "users.can_see_name",
];

/// A meeting of one size.
struct Case {
    elements: usize,
    generated: Generated,
    meeting: Meeting,
}

impl Case {
    fn all() -> Vec<Self> {
        let case = |elements| {
            let generated = Generated::new(Plan { seed: 1, elements, users: 2_000.min(elements / 4) });
            Self { elements, meeting: loaded(generated.snapshot(FIRST_ID)), generated }
        };
        ELEMENTS.map(case).into()
    }

    fn users(&self) -> Vec<UserId> {
        self.generated.users().iter().map(|(user, _)| *user).collect()
    }

    fn resolve(&self, user: UserId) -> Viewer {
        Viewer::resolve(&self.meeting, Some(user))
    }

    /// A delegate; one user of each of the eight groups; or a thousand users, no two with the same rights.
    fn viewers(&self, count: usize) -> Vec<Viewer> {
        let of_group = |group: GroupId| {
            let user = self.generated.users().iter().find(|(_, other)| *other == group).map(|(user, _)| *user);
            self.resolve(user.expect("every group has users"))
        };
        match count {
            1 => vec![of_group(GroupId(3))],
            8 => GROUPS.iter().skip(2).map(|group| of_group(GroupId(group.id))).collect(),
            _ => viewers_of_different_rights(count),
        }
    }

    fn publisher(&self) -> MeetingPublisher {
        let publisher = MeetingPublisher::new(HistoryLimits::default(), RenderCacheLimit::Automatic);
        publisher.publish([self.meeting.clone()], Duration::ZERO);
        publisher
    }

    /// Connects these viewers, and makes a change that they have not been sent.
    fn changed(&self, viewers: &[Viewer], change: Change) -> (MeetingPublisher, Vec<Cursor>) {
        let publisher = self.publisher();
        let cursors = viewers.iter().map(|viewer| connect(&publisher, viewer.clone(), FIRST_ID).0).collect();
        publisher.publish([self.meeting.apply(change).meeting], Duration::ZERO);
        (publisher, cursors)
    }

    /// The first element of the collection, with an additional field.
    fn change_of(&self, collection: Collection) -> Change {
        let mut elements = self.generated.elements().iter();
        let (key, json) = elements.find(|(key, _)| key.collection == collection).expect("one of every collection");
        change([(*key, json.replacen('{', "{\"changed\":true,", 1))])
    }

    /// User 1, who has not voted yet in the open poll 1, votes.
    fn ballot(&self) -> Change {
        const VOTE: u64 = 10_000_000;
        let mut poll = self.generated.get(Collection::MotionPoll, 1).expect("an open poll");
        poll["voted_id"] = json!([1]);
        let vote = json!({"id": VOTE, "weight": "1.000000", "value": "Y", "user_id": 1, "delegated_user_id": 1,
            "user_token": "0", "option_id": 1, "pollstate": 2});
        change([
            (ElementKey::new(Collection::MotionPoll, 1), poll.to_string()),
            (ElementKey::new(Collection::MotionVote, VOTE), vote.to_string()),
        ])
    }
}

fn viewers_of_different_rights(count: usize) -> Vec<Viewer> {
    let raw = |key: ElementKey, element: Value| RawElement {
        key: key.to_string().into_bytes(),
        json: Some(element.to_string().into_bytes()),
    };
    let ids = 1_000_001..=1_000_000 + count as u64;
    let people = ids.clone().flat_map(|id| {
        // Multiplied by an odd number, so that the first viewers already differ in every permission.
        let has = |place: &usize| ((id * 37) >> place) & 1 == 1;
        let permissions: Vec<_> = (0..PERMISSIONS.len()).filter(has).map(|place| PERMISSIONS[place]).collect();
        [
            raw(ElementKey::new(Collection::Group, id), json!({"id": id, "permissions": permissions})),
            raw(ElementKey::new(Collection::User, id), json!({"id": id, "groups_id": [id]})),
        ]
    });
    let meeting =
        loaded(Snapshot { bounds: Bounds { lowest: FIRST_ID, highest: FIRST_ID }, elements: people.collect() });
    ids.map(|id| Viewer::resolve(&meeting, Some(UserId(id)))).collect()
}

fn loaded(snapshot: Snapshot) -> Meeting {
    let built = Meeting::load(snapshot, None);
    assert!(built.problems.is_empty(), "{:?}", built.problems);
    built.meeting
}

fn change<const N: usize>(elements: [(ElementKey, String); N]) -> Change {
    let raw = |(key, json): (ElementKey, String)| RawElement {
        key: key.to_string().into_bytes(),
        json: Some(json.into_bytes()),
    };
    Change { change_id: FIRST_ID.next(), elements: elements.map(raw).into() }
}

fn published(publisher: &MeetingPublisher) -> Arc<Published> {
    publisher.published().expect("a meeting")
}

fn connect(publisher: &MeetingPublisher, viewer: Viewer, change_id: ChangeId) -> (Cursor, Option<Line>) {
    let session = Session { user: viewer.user(), ..Session::anonymous() };
    match start(&published(publisher), session, viewer, change_id) {
        Start::Ready(started) => (started.cursor, started.first_line),
        other => panic!("cannot start: {other:?}"),
    }
}

fn send(publisher: &MeetingPublisher, mut line: Line, mut encoder: Encoder) -> usize {
    let mut bytes = 0;
    while let Some(part) = line.next_part(publisher.render_cache(), &mut encoder) {
        bytes += part.len();
    }
    bytes
}

fn send_all(publisher: &MeetingPublisher, viewer: &Viewer, encoder: Encoder) -> usize {
    send(publisher, connect(publisher, viewer.clone(), ChangeId(0)).1.expect("everything"), encoder)
}

/// Sends them what changed, to the last byte.
fn tell(publisher: &MeetingPublisher, cursors: &mut [Cursor]) -> usize {
    let published = published(publisher);
    let lines = cursors.iter_mut().filter_map(|cursor| match cursor.next(&published) {
        NextLine::Line(line) => Some(line),
        _ => None,
    });
    lines.map(|line| send(publisher, line, Encoder::plain())).sum()
}

/// What one viewer may see of everything, decided from scratch.
fn views(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("view");
    for case in Case::all() {
        let viewer = case.viewers(1).remove(0);
        let keys: Vec<ElementKey> = case.meeting.keys().collect();
        group.bench_function(case.elements.to_string(), |bencher| {
            bencher.iter(|| keys.iter().filter(|key| !view_in(&case.meeting, &viewer, **key).is_hidden()).count());
        });
    }
}

/// One change, sent to viewers with different rights, and a ballot that does not affect them.
fn differences(criterion: &mut Criterion) {
    for case in Case::all() {
        for count in VIEWERS {
            let viewers = case.viewers(count);
            let size = format!("{}/{count}", case.elements);
            criterion.bench_function(&format!("difference/{size}"), |bencher| {
                bencher.iter_batched_ref(
                    || case.changed(&viewers, case.change_of(Collection::ListOfSpeakers)),
                    |(publisher, cursors)| tell(publisher, cursors),
                    BatchSize::PerIteration,
                );
            });
            criterion.bench_function(&format!("ballot/{size}"), |bencher| {
                bencher.iter_batched_ref(
                    || case.changed(&viewers, case.ballot()),
                    |(publisher, cursors)| {
                        let published = published(publisher);
                        let version_diff = published.version_diff(case.meeting.version()).expect("one version on");
                        cursors
                            .iter()
                            .filter(|cursor| cursor.seen_version().advance_if_unaffected(&version_diff))
                            .count()
                    },
                    BatchSize::PerIteration,
                );
            });
        }
    }
}

/// One change, sent to a thousand users of eight groups.
fn differences_for_users(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("difference_for_1000_users");
    for case in Case::all().into_iter().skip(1) {
        let viewers: Vec<Viewer> = case.users().into_iter().take(1_000).map(|user| case.resolve(user)).collect();
        for collection in [Collection::ListOfSpeakers, Collection::MotionVote, Collection::Motion] {
            group.bench_function(BenchmarkId::new(collection.name(), case.elements), |bencher| {
                bencher.iter_batched_ref(
                    || case.changed(&viewers, case.change_of(collection)),
                    |(publisher, cursors)| tell(publisher, cursors),
                    BatchSize::PerIteration,
                );
            });
        }
    }
}

/// Everything for one more viewer, when viewers with this many different rights connect in turn.
fn lines(criterion: &mut Criterion) {
    for case in Case::all() {
        for count in VIEWERS {
            let publisher = case.publisher();
            let viewers = case.viewers(count);
            for viewer in viewers.iter().take(VIEWERS_WARM) {
                send_all(&publisher, viewer, Encoder::plain());
            }
            let mut viewers = viewers.iter().cycle();
            criterion.bench_function(&format!("line/{}/{count}", case.elements), |bencher| {
                bencher.iter(|| send_all(&publisher, viewers.next().expect("a viewer"), Encoder::plain()));
            });
        }
    }
}

/// Everything for one more user of eight groups; some elements affect these users individually.
fn lines_for_users(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("line_for_next_user");
    for case in Case::all() {
        let viewers: Vec<Viewer> = case.users().into_iter().map(|user| case.resolve(user)).collect();
        for (name, encoder) in
            [("plain", Encoder::plain as fn() -> Encoder), ("gzip", Encoder::gzip), ("zstd", Encoder::zstd)]
        {
            let publisher = case.publisher();
            let mut viewers = viewers.iter().cycle();
            for viewer in viewers.by_ref().take(VIEWERS_WARM) {
                send_all(&publisher, viewer, encoder());
            }
            group.bench_function(BenchmarkId::new(name, case.elements), |bencher| {
                bencher.iter(|| send_all(&publisher, viewers.next().expect("a user"), encoder()));
            });
        }
    }
}

/// Loading the meeting, everything for the very first viewer, and what one change costs without listeners.
fn meetings(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("meeting");
    // Short, because this time does not include the preparation before each iteration.
    group.measurement_time(Duration::from_millis(100));
    for case in Case::all() {
        let change = case.change_of(Collection::Motion);
        group.bench_function(BenchmarkId::new("apply", case.elements), |bencher| {
            bencher.iter(|| case.meeting.apply(change.clone()));
        });
        group.bench_function(BenchmarkId::new("load", case.elements), |bencher| {
            let snapshot = || case.generated.snapshot(FIRST_ID);
            bencher.iter_batched(snapshot, |snapshot| Meeting::load(snapshot, None), BatchSize::PerIteration);
        });
        let viewer = case.viewers(1).remove(0);
        group.bench_function(BenchmarkId::new("first_line", case.elements), |bencher| {
            let publisher = || {
                let publisher = MeetingPublisher::new(HistoryLimits::default(), RenderCacheLimit::Automatic);
                publisher.publish([loaded(case.generated.snapshot(FIRST_ID))], Duration::ZERO);
                publisher
            };
            bencher.iter_batched_ref(
                publisher,
                |publisher| black_box(send_all(publisher, &viewer, Encoder::plain())),
                BatchSize::PerIteration,
            );
        });
    }
}

criterion_group! {
    name = benches;
    config = config::criterion();
    targets = views, differences, differences_for_users, lines, lines_for_users, meetings
}
criterion_main!(benches);
