//! What does an autoupdate stream carry? (spec: stream.md#line)

use std::sync::Arc;
use std::task::{Context, Poll};

use crate::delivery::line::{Encoder, Line};
use crate::publishing::cursor::{Cursor, NextLine};
use crate::publishing::publisher::MeetingPublisher;
use bytes::Bytes;

use super::start::Started;
use crate::streams::body::{StreamPart, StreamSource};
use crate::streams::counters::EndReason;

/// The lines of one connection: the first line, then every change that affects it.
pub struct AutoupdateSource {
    publisher: Arc<MeetingPublisher>,
    cursor: Cursor,
    line: Option<Line>,
}

impl AutoupdateSource {
    pub(super) fn new(publisher: Arc<MeetingPublisher>, started: Started) -> Self {
        Self { publisher, cursor: started.cursor, line: started.first_line }
    }
}

impl StreamSource for AutoupdateSource {
    /// News is announced through the stream registry, so the context is not needed.
    fn poll_part(&mut self, _: &mut Context<'_>, encoder: &mut Encoder) -> Poll<StreamPart> {
        loop {
            if let Some(line) = &mut self.line {
                if let Some(bytes) = line.next_part(self.publisher.render_cache(), encoder) {
                    let (ends_line, written_at) = (line.is_complete(), line.changed_at());
                    if ends_line {
                        self.line = None;
                    }
                    return Poll::Ready(StreamPart::Bytes { bytes, ends_line, written_at });
                }
                self.line = None;
            }
            // A stream is only opened once there is a meeting.
            let Some(published) = self.publisher.published() else {
                return Poll::Pending;
            };
            match self.cursor.next(&published) {
                NextLine::Nothing => return Poll::Pending,
                NextLine::Line(line) => self.line = Some(line),
                NextLine::End => return Poll::Ready(StreamPart::End(EndReason::Session)),
            }
        }
    }

    fn quiet_line(&mut self, encoder: &mut Encoder) -> Option<Bytes> {
        let mut line = self.cursor.quiet_line(&*self.publisher.published()?)?;
        line.next_part(self.publisher.render_cache(), encoder)
    }
}
