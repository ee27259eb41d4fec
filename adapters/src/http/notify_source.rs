//! What does a stream of messages carry? (spec: notify.md, Listening)

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use domain::line::Encoder;
use domain::live::Live;
use domain::notify::message::channel_line;
use domain::notify::routing::Subscription;
use domain::right::Right;

use super::stream::{Part, Source};

/// The lines of one connection: its channel id, then the messages that are for it.
pub(super) struct NotifySource {
    subscription: Subscription,
    live: Arc<Live>,
    right: Right,
    is_begun: bool,
}

impl NotifySource {
    pub(super) fn new(subscription: Subscription, live: Arc<Live>, right: Right) -> Self {
        Self { subscription, live, right, is_begun: false }
    }
}

impl Source for NotifySource {
    fn poll_part(&mut self, context: &mut Context<'_>, encoder: &mut Encoder) -> Poll<Part> {
        if self.live.published().is_some_and(|published| !self.right.holds(&published)) {
            return Poll::Ready(Part::End);
        }
        let line = if self.is_begun {
            match self.subscription.poll_next(context) {
                Poll::Pending => return Poll::Pending,
                // Too far behind: the client comes back and knows that it missed something.
                Poll::Ready(None) => return Poll::Ready(Part::End),
                Poll::Ready(Some(line)) => encoder.shared(&line),
            }
        } else {
            self.is_begun = true;
            encoder.text(&channel_line(self.subscription.channel_id()))
        };
        Poll::Ready(Part::Bytes { bytes: line, ends_line: true })
    }

    /// A listener is never behind in anything but its messages.
    fn quiet_line(&mut self, _: &mut Encoder) -> Option<Bytes> {
        None
    }
}
