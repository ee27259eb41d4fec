//! Does a compressed stream carry the same text as a plain one, and every line as soon as its bytes are there?
//! (spec: http.md, Streams)

use std::io::{self, Write};
use std::time::Duration;

use application::autoupdate::start::{Start, start};
use application::delivery::line::{CONNECTED, Encoder, Line, SharedText};
use application::publishing::cursor::{Cursor, Next};
use application::publishing::live::{Live, PiecesLimit};
use bytes::Bytes;
use domain::ids::{ChangeId, UserId};
use domain::meeting::history::HistoryLimits;
use domain::meeting::{Change, Meeting};
use domain::ports::authenticator::Session;
use domain::ports::element_store::RawElement;
use domain::restriction::viewer::Viewer;
use domain::testing::generator::{Generated, Plan};
use flate2::write::GzDecoder;
use proptest::prelude::*;

/// A client reads what was sent to it so far.
trait Decoder: Write {
    /// Everything that could be read.
    fn text(&mut self) -> &[u8];
}

impl Decoder for Vec<u8> {
    fn text(&mut self) -> &[u8] {
        self
    }
}

impl Decoder for GzDecoder<Vec<u8>> {
    fn text(&mut self) -> &[u8] {
        self.get_ref()
    }
}

impl Decoder for zstd::stream::write::Decoder<'static, Vec<u8>> {
    fn text(&mut self) -> &[u8] {
        self.get_ref()
    }
}

/// A stream in one encoding, and the client at its other end.
struct Stream {
    name: &'static str,
    encoder: Encoder,
    decoder: Box<dyn Decoder>,
    /// All bytes that were sent.
    sent: Vec<u8>,
}

impl Stream {
    /// One in every encoding.
    fn all() -> [Self; 3] {
        let zstd = zstd::stream::write::Decoder::new(Vec::new()).expect("memory");
        [
            Self::new("plain", Encoder::plain(), Box::new(Vec::new())),
            Self::new("gzip", Encoder::gzip(), Box::new(GzDecoder::new(Vec::new()))),
            Self::new("zstd", Encoder::zstd(), Box::new(zstd)),
        ]
    }

    fn new(name: &'static str, encoder: Encoder, decoder: Box<dyn Decoder>) -> Self {
        Self { name, encoder, decoder, sent: Vec::new() }
    }

    fn send(&mut self, bytes: &Bytes) {
        self.sent.extend_from_slice(bytes);
        // As the network may cut it.
        for part in bytes.chunks(1_000) {
            self.decoder.write_all(part).expect("a stream that can be read");
        }
        self.decoder.flush().expect("a stream that can be read");
    }

    #[track_caller]
    fn check(&mut self, expected: &[u8]) {
        assert_eq!(self.encoder.text_bytes(), expected.len() as u64, "{}", self.name);
        assert!(
            self.decoder.text() == expected,
            "{}: the client does not have all of {} bytes",
            self.name,
            expected.len()
        );
    }

    /// After the end of the stream: is it, as a whole, what its name says?
    #[track_caller]
    fn check_whole(&mut self, expected: &[u8]) {
        let end = self.encoder.end();
        self.sent.extend_from_slice(&end);
        let text = match self.name {
            "gzip" => io::read_to_string(flate2::read::GzDecoder::new(&*self.sent)).map(String::into_bytes),
            "zstd" => zstd::stream::decode_all(&*self.sent),
            _ => Ok(self.sent.clone()),
        };
        assert!(text.expect("a whole stream") == expected, "{}", self.name);
    }
}

/// Sends the same to a client of every encoding.
struct Clients {
    streams: [Stream; 3],
    expected: Vec<u8>,
}

impl Clients {
    fn new() -> Self {
        let mut clients = Self { streams: Stream::all(), expected: Vec::new() };
        clients.send(CONNECTED, |encoder| encoder.begin(CONNECTED));
        clients
    }

    #[track_caller]
    fn send(&mut self, text: &str, make: impl Fn(&mut Encoder) -> Bytes) {
        self.expected.extend_from_slice(text.as_bytes());
        for stream in &mut self.streams {
            let bytes = make(&mut stream.encoder);
            stream.send(&bytes);
            stream.check(&self.expected);
        }
    }

    /// The same line for each of them.
    #[track_caller]
    fn send_line(&mut self, live: &Live, lines: [Line; 3]) {
        for (stream, mut line) in self.streams.iter_mut().zip(lines) {
            while let Some(part) = line.next_part(live.pieces(), &mut stream.encoder) {
                assert!(!part.is_empty(), "{}", stream.name);
                stream.send(&part);
            }
        }
        let [plain, ..] = &self.streams;
        self.expected.clone_from(&plain.sent);
        assert_eq!((plain.name, self.expected.last()), ("plain", Some(&b'\n')));
        for stream in &mut self.streams {
            stream.check(&self.expected);
        }
    }

    /// How many bytes were sent: plain, gzip, zstd.
    #[track_caller]
    fn end(mut self) -> [usize; 3] {
        for stream in &mut self.streams {
            stream.check_whole(&self.expected);
        }
        self.streams.map(|stream| stream.sent.len())
    }
}

fn connect(live: &Live, user: UserId) -> (Cursor, Line) {
    let published = live.published().expect("a meeting");
    let viewer = Viewer::resolve(published.current(), Some(user));
    let session = Session { user: Some(user), ..Session::anonymous() };
    match start(&published, session, viewer, ChangeId(0)) {
        Start::Ready(started) => (started.cursor, started.first_line.expect("everything")),
        other => panic!("cannot start: {other:?}"),
    }
}

fn next(live: &Live, cursor: &mut Cursor) -> Line {
    match cursor.next(&live.published().expect("a meeting")) {
        Next::Line(line) => line,
        other => panic!("no line: {other:?}"),
    }
}

#[test]
fn a_whole_meeting_and_its_changes_are_read_line_by_line() {
    let generated = Generated::new(Plan { seed: 1, elements: 500, users: 100 });
    let live = Live::new(HistoryLimits::default(), PiecesLimit::Automatic);
    live.publish([Meeting::load(generated.snapshot(ChangeId(1)), None).meeting], Duration::ZERO);
    // A manager, and one of those who see little; the second finds pieces of the first.
    for user in [generated.users()[0].0, generated.users()[5].0] {
        let mut clients = Clients::new();
        let (mut cursors, lines): (Vec<_>, Vec<_>) = (0..3).map(|_| connect(&live, user)).unzip();
        clients.send_line(&live, lines.try_into().expect("three"));
        let groups = generated.elements().iter().filter(|(key, _)| key.to_string().starts_with("users/group:"));
        for (key, json) in groups {
            let change_id = live.published().expect("a meeting").current().change_id().next();
            let json = json.replacen('{', &format!("{{\"changed\":{},", change_id.0), 1).into_bytes();
            let elements = vec![RawElement { key: key.to_string().into_bytes(), json: Some(json) }];
            let change = Change { change_id, elements };
            live.publish([live.published().expect("a meeting").current().apply(change).meeting], Duration::ZERO);
            let lines: Vec<_> = cursors.iter_mut().map(|cursor| next(&live, cursor)).collect();
            clients.send_line(&live, lines.try_into().expect("three"));
            clients.send(CONNECTED, |encoder| encoder.text(CONNECTED));
        }
        let [plain, gzip, zstd] = clients.end();
        assert!(gzip < plain / 2 && zstd < plain / 2, "{plain} bytes, {gzip} in gzip, {zstd} in zstd");
    }
}

#[derive(Clone, Debug)]
enum Text {
    /// For one client.
    Own(String),
    /// For many; never empty.
    Shared(String),
}

fn text() -> impl Strategy<Value = Text> {
    // Around the lengths at which zstd and gzip change how they store; those that compress well, and those that do not.
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
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn any_texts_are_read_as_soon_as_they_were_sent(texts in proptest::collection::vec(text(), 0..12)) {
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
