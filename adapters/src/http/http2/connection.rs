//! How do the streams of a connection share it, and when does it end?

use std::collections::VecDeque;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, ready};

use futures_util::future::BoxFuture;
use hyper::Request;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::Options;
use super::allowance::Allowance;
use super::ending::End;
use super::frame::{ErrorCode, Kind};
use super::hpack;
use super::outgoing::Outgoing;
use super::presence::{Presence, Tick};
use super::ready::Ready;
use super::receive::{HeaderBlock, Received};
use super::settings::{HEADER_TABLE_BYTES, WINDOW_BYTES, offered};
use super::stream::{Next, ResponseState, Stream};
use super::window::{ReceiveWindow, SendWindow};
use crate::http::body::BODY_BYTES_MAX;
use crate::http::connection::ConnectionError;
use crate::http::limits::TAKEN_BYTES_MAX;
use crate::http::router::HttpResponse;

/// How much waits to be written before nothing is read any more, in bytes: beyond [`TAKEN_BYTES_MAX`] only answers to
/// what was read are added.
const OUTGOING_BYTES_MAX: usize = 2 * TAKEN_BYTES_MAX;

/// How often a connection reads before others have their turn.
const READS_MAX: usize = 16;

/// How much one read takes at most, in bytes.
pub(super) const READ_BYTES_MAX: usize = 4096;

/// How much of a request is ignored after its response is complete, in bytes; of more the client is told to stop.
const IGNORED_BYTES_MAX: usize = BODY_BYTES_MAX;

/// How many streams that ended before their request did are remembered: what was on its way is no mistake of the client.
const CUT_STREAMS_MAX: usize = 64;

/// The PING that asks whether the client is there.
const PING_PRESENT: &[u8; 8] = b"present?";

/// One connection.
pub(super) struct Connection<Io, Respond> {
    pub(super) io: Io,
    respond: Respond,
    pub(super) options: Options,
    pub(super) received: Received,
    pub(super) block: Option<HeaderBlock>,
    pub(super) decoder: hpack::Decoder,
    pub(super) outgoing: Outgoing,
    /// Ascending by id.
    pub(super) streams: Vec<Stream>,
    /// The highest id of a stream that the client has opened.
    pub(super) last_stream: u32,
    /// Ended before their request did; the latest ones.
    cut_streams: VecDeque<u32>,
    pub(super) ready: Arc<Ready>,
    /// Those that are to be looked at in this turn.
    turn: VecDeque<u32>,
    pub(super) send_window: SendWindow,
    /// With how much each stream begins.
    pub(super) stream_window_bytes: u32,
    pub(super) receive_window: ReceiveWindow,
    pub(super) allowance: Allowance,
    presence: Presence,
    pub(super) end: End,
    /// There were streams when the draining began: the client is waited for until it has got their ends.
    pub(super) is_heard_out: bool,
}

impl<Io, Respond> Connection<Io, Respond>
where
    Io: AsyncRead + AsyncWrite + Unpin,
    Respond: Fn(Request<poem::Body>) -> BoxFuture<'static, HttpResponse>,
{
    pub(super) fn new(io: Io, options: Options, respond: Respond) -> Self {
        let mut outgoing = Outgoing::default();
        outgoing.push(Kind::Settings, 0, 0, &offered(&options));
        Self {
            io,
            respond,
            options,
            received: Received::default(),
            block: None,
            decoder: hpack::Decoder::new(HEADER_TABLE_BYTES),
            outgoing,
            streams: Vec::new(),
            last_stream: 0,
            cut_streams: VecDeque::new(),
            ready: Arc::default(),
            turn: VecDeque::new(),
            send_window: SendWindow::new(WINDOW_BYTES),
            stream_window_bytes: WINDOW_BYTES,
            receive_window: ReceiveWindow::new(),
            allowance: Allowance::new(),
            presence: Presence::new(options.ping_interval, options.ping_timeout),
            end: End::None,
            is_heard_out: false,
        }
    }

    /// Goes on with everything that can go on. Ready when the connection has ended.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ConnectionError>> {
        self.ready.register(context.waker());
        if let Poll::Ready(gone) = self.poll_receive(context) {
            return Poll::Ready(gone);
        }
        // After what came was read: an answer may have waited here, while the process did not run.
        while let Poll::Ready(tick) = self.presence.poll_tick(context) {
            self.tick(tick)?;
        }
        // After the requests that came just now: also their client is to be told.
        if self.end == End::Wanted {
            self.announce_end();
        }
        // Once for each: a stream that woke again meanwhile may have done so to let others have their turn.
        self.turn.append(&mut self.ready.take());
        loop {
            while self.outgoing.bytes() < TAKEN_BYTES_MAX
                && let Some(stream) = self.turn.pop_front()
            {
                if self.advance(stream) {
                    self.turn.push_back(stream);
                }
            }
            if self.end == End::Announced && self.streams.is_empty() {
                self.begin_end();
            }
            ready!(self.outgoing.poll_send(Pin::new(&mut self.io), context))?;
            if self.turn.is_empty() {
                break;
            }
        }
        self.turn = VecDeque::new();
        if self.end == End::Begun && self.streams.is_empty() { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    /// Ready when the client is gone, or is not to be listened to any longer.
    fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ConnectionError>> {
        for _ in 0..READS_MAX {
            if self.outgoing.bytes() >= OUTGOING_BYTES_MAX {
                // The room that comes wakes as well.
                return Poll::Pending;
            }
            let mut space = [const { MaybeUninit::uninit() }; READ_BYTES_MAX];
            let mut buffer = ReadBuf::uninit(&mut space);
            ready!(Pin::new(&mut self.io).poll_read(context, &mut buffer))?;
            if buffer.filled().is_empty() {
                // It sends no more, and thereby soon makes no more room: its streams are over, and not kept while the end
                // is told.
                self.streams = Vec::new();
                self.outgoing = Outgoing::default();
                return Poll::Ready(Ok(()));
            }
            self.presence.heard();
            self.receive(buffer.filled())?;
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    /// Goes on with a stream. Whether it is to have another turn: it has more to send, and did not wake meanwhile.
    fn advance(&mut self, id: u32) -> bool {
        let Some(index) = self.find(id) else { return false };
        let stream = &mut self.streams[index];
        stream.waker.looked_at();
        if let Some(request) = &mut stream.request {
            let read = request.inbound.take_read();
            request.unread -= read;
            if let Some(increment) = request.window.read(read)
                && request.is_open
            {
                self.outgoing.push(Kind::WindowUpdate, 0, id, &increment.to_be_bytes());
            }
            self.give_back(read);
        }
        let stream = &mut self.streams[index];
        match stream.advance(&self.respond, &mut self.send_window, &mut self.outgoing) {
            Next::More => return stream.waker.goes_on(),
            Next::Waits => {}
            Next::Failed => self.reset(id, ErrorCode::InternalError),
            // Some clients lose a response that is followed by a reset at once: they may end their request first.
            Next::Ended if stream.is_open() && self.end == End::None => {
                stream.response = ResponseState::Complete { since: Instant::now(), ignored: 0 };
            }
            Next::Ended if stream.is_open() => self.reset(id, ErrorCode::NoError),
            Next::Ended => self.remove(index),
        }
        false
    }

    /// So many bytes came of the request of a stream. If its response is complete they are ignored, up to a limit, and with
    /// the end of the request the stream is over.
    pub(super) fn ignore(&mut self, id: u32, bytes: usize) {
        let Some(index) = self.find(id) else { return };
        let stream = &mut self.streams[index];
        let is_open = stream.is_open();
        let ResponseState::Complete { ignored, .. } = &mut stream.response else { return };
        *ignored += bytes;
        if !is_open {
            self.remove(index);
        } else if *ignored > IGNORED_BYTES_MAX {
            self.reset(id, ErrorCode::NoError);
        }
    }

    /// Where the stream is.
    pub(super) fn find(&self, id: u32) -> Option<usize> {
        self.streams.binary_search_by_key(&id, |stream| stream.id).ok()
    }

    /// The window of the connection grows by what was read.
    pub(super) fn give_back(&mut self, bytes: usize) {
        if let Some(increment) = self.receive_window.read(bytes) {
            self.outgoing.push(Kind::WindowUpdate, 0, 0, &increment.to_be_bytes());
        }
    }

    /// Ends a stream, if it is there, and tells the client.
    pub(super) fn reset(&mut self, id: u32, code: ErrorCode) {
        self.outgoing.push(Kind::ResetStream, 0, id, &(code as u32).to_be_bytes());
        match self.find(id) {
            Some(index) => {
                if self.streams[index].is_open() {
                    self.remember_cut(id);
                }
                self.remove(index);
            }
            None => self.remember_cut(id),
        }
    }

    /// More of this stream may be on its way.
    fn remember_cut(&mut self, id: u32) {
        if self.cut_streams.len() == CUT_STREAMS_MAX {
            self.cut_streams.pop_front();
        }
        self.cut_streams.push_back(id);
    }

    pub(super) fn is_cut(&self, id: u32) -> bool {
        self.cut_streams.contains(&id)
    }

    /// Nothing is left of the stream.
    pub(super) fn remove(&mut self, index: usize) {
        let stream = self.streams.remove(index);
        if let Some(request) = stream.request {
            self.give_back(request.unread);
        }
        if self.streams.is_empty() {
            self.streams = Vec::new();
        }
    }

    /// The client takes more of a stream, or of all. Who has waited longest comes first; whoever gets nothing this time
    /// goes on to wait.
    pub(super) fn unblock(&mut self, only: Option<u32>) {
        let streams = self.streams.iter().filter(|stream| only.is_none_or(|id| id == stream.id));
        let mut blocked: Vec<_> = streams.filter_map(|stream| Some((stream.blocked_since?, &stream.waker))).collect();
        blocked.sort_by_key(|(since, _)| *since);
        for (_, waker) in blocked {
            waker.wake_by_ref();
        }
    }

    /// About an interval has passed.
    fn tick(&mut self, tick: Tick) -> Result<(), ConnectionError> {
        self.allowance.renew();
        let unread = self.options.unread;
        let stuck = self.streams.iter().filter_map(|stream| Some((stream.id, stream.is_given_up(unread)?)));
        for (id, code) in stuck.collect::<Vec<_>>() {
            self.reset(id, code);
        }
        match tick {
            Tick::Wait => Ok(()),
            Tick::Ask => {
                self.outgoing.push(Kind::Ping, 0, 0, PING_PRESENT);
                Ok(())
            }
            Tick::Gone => Err(ConnectionError::TooSlow(self.options.ping_interval + self.options.ping_timeout)),
        }
    }
}
