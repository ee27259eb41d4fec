//! What does a frame of the client mean? (RFC 9113, sections 5 and 6)

use futures_util::future::BoxFuture;
use hyper::Request;
use poem::http::{StatusCode, header, request};
use tokio::io::{AsyncRead, AsyncWrite};

use super::body;
use super::connection::Connection;
use super::ending::PING_DRAIN;
use super::frame::{
    ACK, END_HEADERS, END_STREAM, ErrorCode, HEAD_BYTES, Head, Kind, PADDED, PAYLOAD_BYTES_MAX, PREFACE, PRIORITY,
    Violation, read_u31,
};
use super::hpack;
use super::ready::StreamWaker;
use super::request::{RequestFields, TrailerFields, Unusable, content_length};
use super::settings::read_window;
use super::stream::{RequestState, ResponseState, Stream};
use super::window::{ReceiveWindow, SendWindow};
use crate::http::router::HttpResponse;

/// What came so far, as far as it still matters.
#[derive(Debug, Default)]
pub(super) struct Received {
    has_preface: bool,
    has_settings: bool,
    /// Of a frame that is not complete.
    partial: Vec<u8>,
}

/// A header block that is not complete.
#[derive(Debug)]
pub(super) struct HeaderBlock {
    stream: u32,
    bytes: Vec<u8>,
    ends_stream: bool,
}

impl<Io, Respond> Connection<Io, Respond>
where
    Io: AsyncRead + AsyncWrite + Unpin,
    Respond: Fn(Request<poem::Body>) -> BoxFuture<'static, HttpResponse>,
{
    /// Takes what came.
    pub(super) fn receive(&mut self, bytes: &[u8]) -> Result<(), Violation> {
        if self.received.partial.is_empty() {
            let rest = self.receive_whole(bytes)?;
            self.received.partial.extend_from_slice(rest);
            return Ok(());
        }
        let mut partial = std::mem::take(&mut self.received.partial);
        partial.extend_from_slice(bytes);
        let rest = self.receive_whole(&partial)?.len();
        // A connection that waits keeps no memory for what came.
        if rest > 0 {
            partial.drain(..partial.len() - rest);
            self.received.partial = partial;
        }
        Ok(())
    }

    /// Takes all whole frames; returns the rest.
    fn receive_whole<'b>(&mut self, mut bytes: &'b [u8]) -> Result<&'b [u8], Violation> {
        if !self.received.has_preface {
            let length = bytes.len().min(PREFACE.len());
            if bytes[..length] != PREFACE[..length] {
                return Err(Violation::protocol("the connection does not begin as one of HTTP/2"));
            }
            if length < PREFACE.len() {
                return Ok(bytes);
            }
            self.received.has_preface = true;
            bytes = &bytes[length..];
        }
        while let Some(head) = Head::read(bytes) {
            if head.length > PAYLOAD_BYTES_MAX {
                return Err(Violation::size("a frame is longer than it may be"));
            }
            let Some(payload) = bytes.get(HEAD_BYTES..HEAD_BYTES + head.length) else { break };
            self.receive_frame(head, payload)?;
            bytes = &bytes[HEAD_BYTES + head.length..];
        }
        Ok(bytes)
    }

    fn receive_frame(&mut self, head: Head, payload: &[u8]) -> Result<(), Violation> {
        if !self.received.has_settings && (head.kind != Kind::Settings || head.has(ACK)) {
            return Err(Violation::protocol("the first frame is not SETTINGS"));
        }
        if let Some(block) = &self.block
            && (head.kind != Kind::Continuation || head.stream != block.stream)
        {
            return Err(Violation::protocol("another frame within a header block"));
        }
        let is_of_connection = match head.kind {
            Kind::Settings | Kind::Ping | Kind::GoAway => Some(true),
            Kind::Data | Kind::Headers | Kind::Priority | Kind::ResetStream | Kind::Continuation => Some(false),
            Kind::WindowUpdate | Kind::PushPromise | Kind::Unknown => None,
        };
        if is_of_connection.is_some_and(|is_of_connection| is_of_connection != (head.stream == 0)) {
            return Err(Violation::protocol("a frame on a stream that it cannot be about"));
        }
        match head.kind {
            Kind::Data => self.receive_data(head, payload),
            Kind::Headers => self.receive_headers(head, payload),
            Kind::Priority => self.receive_priority(head),
            Kind::ResetStream => self.receive_reset(head),
            Kind::Settings => self.receive_settings(head, payload),
            Kind::PushPromise => Err(Violation::protocol("a client pushes")),
            Kind::Ping => self.receive_ping(head, payload),
            // It will open no more streams; the open ones go on.
            Kind::GoAway if head.length < 8 => Err(Violation::size("GOAWAY is too short")),
            Kind::GoAway => Ok(()),
            Kind::WindowUpdate => self.receive_window_update(head, payload),
            Kind::Continuation => self.receive_continuation(head, payload),
            Kind::Unknown => self.allowance.take(),
        }
    }

    /// A stream may be ended for a mistake of the client, but not for any number of them.
    fn reset_for(&mut self, stream: u32, code: ErrorCode) -> Result<(), Violation> {
        self.reset(stream, code);
        self.allowance.take()
    }

    /// Fails if nobody can have opened the stream.
    fn check_not_idle(&self, stream: u32) -> Result<(), Violation> {
        // What the client opened after the end had begun was not looked at.
        let is_idle = stream > self.last_stream && !self.ignores_new_streams();
        if is_idle || stream.is_multiple_of(2) {
            return Err(Violation::protocol("a frame on a stream that was never opened"));
        }
        Ok(())
    }

    fn receive_data(&mut self, head: Head, payload: &[u8]) -> Result<(), Violation> {
        self.check_not_idle(head.stream)?;
        let data = without_padding(head, payload)?;
        if !self.receive_window.received(payload.len()) {
            return Err(Violation::new(ErrorCode::FlowControlError, "more DATA than the connection takes"));
        }
        let Some(index) = self.find(head.stream) else {
            // Of a stream that was ended here, or that has long ended.
            self.give_back(payload.len());
            return self.allowance.take();
        };
        let Some(request) = self.streams[index].request.as_mut().filter(|request| request.is_open) else {
            self.give_back(payload.len());
            return self.reset_for(head.stream, ErrorCode::StreamClosed);
        };
        if !request.window.received(payload.len()) {
            self.give_back(payload.len());
            return self.reset_for(head.stream, ErrorCode::FlowControlError);
        }
        if !request.push(data, head.has(END_STREAM)) {
            self.give_back(payload.len());
            return self.reset_for(head.stream, ErrorCode::ProtocolError);
        }
        let padding = payload.len() - data.len();
        if let Some(increment) = request.window.read(padding) {
            self.outgoing.push(Kind::WindowUpdate, 0, head.stream, &increment.to_be_bytes());
        }
        self.give_back(padding);
        self.ignore(head.stream, payload.len());
        if data.is_empty() && !head.has(END_STREAM) { self.allowance.take() } else { Ok(()) }
    }

    fn receive_headers(&mut self, head: Head, payload: &[u8]) -> Result<(), Violation> {
        let mut block = without_padding(head, payload)?;
        if head.has(PRIORITY) {
            block = block.get(5..).ok_or(Violation::size("HEADERS are too short for their priority"))?;
        }
        let (stream, ends_stream) = (head.stream, head.has(END_STREAM));
        if head.has(END_HEADERS) {
            return self.receive_block(stream, block, ends_stream);
        }
        self.block = Some(HeaderBlock { stream, bytes: block.to_vec(), ends_stream });
        Ok(())
    }

    fn receive_continuation(&mut self, head: Head, payload: &[u8]) -> Result<(), Violation> {
        let Some(mut block) = self.block.take() else {
            return Err(Violation::protocol("CONTINUATION of nothing"));
        };
        if payload.is_empty() {
            self.allowance.take()?;
        }
        block.bytes.extend_from_slice(payload);
        // Twice what the list may have, so that a list that is somewhat too long is refused alone.
        if block.bytes.len() > 2 * self.options.header_bytes_max as usize {
            return Err(Violation::new(ErrorCode::EnhanceYourCalm, "a header block without an end"));
        }
        if head.has(END_HEADERS) {
            return self.receive_block(block.stream, &block.bytes, block.ends_stream);
        }
        self.block = Some(block);
        Ok(())
    }

    /// A header block is complete. Whatever becomes of it, it is decoded: both sides must know the same table.
    fn receive_block(&mut self, stream: u32, block: &[u8], ends_stream: bool) -> Result<(), Violation> {
        if stream.is_multiple_of(2) {
            return Err(Violation::protocol("a stream with an even id"));
        }
        if stream > self.last_stream {
            return self.receive_request(stream, block, ends_stream);
        }
        let mut trailers = TrailerFields::new(self.options.header_bytes_max as usize);
        self.decode(block, |name, value| trailers.push(name, value))?;
        let Some(index) = self.find(stream) else {
            if self.is_cut(stream) {
                return self.allowance.take();
            }
            return Err(Violation::new(ErrorCode::StreamClosed, "HEADERS on a stream that has ended"));
        };
        let Some(request) = self.streams[index].request.as_mut().filter(|request| request.is_open) else {
            return self.reset_for(stream, ErrorCode::StreamClosed);
        };
        // There is nobody whom the trailers of a request would interest.
        if ends_stream && trailers.is_sound() && request.push(&[], true) {
            self.ignore(stream, 0);
            return Ok(());
        }
        self.reset_for(stream, ErrorCode::ProtocolError)
    }

    fn decode(&mut self, block: &[u8], field: impl FnMut(&[u8], &[u8])) -> Result<(), Violation> {
        self.decoder.decode(block, field).map_err(|error| {
            tracing::debug!(%error, "a header block cannot be decoded");
            Violation::new(ErrorCode::CompressionError, "a header block cannot be decoded")
        })
    }

    fn receive_request(&mut self, stream: u32, block: &[u8], ends_stream: bool) -> Result<(), Violation> {
        let mut fields = RequestFields::new(self.options.header_bytes_max as usize);
        self.decode(block, |name, value| fields.push(name, value))?;
        if self.ignores_new_streams() {
            return self.allowance.take();
        }
        self.last_stream = stream;
        if self.streams.len() >= self.options.streams_max as usize {
            return self.reset_for(stream, ErrorCode::RefusedStream);
        }
        let request = fields.into_request().and_then(|request| {
            let length = content_length(&request)?;
            if ends_stream && length.is_some_and(|length| length > 0) {
                return Err(Unusable::Malformed);
            }
            Ok((request, length))
        });
        match request {
            Ok((request, length)) => self.open(stream, request, length, ends_stream),
            Err(Unusable::Malformed) => return self.reset_for(stream, ErrorCode::ProtocolError),
            Err(Unusable::TooLong) => {
                let mut block = Vec::new();
                let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
                hpack::encode_field(":status", status.as_str().as_bytes(), &mut block);
                self.outgoing.push_block(stream, block, true);
                if !ends_stream {
                    self.reset(stream, ErrorCode::NoError);
                }
                return self.allowance.take();
            }
        }
        Ok(())
    }

    fn open(&mut self, id: u32, request: request::Parts, length: Option<u64>, ends_stream: bool) {
        let waker = StreamWaker::new(id, &self.ready);
        let (open, body) = if ends_stream {
            (None, poem::Body::empty())
        } else {
            if request.headers.get(header::EXPECT).is_some_and(|value| value == "100-continue") {
                let mut block = Vec::new();
                hpack::encode_field(":status", b"100", &mut block);
                self.outgoing.push_block(id, block, false);
            }
            let (inbound, body) = body::channel(&waker);
            let window = ReceiveWindow::new();
            let open = RequestState { inbound, window, is_open: true, bytes_left: length, unread: 0 };
            (Some(open), http_body_util::combinators::BoxBody::new(body).into())
        };
        std::task::Wake::wake_by_ref(&waker);
        self.streams.push(Stream {
            id,
            waker,
            window: SendWindow::new(self.stream_window_bytes),
            blocked_since: None,
            request: open,
            is_head: request.method == poem::http::Method::HEAD,
            response: ResponseState::Asked(Box::new(Request::from_parts(request, body))),
        });
    }

    /// Nothing here goes by priorities.
    fn receive_priority(&mut self, head: Head) -> Result<(), Violation> {
        if head.length != 5 {
            return Err(Violation::size("PRIORITY has not 5 bytes"));
        }
        self.allowance.take()
    }

    fn receive_reset(&mut self, head: Head) -> Result<(), Violation> {
        if head.length != 4 {
            return Err(Violation::size("RST_STREAM has not 4 bytes"));
        }
        self.check_not_idle(head.stream)?;
        if let Some(index) = self.find(head.stream) {
            let has_begun = self.streams[index].has_begun();
            self.remove(index);
            if has_begun {
                // Who has enough of a stream without an end cannot but cancel it.
                return Ok(());
            }
        }
        self.allowance.take()
    }

    fn receive_settings(&mut self, head: Head, payload: &[u8]) -> Result<(), Violation> {
        if head.has(ACK) {
            if !payload.is_empty() {
                return Err(Violation::size("an acknowledgement with settings"));
            }
            self.decoder.set_table_bytes_max(self.options.header_table_bytes as usize);
            return Ok(());
        }
        if let Some(bytes) = read_window(payload)? {
            let growth = i64::from(bytes) - i64::from(self.stream_window_bytes);
            self.stream_window_bytes = bytes;
            for stream in &mut self.streams {
                if !stream.window.grow(growth) {
                    return Err(Violation::new(ErrorCode::FlowControlError, "a window is larger than it may be"));
                }
            }
            self.unblock(None);
        }
        self.received.has_settings = true;
        self.outgoing.push(Kind::Settings, ACK, 0, &[]);
        self.allowance.take()
    }

    fn receive_ping(&mut self, head: Head, payload: &[u8]) -> Result<(), Violation> {
        if head.length != 8 {
            return Err(Violation::size("PING has not 8 bytes"));
        }
        if head.has(ACK) {
            if payload == PING_DRAIN {
                self.begin_end();
            }
            return Ok(());
        }
        self.outgoing.push(Kind::Ping, ACK, 0, payload);
        self.allowance.take()
    }

    fn receive_window_update(&mut self, head: Head, payload: &[u8]) -> Result<(), Violation> {
        let Ok(payload) = payload.try_into() else {
            return Err(Violation::size("WINDOW_UPDATE has not 4 bytes"));
        };
        let increment = read_u31(payload);
        if head.stream == 0 {
            if increment == 0 {
                return Err(Violation::protocol("WINDOW_UPDATE by nothing"));
            }
            let was_full = self.send_window.room() == 0;
            if !self.send_window.grow(increment.into()) {
                return Err(Violation::new(ErrorCode::FlowControlError, "a window is larger than it may be"));
            }
            // Otherwise nobody waits for this window.
            if was_full {
                self.unblock(None);
            }
            return Ok(());
        }
        self.check_not_idle(head.stream)?;
        let Some(index) = self.find(head.stream) else { return Ok(()) };
        if increment == 0 {
            return self.reset_for(head.stream, ErrorCode::ProtocolError);
        }
        if !self.streams[index].window.grow(increment.into()) {
            return self.reset_for(head.stream, ErrorCode::FlowControlError);
        }
        self.unblock(Some(head.stream));
        Ok(())
    }
}

/// The payload of DATA or HEADERS without the padding that it may have.
fn without_padding(head: Head, payload: &[u8]) -> Result<&[u8], Violation> {
    if !head.has(PADDED) {
        return Ok(payload);
    }
    let (padding, rest) = payload.split_first().ok_or(Violation::size("a padded frame is empty"))?;
    let length = rest.len().checked_sub(usize::from(*padding));
    Ok(&rest[..length.ok_or(Violation::protocol("more padding than there is"))?])
}
