//! How does a stream behave, whatever it carries? (spec: http.md#stream-start)

use std::io;
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use domain::ports::authenticator::Session;
use futures_util::Stream;

use super::counters::EndReason;
use super::registry::{StreamHandle, StreamSignals, StreamSubscription};
use crate::delivery::line::{CONNECTED, Encoder, SharedText};
use crate::limits::streams::StreamPlace;

/// A stream that was opened, and on which nothing has been sent yet.
#[derive(Debug)]
pub struct Opened<S> {
    /// The session that opened it.
    pub session: Session,
    /// What it subscribes to.
    pub subscription: StreamSubscription,
    /// What it carries.
    pub source: S,
}

/// What a stream carries, line by line.
pub trait StreamSource: Send + Sync + Unpin + 'static {
    /// Returns the next part of a line: of the current one, or of the next one if there is news.
    ///
    /// A source with news of its own kind (not announced through the stream registry) registers the waker.
    fn poll_part(&mut self, context: &mut Context<'_>, encoder: &mut Encoder) -> Poll<StreamPart>;

    /// Returns a line for a client that fell behind although nothing affected it; `None` if there is nothing to say.
    /// Called only between two lines.
    fn quiet_line(&mut self, encoder: &mut Encoder) -> Option<Bytes>;
}

/// What a source yields.
#[derive(Debug)]
pub enum StreamPart {
    /// Part of a line, and whether it completes the line.
    Bytes {
        /// The encoded part.
        bytes: Bytes,
        /// Whether it completes the line.
        ends_line: bool,
        /// When the oldest change that the line tells of was written to the store, a monotonic time, if anybody knows.
        written_at: Option<Duration>,
    },
    /// Nothing will follow, for this reason.
    End(EndReason),
}

/// The body of a stream's response.
pub struct StreamBody<S> {
    source: S,
    stream: StreamHandle,
    encoder: Encoder,
    state: BodyState,
    text_bytes_max: u64,
    /// How many bytes of text were counted so far.
    text_bytes_counted: u64,
    /// How many bytes were sent since the stream last yielded.
    turn_bytes: usize,
    #[expect(dead_code, reason = "it is kept, and frees itself")]
    place: Option<StreamPlace>,
}

/// How many bytes a stream sends before it yields to others: first lines of new clients are long, and must not delay
/// everybody else's changes.
const TURN_BYTES_MAX: usize = 64 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BodyState {
    /// Nothing has been sent yet.
    New,
    /// A line is complete, or none has begun.
    BetweenLines,
    /// A line has begun.
    InLine,
    /// The end has been sent.
    Ended,
}

static KEEP_ALIVE: LazyLock<SharedText> = LazyLock::new(|| SharedText::new(CONNECTED.to_owned()));

impl<S: StreamSource> StreamBody<S> {
    /// Creates the body that sends what `source` yields. After more than `text_bytes_max` bytes of text it ends between
    /// two lines (0: never).
    pub fn new(source: S, stream: StreamHandle, encoder: Encoder, text_bytes_max: u64) -> Self {
        let text_bytes_max = if text_bytes_max == 0 { u64::MAX } else { text_bytes_max };
        stream.encoded(encoder.coding());
        let state = BodyState::New;
        Self { source, stream, encoder, state, text_bytes_max, text_bytes_counted: 0, turn_bytes: 0, place: None }
    }

    /// Keeps `place` until the stream has ended.
    #[must_use]
    pub fn keeping(self, place: StreamPlace) -> Self {
        Self { place: Some(place), ..self }
    }

    fn send(&mut self, bytes: Bytes, state: BodyState) -> Poll<Option<io::Result<Bytes>>> {
        if self.state != BodyState::InLine {
            self.stream.begins_line();
        }
        self.state = state;
        self.turn_bytes += bytes.len();
        let text_bytes = self.encoder.text_bytes();
        let sent_text_bytes = text_bytes - std::mem::replace(&mut self.text_bytes_counted, text_bytes);
        self.stream.sent(bytes.len(), sent_text_bytes, state == BodyState::BetweenLines);
        Poll::Ready(Some(Ok(bytes)))
    }

    /// Ends the stream; only between two lines.
    fn end(&mut self, reason: EndReason) -> Poll<Option<io::Result<Bytes>>> {
        self.state = BodyState::Ended;
        self.stream.ends(reason);
        let end = self.encoder.end();
        Poll::Ready((!end.is_empty()).then_some(Ok(end)))
    }
}

impl<S: StreamSource> Stream for StreamBody<S> {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        match this.state {
            BodyState::Ended => return Poll::Ready(None),
            BodyState::New => {
                let begin = this.encoder.begin(CONNECTED);
                return this.send(begin, BodyState::BetweenLines);
            }
            BodyState::BetweenLines | BodyState::InLine => {}
        }
        if this.turn_bytes >= TURN_BYTES_MAX {
            this.turn_bytes = 0;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let signals = this.stream.listen(context.waker());
        if this.state == BodyState::BetweenLines {
            if signals.has(StreamSignals::REVOKED) {
                return this.end(EndReason::Session);
            }
            let is_drained = signals.has(StreamSignals::DRAIN);
            if is_drained || this.encoder.text_bytes() > this.text_bytes_max {
                // So that the client reconnects with the current id.
                return match this.source.quiet_line(&mut this.encoder) {
                    Some(bytes) => this.send(bytes, BodyState::BetweenLines),
                    None => this.end(if is_drained { EndReason::Stopping } else { EndReason::Length }),
                };
            }
        }
        match this.source.poll_part(context, &mut this.encoder) {
            Poll::Ready(StreamPart::Bytes { bytes, ends_line, written_at }) => {
                if let Some(written_at) = written_at {
                    this.stream.tells_of(written_at);
                }
                this.send(bytes, if ends_line { BodyState::BetweenLines } else { BodyState::InLine })
            }
            Poll::Ready(StreamPart::End(reason)) => this.end(reason),
            // A source that waits inside a line only waits for its own news.
            Poll::Pending if this.state == BodyState::InLine => {
                this.turn_bytes = 0;
                Poll::Pending
            }
            Poll::Pending => {
                this.turn_bytes = 0;
                if signals.has(StreamSignals::QUIET_LINE)
                    && let Some(bytes) = this.source.quiet_line(&mut this.encoder)
                {
                    return this.send(bytes, BodyState::BetweenLines);
                }
                if this.stream.is_silent() {
                    let bytes = this.encoder.shared(&KEEP_ALIVE);
                    return this.send(bytes, BodyState::BetweenLines);
                }
                Poll::Pending
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use domain::testing::ManualClock;
    use futures_util::{FutureExt, StreamExt};

    use super::super::registry::{KeepAliveSettings, StreamRegistry};
    use super::*;

    const LINE: &str = "{\"changed\":{}}\n";
    const QUIET: &str = "{\"to_change_id\":7}\n";

    /// Has one line, and a client that is behind afterwards.
    struct OneLine {
        is_sent: bool,
        is_behind: bool,
    }

    impl StreamSource for OneLine {
        fn poll_part(&mut self, _: &mut Context<'_>, encoder: &mut Encoder) -> Poll<StreamPart> {
            if std::mem::replace(&mut self.is_sent, true) {
                return Poll::Pending;
            }
            Poll::Ready(StreamPart::Bytes { bytes: encoder.text(LINE), ends_line: true, written_at: None })
        }

        fn quiet_line(&mut self, encoder: &mut Encoder) -> Option<Bytes> {
            std::mem::take(&mut self.is_behind).then(|| encoder.text(QUIET))
        }
    }

    /// Checks which parts come at once, and whether the stream ends with them. Draining begins after the line.
    #[track_caller]
    fn check(text_bytes_max: u64, is_drained: bool, expected: &[&str], ends: bool) {
        let registry = StreamRegistry::new(
            KeepAliveSettings { keep_alive_seconds: 0, quiet_line_seconds: 0 },
            Arc::new(ManualClock::new(0)),
        );
        let stream = registry.enter(&Session::anonymous(), StreamSubscription::Messages);
        let source = OneLine { is_sent: false, is_behind: true };
        let mut body = StreamBody::new(source, stream, Encoder::plain(), text_bytes_max);
        let mut parts = Vec::new();
        let ended = loop {
            match body.next().now_or_never() {
                Some(Some(part)) => parts.push(part.expect("bytes")),
                Some(None) => break true,
                None => break false,
            }
            if is_drained && parts.len() == 2 {
                registry.drain(0, 1);
            }
        };
        assert_eq!((parts, ended), (expected.iter().map(|part| Bytes::from(part.to_string())).collect(), ends));
    }

    #[test]
    fn a_stream_that_is_ended_on_purpose_tells_the_present_id_first() {
        check(0, false, &[CONNECTED, LINE], false);
        check(1_000_000, false, &[CONNECTED, LINE], false);
        check(20, false, &[CONNECTED, LINE, QUIET], true);
        check(0, true, &[CONNECTED, LINE, QUIET], true);
    }
}
