//! What is one client: how does it connect, what does it ask for, and what is recorded of what it receives?
//!
//! Thousands of clients share the machine with the service they measure, so they must be cheap: one thread, no buffer
//! for idle connections, no JSON parsing; only the ids at the end of a line are read.

mod body;
mod chunked;
mod coding;
mod http1;
mod http2;
mod lines;
mod record;
mod tls;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::task::JoinHandle;

pub(crate) use body::Decoder;
pub use body::Reading;
pub use coding::Coding;
pub(crate) use lines::LineMeaning;
pub use record::{Line, Record, Shared};
pub(crate) use tls::AnyCertificate;
pub use tls::TlsClient;

use crate::error::LoadError;
use crate::target::Loopback;

/// What a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// HTTP/1.1 without TLS, one stream per connection.
    Plain,
    /// HTTP/1.1 over TLS.
    Tls,
    /// HTTP/2 over TLS: the web client's three streams on one connection.
    Http2,
    /// HTTP/2 without TLS, with prior knowledge; three streams.
    H2c,
}

impl Transport {
    /// Every transport.
    pub const ALL: [Self; 4] = [Self::Plain, Self::Tls, Self::Http2, Self::H2c];

    /// Returns its name on the command line and in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Tls => "tls",
            Self::Http2 => "http2",
            Self::H2c => "h2c",
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl FromStr for Transport {
    type Err = LoadError;

    fn from_str(text: &str) -> Result<Self, LoadError> {
        let transport = Self::ALL.into_iter().find(|transport| transport.name() == text);
        transport.ok_or_else(|| LoadError::Usage(format!("{text:?} is none of plain, tls, http2, h2c")))
    }
}

/// What every client of a crowd has in common.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The service.
    pub target: Loopback,
    /// The transport.
    pub transport: Transport,
    /// What it sends as `Accept-Encoding`.
    pub coding: Option<Coding>,
    /// The name of the session cookie.
    pub cookie_name: String,
    /// For the transports with TLS.
    pub tls: TlsClient,
}

/// Which of the web client's streams is measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stream {
    /// The autoupdate stream: what a user may see.
    #[default]
    Autoupdate,
    /// Notify messages.
    Notify,
    /// What projectors 1 and 2 show.
    Projector,
}

/// What one client asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The stream whose lines are recorded.
    pub stream: Stream,
    /// The session; `None`: anonymous.
    pub cookie: Option<String>,
    /// The change id that it claims to have; 0 for none.
    pub change_id: u64,
    /// What it does with the bytes.
    pub reading: Reading,
}

impl Request {
    /// Returns the streams of the web client, the measured one first; HTTP/1.1 clients open only that one.
    fn paths(&self) -> [String; 3] {
        let autoupdate = format!("/system/autoupdate?change_id={}", self.change_id);
        let notify = "/system/notify".to_owned();
        let projector = "/system/projector?projector_ids=1,2".to_owned();
        match self.stream {
            Stream::Autoupdate => [autoupdate, notify, projector],
            Stream::Notify => [notify, autoupdate, projector],
            Stream::Projector => [projector, autoupdate, notify],
        }
    }
}

/// Connects and receives until the task is aborted or the service ends the stream. The record holds what was received.
pub fn open(settings: Arc<Settings>, request: Request) -> (Shared, JoinHandle<()>) {
    let record = Shared::new(request.change_id);
    let noted = record.clone();
    let task = tokio::spawn(async move {
        let ended = match receive(&settings, &request, &noted).await {
            Ok(()) => "the service ended the stream".to_owned(),
            Err(error) => error.to_string(),
        };
        noted.note(|record| record.ended = Some(ended));
    });
    (record, task)
}

/// Why a client stopped receiving.
#[derive(Debug, thiserror::Error)]
enum ClientError {
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("HTTP/2: {0}")]
    Http2(#[from] h2::Error),
    #[error("{0}")]
    Answer(String),
}

async fn receive(settings: &Settings, request: &Request, record: &Shared) -> Result<(), ClientError> {
    let socket = TcpStream::connect(settings.target.address()).await?;
    socket.set_nodelay(true)?;
    match settings.transport {
        Transport::Plain => http1::receive(socket, settings, request, record).await,
        Transport::H2c => http2::receive(socket, settings, request, record).await,
        Transport::Tls => {
            let socket = settings.tls.connect(socket, "http/1.1").await?;
            http1::receive(socket, settings, request, record).await
        }
        Transport::Http2 => {
            let socket = settings.tls.connect(socket, "h2").await?;
            http2::receive(socket, settings, request, record).await
        }
    }
}

fn cookie_header(settings: &Settings, request: &Request) -> Option<String> {
    request.cookie.as_ref().map(|cookie| format!("{}={cookie}", settings.cookie_name))
}
