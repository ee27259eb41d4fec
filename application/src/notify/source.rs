//! What does a stream of messages carry? (spec: notify.md#listen)

use std::sync::Arc;
use std::task::{Context, Poll};

use super::hub::{NotifyHub, NotifySubscription};
use crate::delivery::line::Encoder;
use crate::publishing::publisher::MeetingPublisher;
use crate::sessions::grant::StreamGrant;
use bytes::Bytes;
use domain::notify::message::channel_line;

use crate::sessions::admission::Admission;
use crate::streams::body::{Opened, StreamPart, StreamSource};
use crate::streams::counters::EndReason;
use crate::streams::registry::StreamSubscription;

/// The lines of one connection: its channel id, then the messages for it.
pub struct NotifySource {
    subscription: NotifySubscription,
    publisher: Arc<MeetingPublisher>,
    grant: StreamGrant,
    is_begun: bool,
}

impl NotifySource {
    /// Opens the stream of an admitted session, which gets messages delivered from now on.
    #[must_use]
    pub fn open(hub: &Arc<NotifyHub>, publisher: Arc<MeetingPublisher>, admission: Admission) -> Opened<Self> {
        let Admission { session, user, published } = admission;
        let grant = StreamGrant::new(&published, session.clone(), user);
        let source = Self { subscription: hub.subscribe(user), publisher, grant, is_begun: false };
        Opened { session, subscription: StreamSubscription::Messages, source }
    }
}

impl StreamSource for NotifySource {
    fn poll_part(&mut self, context: &mut Context<'_>, encoder: &mut Encoder) -> Poll<StreamPart> {
        if self.publisher.published().is_some_and(|published| !self.grant.holds(&published)) {
            return Poll::Ready(StreamPart::End(EndReason::Session));
        }
        let line = if self.is_begun {
            match self.subscription.poll_next(context) {
                Poll::Pending => return Poll::Pending,
                // Too far behind: the client reconnects, and so knows that it missed something.
                Poll::Ready(None) => return Poll::Ready(StreamPart::End(EndReason::LostMessages)),
                Poll::Ready(Some(line)) => encoder.shared(&line),
            }
        } else {
            self.is_begun = true;
            encoder.text(&channel_line(self.subscription.channel_id()))
        };
        Poll::Ready(StreamPart::Bytes { bytes: line, ends_line: true, written_at: None })
    }

    /// A listener can only fall behind in its messages.
    fn quiet_line(&mut self, _: &mut Encoder) -> Option<Bytes> {
        None
    }
}
