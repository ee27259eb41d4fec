//! Does a compressed stream carry the same text as a plain one, and is every line readable as soon as its bytes arrive?
//! (spec: http.md#compression, http.md#sync-flush)

#[path = "encodings/clients.rs"]
mod clients;
#[path = "encodings/decoders.rs"]
mod decoders;

use std::time::Duration;

use application::autoupdate::start::{Start, start};
use application::delivery::line::{CONNECTED, Line, SharedText};
use application::publishing::cursor::{Cursor, NextLine};
use application::publishing::publisher::{MeetingPublisher, RenderCacheLimit};
use clients::Clients;
use domain::ids::{ChangeId, UserId};
use domain::meeting::history::HistoryLimits;
use domain::meeting::{Change, Meeting};
use domain::ports::authenticator::Session;
use domain::ports::element_store::RawElement;
use domain::restriction::viewer::Viewer;
use domain::testing::generator::{Generated, Plan};
use domain::testing::strategies::cases_kept_in;
use proptest::prelude::*;

fn connect(publisher: &MeetingPublisher, user: UserId) -> (Cursor, Line) {
    let published = publisher.published().expect("a meeting");
    let viewer = Viewer::resolve(published.current(), Some(user));
    let session = Session { user: Some(user), ..Session::anonymous() };
    match start(&published, session, viewer, ChangeId(0)) {
        Start::Ready(started) => (started.cursor, started.first_line.expect("everything")),
        other => panic!("cannot start: {other:?}"),
    }
}

fn next(publisher: &MeetingPublisher, cursor: &mut Cursor) -> Line {
    match cursor.next(&publisher.published().expect("a meeting")) {
        NextLine::Line(line) => line,
        other => panic!("no line: {other:?}"),
    }
}

#[test]
fn a_whole_meeting_and_its_changes_are_read_line_by_line() {
    let generated = Generated::new(Plan { seed: 1, elements: 500, users: 100 });
    let publisher = MeetingPublisher::new(HistoryLimits::default(), RenderCacheLimit::Automatic);
    publisher.publish([Meeting::load(generated.snapshot(ChangeId(1)), None).meeting], Duration::ZERO);
    // A manager and a user who sees little, who reuses the rendered blocks of the manager.
    for user in [generated.users()[0].0, generated.users()[5].0] {
        let mut clients = Clients::new();
        let (mut cursors, lines): (Vec<_>, Vec<_>) = (0..3).map(|_| connect(&publisher, user)).unzip();
        clients.send_line(&publisher, lines.try_into().expect("three"));
        let groups = generated.elements().iter().filter(|(key, _)| key.to_string().starts_with("users/group:"));
        for (key, json) in groups {
            let change_id = publisher.published().expect("a meeting").current().change_id().next();
            let json = json.replacen('{', &format!("{{\"changed\":{},", change_id.0), 1).into_bytes();
            let elements = vec![RawElement { key: key.to_string().into_bytes(), json: Some(json) }];
            let change = Change { change_id, elements };
            publisher
                .publish([publisher.published().expect("a meeting").current().apply(change).meeting], Duration::ZERO);
            let lines: Vec<_> = cursors.iter_mut().map(|cursor| next(&publisher, cursor)).collect();
            clients.send_line(&publisher, lines.try_into().expect("three"));
            clients.send(CONNECTED, |encoder| encoder.text(CONNECTED));
        }
        let [plain, gzip, zstd] = clients.end();
        assert!(gzip < plain / 2 && zstd < plain / 2, "{plain} bytes, {gzip} in gzip, {zstd} in zstd");
    }
}

#[derive(Clone, Debug)]
enum Text {
    /// Text for one client.
    Own(String),
    /// Text shared by many clients; never empty.
    Shared(String),
}

fn text() -> impl Strategy<Value = Text> {
    // Around the lengths at which zstd and gzip change their format; well and badly compressible texts.
    let length = prop_oneof![0..10_usize, 250..260_usize, 4_090..4_100_usize, 65_530..65_540_usize, Just(140_000)];
    let text = (length, any::<u32>(), 1..=60_u32).prop_map(|(length, seed, letters)| {
        let letter = |index: u32| (seed.wrapping_add(index).wrapping_mul(2_654_435_761) >> 16) % letters;
        (0..length as u32).map(|index| char::from(b'A' + letter(index) as u8)).collect::<String>()
    });
    (text, any::<bool>()).prop_map(|(text, is_shared)| match is_shared && !text.is_empty() {
        true => Text::Shared(text),
        false => Text::Own(text),
    })
}

proptest! {
    #![proptest_config(cases_kept_in(concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/tests/encodings.txt"), 32))]

    #[test]
    fn any_texts_are_readable_as_soon_as_they_are_sent(texts in proptest::collection::vec(text(), 0..12)) {
        let mut clients = Clients::new();
        for text in &texts {
            match text {
                Text::Own(text) => clients.send(text, |encoder| encoder.text(text)),
                Text::Shared(text) => {
                    let shared = SharedText::new(text.clone());
                    clients.send(text, |encoder| encoder.shared(&shared));
                }
            }
        }
        clients.end();
    }
}
