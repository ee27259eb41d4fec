//! How does a client speak HTTP/1.1?

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};

use super::body::Body;
use super::record::Shared;
use super::{ClientError, Coding, Request, Settings, cookie_header};

/// The buffer that all connections of a thread share, so that idle connections need none.
const READ_BYTES: usize = 256 * 1024;

/// The most bytes of headers that are accepted.
const HEAD_BYTES_MAX: usize = 16 * 1024;

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_BYTES]);
}

pub(super) async fn receive<S: AsyncRead + AsyncWrite + Unpin>(
    mut socket: S,
    settings: &Settings,
    request: &Request,
    record: &Shared,
) -> Result<(), ClientError> {
    let [path, ..] = request.paths();
    let mut head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n");
    if let Some(coding) = settings.coding {
        head.push_str(&format!("Accept-Encoding: {}\r\n", coding.name()));
    }
    if let Some(cookie) = cookie_header(settings, request) {
        head.push_str(&format!("Cookie: {cookie}\r\n"));
    }
    head.push_str("\r\n");
    socket.write_all(head.as_bytes()).await?;
    socket.flush().await?;

    let mut answer = Answer::Head(Vec::new());
    // Everything read is processed before the next read, so the buffer is free again.
    while read(&mut socket, |bytes| answer.take(bytes, request, record)).await? {}
    Ok(())
}

/// Reads the available bytes and passes them on. Returns false at the end of the stream.
async fn read<S: AsyncRead + Unpin>(
    socket: &mut S,
    mut take: impl FnMut(&[u8]) -> Result<bool, ClientError>,
) -> Result<bool, ClientError> {
    poll_fn(|context| {
        BUFFER.with_borrow_mut(|buffer| {
            let mut buffer = ReadBuf::new(buffer);
            ready!(Pin::new(&mut *socket).poll_read(context, &mut buffer)).map_err(ClientError::Io)?;
            Poll::Ready(if buffer.filled().is_empty() { Ok(false) } else { take(buffer.filled()).map(|done| !done) })
        })
    })
    .await
}

enum Answer {
    Head(Vec<u8>),
    Body(Body),
}

impl Answer {
    /// Returns true once the answer is complete.
    fn take(&mut self, bytes: &[u8], request: &Request, record: &Shared) -> Result<bool, ClientError> {
        let head = match self {
            Self::Body(body) => return body.feed(bytes),
            Self::Head(head) => head,
        };
        head.extend_from_slice(bytes);
        let Some(end) = memchr::memmem::find(head, b"\r\n\r\n").map(|end| end + 4) else {
            return if head.len() > HEAD_BYTES_MAX {
                Err(ClientError::Answer("the headers are too long".to_owned()))
            } else {
                Ok(false)
            };
        };
        let mut body = body_of(&head[..end], &head[end..], request, record)?;
        let first = head.split_off(end);
        let done = if first.is_empty() { false } else { body.feed(&first)? };
        *self = Self::Body(body);
        Ok(done)
    }
}

fn body_of(head: &[u8], rest: &[u8], request: &Request, record: &Shared) -> Result<Body, ClientError> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut response = httparse::Response::new(&mut headers);
    response.parse(head).map_err(|error| ClientError::Io(io::Error::other(error)))?;
    if response.code != Some(200) {
        let text = String::from_utf8_lossy(&rest[..rest.len().min(300)]).into_owned();
        return Err(ClientError::Answer(format!("status {}: {text}", response.code.unwrap_or(0))));
    }
    let value = |name: &str| {
        let header = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        header.map(|header| header.value)
    };
    let chunked = value("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case(b"chunked"));
    Ok(Body::new(record, chunked, value("content-encoding").and_then(Coding::of), request.reading)?)
}
