//! What does one client do? It keeps the streams of the web client open, as the web client would.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http2;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::dial::{Dialer, Link, Trouble, describe};
use super::habits::{chance, pause};
use super::{Address, Rehearsal, Session};
use crate::client::{Coding, Decoder, LineMeaning};
use crate::error::LoadError;

/// How long an answer may take to begin. Longer than any proxy waits for a service.
const ANSWER_SECONDS_MAX: u64 = 60;

/// The most bytes that are read of a body that is no stream.
const BODY_BYTES_MAX: usize = 4_096;

/// How long such a body may take.
const BODY_SECONDS_MAX: u64 = 5;

/// The streams of the web client, in the order of their numbers in the logbook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stream {
    Autoupdate = 0,
    Notify = 1,
    Projector = 2,
}

/// One client.
pub(super) struct Client {
    number: usize,
    rehearsal: Arc<Rehearsal>,
    session: Option<Session>,
    shared: Mutex<Shared>,
    change_id: AtomicU64,
}

/// The connection that all streams of a client share over HTTP/2.
#[derive(Default)]
struct Shared {
    sender: Option<http2::SendRequest<Full<Bytes>>>,
    /// When the last attempt to connect failed, and why.
    failed: Option<(Instant, Trouble)>,
}

/// Checks that the service answers there before thousands of clients try. Returns whether all streams of a client share a
/// connection there, as HTTP/2 has it.
///
/// # Errors
/// Returns an error that names the address.
pub(super) async fn reach(dialer: &Dialer, address: &Address) -> Result<bool, LoadError> {
    let path = "/system/health";
    let request = Request::builder().method(Method::GET);
    let answer = async {
        let link = dialer.connect(address).await?;
        let is_shared = matches!(link, Link::Http2(_));
        let (answer, _) = ask(link, request, address, path, Bytes::new()).await?;
        if !answer.status().is_success() {
            return Err(refusal(address, path, answer).await);
        }
        // Behind a wrong address there may be a page that welcomes everybody.
        if json_of(answer).await["healthy"] != true {
            return Err(Trouble::new(
                address.to(path),
                "it answers, but not as the autoupdate service does; see --url",
            ));
        }
        Ok(is_shared)
    };
    answer.await.map_err(|trouble: Trouble| LoadError::Usage(trouble.to_string()))
}

impl Client {
    /// Creates client `number`, with the session that it takes in turn.
    pub(super) fn new(number: usize, rehearsal: &Arc<Rehearsal>) -> Self {
        let sessions = &rehearsal.plan.sessions;
        let session = sessions.get(number % sessions.len().max(1)).cloned();
        let shared = Mutex::default();
        Self { number, rehearsal: Arc::clone(rehearsal), session, shared, change_id: AtomicU64::new(0) }
    }

    /// Opens the streams. They end with the tasks.
    pub(super) fn start(self: Arc<Self>, tasks: &mut JoinSet<()>) {
        self.rehearsal.logbook().started(self.number);
        let streams = [Stream::Autoupdate, Stream::Notify, Stream::Projector];
        for stream in streams.into_iter().take(self.rehearsal.plan.streams_of_client()) {
            tasks.spawn(Arc::clone(&self).keep_open(stream));
        }
    }

    async fn keep_open(self: Arc<Self>, stream: Stream) {
        let mut failures = 0;
        loop {
            let reason = match self.receive(stream, &mut failures).await {
                Ok(reason) => format!("{}: {reason}", self.rehearsal.plan.address.to(stream.path())),
                Err(trouble) => trouble.to_string(),
            };
            failures += 1;
            if let Some(observer) = &self.rehearsal.observer {
                observer.interrupted(self.number, stream as usize, failures, &reason);
            }
            self.rehearsal.logbook().interrupted(self.number, stream as usize, failures, reason);
            sleep(pause(failures, chance())).await;
        }
    }

    /// Opens a stream and reads it until it ends. Returns why it ended.
    async fn receive(&self, stream: Stream, failures: &mut u32) -> Result<&'static str, Trouble> {
        let path = self.path(stream);
        let (answer, is_http2) = self.send(Method::GET, &path, Bytes::new()).await?;
        let address = &self.rehearsal.plan.address;
        let trouble = |text: String| Trouble::new(address.to(stream.path()), text);
        if !answer.status().is_success() {
            return Err(refusal(address, stream.path(), answer).await);
        }
        let coding = answer.headers().get(header::CONTENT_ENCODING).and_then(|coding| Coding::of(coding.as_bytes()));
        self.rehearsal.logbook().answered(is_http2, coding);
        let mut decoder = Decoder::new(coding).map_err(|error| trouble(error.to_string()))?;
        let observer = self.rehearsal.observer.as_ref();
        if observer.is_some() {
            decoder = decoder.keeping_texts();
        }
        let mut body = answer.into_body();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| trouble(describe(&error)))?;
            let Some(bytes) = frame.data_ref() else { continue };
            self.rehearsal.logbook().received(self.number, stream as usize, bytes.len());
            decoder.feed(bytes).map_err(|error| trouble(error.to_string()))?;
            let mut texts = decoder.take_texts().into_iter();
            for line in decoder.take_seen() {
                if let (Some(observer), Some(text)) = (observer, texts.next()) {
                    match line {
                        LineMeaning::Connected => observer.opened(self.number, stream as usize),
                        _ => observer.line(self.number, stream as usize, &text),
                    }
                }
                if let Some(reason) = self.take(stream, line, failures) {
                    return Ok(reason);
                }
            }
        }
        Ok("the stream ended")
    }

    /// Processes a line. Returns why the web client would end the stream, if it would.
    fn take(&self, stream: Stream, line: LineMeaning, failures: &mut u32) -> Option<&'static str> {
        let mut logbook = self.rehearsal.logbook();
        match line {
            LineMeaning::Connected => {
                *failures = 0;
                logbook.opened(self.number, stream as usize);
            }
            LineMeaning::Channel(channel) => logbook.has_channel(self.number, channel),
            LineMeaning::Data { from, to, all_data, is_quiet } => {
                let has = self.change_id.load(Ordering::Relaxed);
                if !all_data && from > has + 1 {
                    logbook.gap();
                    return Some("changes are missing before a line");
                }
                if all_data || to > has {
                    self.change_id.store(to, Ordering::Relaxed);
                }
                logbook.line(self.number, to, all_data, !is_quiet);
            }
            LineMeaning::Point { to } if stream == Stream::Notify => logbook.message(to),
            LineMeaning::Point { .. } | LineMeaning::Message => logbook.other_line(),
            LineMeaning::Bad => logbook.bad_line(&self.rehearsal.plan.address.to(stream.path())),
        }
        None
    }

    fn path(&self, stream: Stream) -> String {
        match stream {
            Stream::Autoupdate => format!("{}?change_id={}", stream.path(), self.change_id.load(Ordering::Relaxed)),
            Stream::Notify => stream.path().to_owned(),
            Stream::Projector => {
                let ids: Vec<String> = self.rehearsal.plan.projectors.iter().map(u64::to_string).collect();
                format!("{}?projector_ids={}", stream.path(), ids.join(","))
            }
        }
    }

    /// Sends a message through the public route.
    pub(super) async fn send_message(&self, content: String) -> Result<(), Trouble> {
        let path = "/system/notify/send";
        let (answer, _) = self.send(Method::POST, path, Bytes::from(content)).await?;
        if answer.status().is_success() {
            Ok(())
        } else {
            Err(refusal(&self.rehearsal.plan.address, path, answer).await)
        }
    }

    async fn send(&self, method: Method, path: &str, body: Bytes) -> Result<(Response<Incoming>, bool), Trouble> {
        let plan = &self.rehearsal.plan;
        let request = || {
            let mut request = Request::builder().method(&method);
            if plan.compressed {
                request = request.header(header::ACCEPT_ENCODING, "gzip");
            }
            if let Some(session) = &self.session {
                request = request.header(header::COOKIE, format!("{}={}", plan.cookie_name, session.value()));
            }
            request
        };
        match ask(self.link().await?, request(), &plan.address, path, body.clone()).await {
            // As browsers do, on a new connection.
            Err(trouble) if trouble.is_unseen => {
                self.shared.lock().await.sender = None;
                ask(self.link().await?, request(), &plan.address, path, body).await
            }
            answer => answer,
        }
    }

    /// Returns a connection: over HTTP/2 the one that the streams of this client share, otherwise a new one.
    async fn link(&self) -> Result<Link, Trouble> {
        let Rehearsal { dialer, plan, is_shared, .. } = &*self.rehearsal;
        if !is_shared {
            return dialer.connect(&plan.address).await;
        }
        let came = Instant::now();
        let mut shared = self.shared.lock().await;
        if let Some(sender) = shared.sender.as_mut().filter(|sender| !sender.is_closed())
            && sender.ready().await.is_ok()
        {
            return Ok(Link::Http2(sender.clone()));
        }
        // Who waited for an attempt that failed has failed with it.
        if let Some((_, trouble)) = shared.failed.as_ref().filter(|(at, _)| *at >= came) {
            return Err(trouble.clone());
        }
        let link = dialer.connect(&plan.address).await;
        match &link {
            Ok(Link::Http2(sender)) => shared.sender = Some(sender.clone()),
            Ok(Link::Http1(_)) => {}
            Err(trouble) => shared.failed = Some((Instant::now(), trouble.clone())),
        }
        link
    }
}

impl Stream {
    const fn path(self) -> &'static str {
        match self {
            Self::Autoupdate => "/system/autoupdate",
            Self::Notify => "/system/notify",
            Self::Projector => "/system/projector",
        }
    }
}

/// Sends a request. Returns the answer, and whether it came over HTTP/2.
pub(super) async fn ask(
    link: Link,
    request: http::request::Builder,
    address: &Address,
    path: &str,
    body: Bytes,
) -> Result<(Response<Incoming>, bool), Trouble> {
    let route = path.split('?').next().unwrap_or(path);
    let trouble = |text: String| Trouble::new(address.to(route), text);
    let agent = concat!("autoupdate-load/", env!("CARGO_PKG_VERSION"));
    let request = request.header(header::USER_AGENT, agent);
    let target = format!("{}{path}", address.path);
    let answer = async {
        match link {
            Link::Http1(mut sender) => {
                let request = request.uri(target).header(header::HOST, &address.authority);
                let request = request.body(Full::new(body)).map_err(|error| trouble(error.to_string()))?;
                let answer = sender.send_request(request).await.map_err(|error| trouble(describe(&error)))?;
                Ok((answer, false))
            }
            Link::Http2(mut sender) => {
                let request = request.uri(format!("https://{}{target}", address.authority));
                let request = request.body(Full::new(body)).map_err(|error| trouble(error.to_string()))?;
                let unanswered = |error: hyper::Error| trouble(describe(&error)).unseen(error.is_canceled());
                Ok((sender.send_request(request).await.map_err(unanswered)?, true))
            }
        }
    };
    timeout(Duration::from_secs(ANSWER_SECONDS_MAX), answer)
        .await
        .unwrap_or_else(|_| Err(trouble(format!("no answer after {ANSWER_SECONDS_MAX} s"))))
}

/// Returns what an answer that is an error says.
async fn refusal(address: &Address, path: &str, answer: Response<Incoming>) -> Trouble {
    let status = answer.status();
    let json = json_of(answer).await;
    let said = json["error"]["msg"].as_str().or_else(|| json["reason"].as_str());
    let text = said.map_or_else(|| status.to_string(), |said| format!("{status}: {said}"));
    Trouble::new(address.to(path), text)
}

/// Returns the body of an answer that is no stream; null if it is not JSON, or does not end.
async fn json_of(answer: Response<Incoming>) -> serde_json::Value {
    let body = Limited::new(answer.into_body(), BODY_BYTES_MAX).collect();
    let body = timeout(Duration::from_secs(BODY_SECONDS_MAX), body).await.ok().and_then(Result::ok);
    body.and_then(|body| serde_json::from_slice(&body.to_bytes()).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::sync::Mutex;

    use super::super::dial::CONNECT_SECONDS_MAX;
    use super::super::{Logbook, Plan};
    use super::*;

    /// A client of somebody who takes connections, but says nothing.
    #[track_caller]
    fn client(silent: &TcpListener, is_shared: bool) -> Client {
        let address = format!("https://{}", silent.local_addr().expect("bound")).parse().expect("an address");
        let plan = Plan { address, ..Plan::example() };
        let dialer = Dialer::new(&plan.trust, plan.versions).expect("no file is read");
        let logbook = Mutex::new(Logbook::new(1, 3));
        Client::new(0, &Arc::new(Rehearsal { plan, dialer, is_shared, logbook, observer: None }))
    }

    /// Otherwise a dead proxy would show only after a multiple of that time.
    #[tokio::test(start_paused = true)]
    async fn streams_fail_to_connect_at_the_same_time() {
        let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
        for is_shared in [false, true] {
            let client = client(&silent, is_shared);
            let begin = Instant::now();
            let (one, two, three) = tokio::join!(client.link(), client.link(), client.link());
            assert!(one.is_err() && two.is_err() && three.is_err(), "{is_shared}");
            assert!(begin.elapsed() < Duration::from_secs(2 * CONNECT_SECONDS_MAX), "{is_shared}");
        }
    }
}
