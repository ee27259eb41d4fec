//! The route `/system/notify`: listens for messages. (spec: notify.md#listen)

use std::sync::Arc;

use application::notify::hub::NotifyHub;
use application::notify::source::NotifySource;
use application::publishing::publisher::MeetingPublisher;
use poem::{Endpoint, Request, Response, Result};

use super::auth::Gate;
use super::stream_response::Streams;

/// The endpoint.
pub struct Notify {
    /// Admits requests.
    pub gate: Gate,
    /// Says whether the stream may continue.
    pub publisher: Arc<MeetingPublisher>,
    /// Where the connection is registered.
    pub hub: Arc<NotifyHub>,
    /// How streams are sent.
    pub streams: Streams,
}

impl Endpoint for Notify {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let admission = self.gate.admit(request.headers()).await?;
        let place = self.streams.place(&request, admission.user)?;
        let opened = NotifySource::open(&self.hub, Arc::clone(&self.publisher), admission);
        Ok(self.streams.respond(&request, "application/octet-stream", opened, place))
    }
}

#[cfg(test)]
mod tests {
    use application::limits::streams::StreamLimits;
    use application::notify::hub::BufferLimits;
    use application::testing::meeting::{publisher, write};
    use domain::notify::channel_id::ProcessTag;
    use domain::notify::message::NotifyMessage;
    use domain::ports::authenticator::{AuthenticatorError, InvalidSession};
    use futures_util::{FutureExt, StreamExt};
    use serde_json::{Value, json};

    use super::super::test_support::{gate, gate_of, places, streams};
    use super::*;

    /// Returns the endpoint for a client of this user, with small buffers.
    fn endpoint(user: Option<u64>) -> Notify {
        let publisher = publisher();
        let limits = BufferLimits { messages_max: 2, ..BufferLimits::default() };
        let hub = Arc::new(NotifyHub::new(ProcessTag::from_random(1), limits));
        Notify { gate: gate(&publisher, user), publisher, hub, streams: streams() }
    }

    /// (spec: http.md#fair-shares)
    #[tokio::test]
    async fn a_stream_too_many_is_refused_until_one_has_ended() {
        let mut endpoint = endpoint(Some(5));
        let limits = StreamLimits { all_max: 9, per_user_max: 2, per_address_max: 9 };
        endpoint.streams.places = places(limits);
        let open = async || endpoint.get_response(Request::builder().finish()).await;
        let (first, second) = (open().await, open().await);
        assert_eq!((first.status().as_u16(), second.status().as_u16()), (200, 200));
        let refused = open().await;
        assert_eq!((refused.status().as_u16(), refused.header("retry-after")), (429, Some("5")));
        let error: Value = refused.into_body().into_json().await.expect("JSON");
        assert_eq!(error["error"]["type"], "too_many_requests");
        drop(first);
        assert_eq!(open().await.status().as_u16(), 200);
    }

    fn to_all(content: u64) -> NotifyMessage {
        let entry = json!({"channel_id": "a:5:0", "name": "n", "message": content, "to_all": true});
        NotifyMessage::parse(entry.to_string().as_bytes()).expect("a message")
    }

    /// Returns the lines that are there, and whether the stream has ended.
    fn lines(response: Response) -> (Vec<Value>, bool) {
        let mut chunks = Box::pin(response.into_body().into_bytes_stream());
        let mut lines = Vec::new();
        loop {
            match chunks.next().now_or_never() {
                None => return (lines, false),
                Some(None) => return (lines, true),
                Some(Some(chunk)) => {
                    let chunk = chunk.expect("a chunk");
                    let text = chunk.strip_suffix(b"\n").expect("a line is ended");
                    lines.push(serde_json::from_slice(text).expect("a line is JSON"));
                }
            }
        }
    }

    async fn check(user: Option<u64>, channel_id: &str) {
        let endpoint = endpoint(user);
        let response = endpoint.get_response(Request::default()).await;
        assert_eq!(response.status().as_u16(), 200);
        assert_eq!(response.content_type(), Some("application/octet-stream"));
        endpoint.hub.deliver(&to_all(1));
        let message = json!({"sender_user_id": 5, "sender_channel_id": "a:5:0", "name": "n", "message": 1});
        let channel = json!({"channel_id": channel_id, "channelID": channel_id});
        assert_eq!(lines(response), (vec![json!({"connected": true}), channel, message], false));
        assert_eq!(endpoint.hub.listeners_count(), 0, "a client that goes away is forgotten");
    }

    /// (spec: notify.md#listen)
    #[tokio::test]
    async fn a_stream_begins_with_the_channel_id_and_carries_the_messages_from_then_on() {
        check(Some(5), "10000000:5:0").await;
        check(None, "10000000:0:0").await;
    }

    #[tokio::test]
    async fn a_client_too_far_behind_is_disconnected() {
        let endpoint = endpoint(Some(5));
        let response = endpoint.get_response(Request::default()).await;
        for content in 0..3 {
            endpoint.hub.deliver(&to_all(content));
        }
        let (lines, is_ended) = lines(response);
        assert!(is_ended);
        assert_eq!(lines.len(), 2, "only what stands before the messages");
        assert_eq!(endpoint.hub.listeners_count(), 0);
    }

    #[tokio::test]
    async fn a_stream_ends_with_the_right_to_it() {
        let endpoint = endpoint(Some(5));
        let response = endpoint.get_response(Request::default()).await;
        write(&endpoint.publisher, ("users/user:5", r#"{"id":5,"is_active":false}"#));
        endpoint.hub.deliver(&to_all(1));
        assert_eq!(lines(response), (vec![json!({"connected": true})], true));
    }

    #[tokio::test]
    async fn a_refused_client_does_not_listen() {
        let mut endpoint = endpoint(Some(5));
        endpoint.gate = gate_of(&endpoint.publisher, Err(AuthenticatorError::InvalidSession(InvalidSession::Unknown)));
        let response = endpoint.get_response(Request::default()).await;
        assert_eq!(response.status().as_u16(), 400);
        assert_eq!(endpoint.hub.listeners_count(), 0);
    }
}
