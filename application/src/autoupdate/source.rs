//! What does an autoupdate stream carry? (spec: stream.md)

use std::sync::Arc;
use std::task::{Context, Poll};

use crate::delivery::line::{Encoder, Line};
use crate::publishing::cursor::{Cursor, Next};
use crate::publishing::live::Live;
use bytes::Bytes;

use super::start::Started;
use crate::streams::body::{Part, Source};

/// The lines of one connection: its first one, then what changed for it.
pub struct AutoupdateSource {
    live: Arc<Live>,
    cursor: Cursor,
    line: Option<Line>,
}

impl AutoupdateSource {
    pub(super) fn new(live: Arc<Live>, started: Started) -> Self {
        Self { live, cursor: started.cursor, line: started.first_line }
    }
}

impl Source for AutoupdateSource {
    /// News is announced through the registry of connections, so the context is not needed.
    fn poll_part(&mut self, _: &mut Context<'_>, encoder: &mut Encoder) -> Poll<Part> {
        loop {
            if let Some(line) = &mut self.line {
                if let Some(bytes) = line.next_part(self.live.pieces(), encoder) {
                    let ends_line = line.is_complete();
                    if ends_line {
                        self.line = None;
                    }
                    return Poll::Ready(Part::Bytes { bytes, ends_line });
                }
                self.line = None;
            }
            // There is a meeting since before the stream began.
            let Some(published) = self.live.published() else {
                return Poll::Pending;
            };
            match self.cursor.next(&published) {
                Next::Nothing => return Poll::Pending,
                Next::Line(line) => self.line = Some(line),
                Next::End => return Poll::Ready(Part::End),
            }
        }
    }

    fn quiet_line(&mut self, encoder: &mut Encoder) -> Option<Bytes> {
        let mut line = self.cursor.quiet_line(&*self.live.published()?)?;
        line.next_part(self.live.pieces(), encoder)
    }
}
