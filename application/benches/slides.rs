//! What does it cost to keep projectors and their listeners up to date, as the numbers of elements and listeners grow?

mod config;

use std::collections::BTreeSet;
use std::hint::black_box;
use std::sync::Arc;

use application::projector::board::Board;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use domain::ids::{ChangeId, ProjectorId, UserId};
use domain::meeting::{Change, Meeting};
use domain::ports::element_store::RawElement;
use domain::projector::{ProjectorBoard, ProjectorCursor, ProjectorIds, Written, render_projector};
use domain::testing::generator::{Generated, Plan};
use serde_json::{Value, json};

/// The allocator of the service.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ELEMENTS: [usize; 3] = [1_000, 15_000, 100_000];
const LISTENERS: [u64; 3] = [1, 8, 1_000];
const MOTION: u64 = 100_000;
const AMENDMENTS: u64 = 50;
const REFERRING: u64 = 100;

/// A meeting of that size, whose projectors 1 and 2 show a motion with amendments to which other motions refer.
fn meeting(elements: usize) -> Meeting {
    let generated = Generated::new(Plan { elements, users: 2_000.min(elements / 4), ..Plan::LARGE });
    let loaded = Meeting::load(generated.snapshot(ChangeId(1_000)), None).meeting;
    let text = "<p>Die Versammlung möge beschließen: Lorem ipsum dolor sit amet, consectetur.</p>".repeat(40);
    let amendments: Vec<u64> = (1..=AMENDMENTS).map(|number| MOTION + number).collect();
    let mut elements = vec![
        (
            "motions/state".to_owned(),
            json!({"id": MOTION, "recommendation_label": "Acceptance",
            "show_recommendation_extension_field": true, "merge_amendment_into_final": 1}),
        ),
        ("motions/motion".to_owned(), motion(MOTION, &text, json!({"amendments_id": amendments}))),
    ];
    for id in &amendments {
        let fields =
            json!({"parent_id": MOTION, "state_id": MOTION, "amendment_paragraphs": [null, &text[..1_000], null]});
        elements.push(("motions/motion".to_owned(), motion(*id, &text, fields)));
    }
    for id in (1..=REFERRING).map(|number| MOTION + AMENDMENTS + number) {
        let extension = format!("see [motion:{MOTION}]");
        let fields = json!({"recommendation_id": MOTION, "recommendation_extension": extension});
        elements.push(("motions/motion".to_owned(), motion(id, &text, fields)));
    }
    for id in [1, 2] {
        elements.push((
            "core/projector".to_owned(),
            json!({"id": id, "reference_projector_id": 1, "elements": [
                {"name": "motions/motion", "id": MOTION},
                {"name": "core/clock", "stable": true},
                {"name": "agenda/current-list-of-speakers-overlay", "stable": true},
            ]}),
        ));
    }
    changed(&loaded, &elements)
}

fn motion(id: u64, text: &str, fields: Value) -> Value {
    let mut motion = json!({"id": id, "identifier": format!("A{id}"), "title": "Änderung der Satzung", "text": text,
        "reason": text, "submitters": [{"user_id": 1, "weight": 1}], "state_restriction": []});
    if let (Some(motion), Value::Object(fields)) = (motion.as_object_mut(), fields) {
        motion.extend(fields);
    }
    motion
}

fn changed(meeting: &Meeting, elements: &[(String, Value)]) -> Meeting {
    let raw = |(collection, element): &(String, Value)| RawElement {
        key: format!("{collection}:{}", element["id"]).into_bytes(),
        json: Some(element.to_string().into_bytes()),
    };
    let change = Change { change_id: meeting.change_id().next(), elements: elements.iter().map(raw).collect() };
    meeting.apply(change).meeting
}

fn slides(criterion: &mut Criterion) {
    for elements in ELEMENTS {
        slides_of(criterion, elements);
    }
}

fn slides_of(criterion: &mut Criterion, elements: usize) {
    let wanted: BTreeSet<ProjectorId> = [1, 2].map(ProjectorId).into();
    let base = Arc::new(meeting(elements));
    let board = ProjectorBoard::new(Arc::clone(&base)).advance(Arc::clone(&base), Written::Keys(&[]), &wanted).board;
    let after = |collection: &str, element: Value| Arc::new(changed(&base, &[(collection.to_owned(), element)]));
    let amendments: Vec<u64> = (1..=AMENDMENTS).map(|number| MOTION + number).collect();
    let shown = after("motions/motion", motion(MOTION, "<p>new</p>", json!({"amendments_id": amendments})));

    criterion.bench_function(&format!("slide/everything/{elements}"), |bencher| {
        bencher.iter(|| wanted.iter().map(|id| render_projector(&base, *id)).collect::<Vec<_>>());
    });
    criterion.bench_function(&format!("slide/motion_shown_on_two/{elements}"), |bencher| {
        bencher.iter(|| board.advance(Arc::clone(&shown), Written::Keys(&shown.step().written), &wanted));
    });
    let not_shown = [
        ("user", after("users/user", json!({"id": 77, "username": "u", "groups_id": [1]}))),
        ("motion", after("motions/motion", motion(7, "<p>new</p>", json!({})))),
        ("config", after("core/config", json!({"id": 1, "key": "general_event_name", "value": "E"}))),
    ];
    for (name, meeting) in &not_shown {
        let advance = || board.advance(Arc::clone(meeting), Written::Keys(&meeting.step().written), &wanted);
        assert_eq!(advance().changes.projectors, []);
        criterion.bench_function(&format!("slide/{name}_not_shown/{elements}"), |bencher| bencher.iter(advance));
    }
    let shown_before = Board::new(board.advance(Arc::clone(&base), Written::Keys(&[]), &wanted).board);
    for listeners in LISTENERS {
        lines(criterion, &format!("slide/lines/{elements}/{listeners}"), listeners, &shown_before, || {
            Board::new(board.advance(Arc::clone(&shown), Written::Keys(&shown.step().written), &wanted).board)
        });
    }
}

/// The line of both projectors for every listener, when what they show has changed.
fn lines(criterion: &mut Criterion, name: &str, listeners: u64, board: &Board, changed: impl Fn() -> Board) {
    let ids = || ProjectorIds::parse(Some("1,2")).expect("two ids");
    let mut cursors: Vec<_> = (1..=listeners).map(|user| ProjectorCursor::new(Some(UserId(user)), ids())).collect();
    for cursor in &mut cursors {
        black_box(board.next_line(cursor));
    }
    criterion.bench_function(name, |bencher| {
        bencher.iter_batched(
            || (changed(), cursors.clone()),
            |(board, mut cursors)| cursors.iter_mut().filter_map(|cursor| board.next_line(cursor)).count(),
            BatchSize::LargeInput,
        );
    });
}

criterion_group! {
    name = benches;
    config = config::criterion();
    targets = slides
}
criterion_main!(benches);
