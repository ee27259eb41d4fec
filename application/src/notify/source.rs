//! What does a stream of messages carry? (spec: notify.md, Listening)

use std::sync::Arc;
use std::task::{Context, Poll};

use super::hub::{NotifyHub, Subscription};
use crate::delivery::line::Encoder;
use crate::publishing::live::Live;
use crate::sessions::right::Right;
use bytes::Bytes;
use domain::notify::message::channel_line;

use crate::sessions::admission::Admission;
use crate::streams::body::{Opened, Part, Source};
use crate::streams::connections::Interest;

/// The lines of one connection: its channel id, then the messages that are for it.
pub struct NotifySource {
    subscription: Subscription,
    live: Arc<Live>,
    right: Right,
    is_begun: bool,
}

impl NotifySource {
    /// Opens the stream of whoever was admitted: messages that are delivered from now on are for it too.
    #[must_use]
    pub fn open(hub: &Arc<NotifyHub>, live: Arc<Live>, admission: Admission) -> Opened<Self> {
        let Admission { session, user, published } = admission;
        let right = Right::new(&published, session.clone(), user);
        let source = Self { subscription: hub.subscribe(user), live, right, is_begun: false };
        Opened { session, interest: Interest::Messages, source }
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
