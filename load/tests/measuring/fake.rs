//! A service that speaks the protocol and restricts nothing: every change is a line for everybody.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::StreamExt;
use http::Response;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use redis::streams::{StreamReadOptions, StreamReadReply};
use redis::{AsyncCommands, AsyncConnectionConfig};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::io::Write;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// A fault of the fake service.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    /// Lines begin two ids too far ahead.
    pub(crate) skips_from: bool,
    /// Every line is followed by an empty one.
    pub(crate) empty_lines: bool,
    /// It is another service, which answers everything kindly.
    pub(crate) is_another: bool,
}

pub(crate) struct Fake {
    pub(crate) address: SocketAddr,
    _tasks: JoinSet<()>,
}

#[derive(Clone)]
struct FakeState {
    newest: watch::Receiver<u64>,
    /// The number in the last message sent.
    message: watch::Receiver<u64>,
    send: watch::Sender<u64>,
    faults: Faults,
}

type Body = UnsyncBoxBody<Bytes, std::convert::Infallible>;

impl Fake {
    pub(crate) async fn start(redis: &str, first: u64, faults: Faults) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (sender, newest) = watch::channel(first);
        let mut tasks = JoinSet::new();
        tasks.spawn(follow(redis.to_owned(), "autoupdate", "change_id", sender));
        let (sender, message) = watch::channel(first);
        tasks.spawn(follow(redis.to_owned(), "notify", "message", sender.clone()));
        let state = FakeState { newest, message, send: sender, faults };
        let acceptor = TlsAcceptor::from(tls());
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                connections.spawn(serve(socket, acceptor.clone(), state.clone()));
            }
        });
        Self { address, _tasks: tasks }
    }
}

/// Returns the number in a field of the newest entry of a stream.
async fn follow(redis: String, stream: &str, field: &str, newest: watch::Sender<u64>) {
    let client = redis::Client::open(redis).expect("a URL");
    let config = AsyncConnectionConfig::new().set_response_timeout(None);
    let mut connection = client.get_multiplexed_async_connection_with_config(&config).await.expect("Redis");
    let options = StreamReadOptions::default().block(1_000);
    let mut last = "0".to_owned();
    loop {
        let reply: Option<StreamReadReply> =
            connection.xread_options(&[stream], &[&last], &options).await.unwrap_or_default();
        for entry in reply.into_iter().flat_map(|reply| reply.keys).flat_map(|key| key.ids) {
            let content: String = entry.get("content").expect("content");
            let content: serde_json::Value = serde_json::from_str(&content).expect("JSON");
            last = entry.id;
            newest.send_replace(content[field].as_u64().expect("a number"));
        }
    }
}

fn tls() -> Arc<ServerConfig> {
    let certified = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der()));
    let mut config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .expect("a pair");
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Arc::new(config)
}

async fn serve(socket: TcpStream, acceptor: TlsAcceptor, state: FakeState) {
    let mut first = [0];
    let Ok(1) = socket.peek(&mut first).await else { return };
    let service = service_fn(move |request| answer(request, state.clone()));
    let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
    // A client that disconnects is no failure.
    if first == [0x16] {
        let Ok(socket) = acceptor.accept(socket).await else { return };
        let _ = server.serve_connection(TokioIo::new(socket), service).await;
    } else {
        let _ = server.serve_connection(TokioIo::new(socket), service).await;
    }
}

async fn answer(
    request: http::Request<Incoming>,
    state: FakeState,
) -> Result<Response<Body>, std::convert::Infallible> {
    let coding = request.headers().get("accept-encoding").cloned();
    let change_id = request.uri().query().and_then(|query| query.strip_prefix("change_id=")?.parse().ok()).unwrap_or(0);
    let path = request.headers().contains_key("cookie").then(|| request.uri().path().to_owned());
    if request.uri().path() == "/system/health" {
        let health = if state.faults.is_another { "welcome" } else { "{\"healthy\": true}" };
        return Ok(Response::new(UnsyncBoxBody::new(Full::new(Bytes::from(health)))));
    }
    if path.as_deref() == Some("/system/notify/send") {
        return Ok(send(request, &state).await);
    }
    let lines = match path.as_deref() {
        Some("/system/notify") => numbered(state.message, GREETING_OF_LISTENERS, message_line).left_stream(),
        Some("/system/projector") => numbered(state.newest, GREETING, projector_line).left_stream(),
        path => lines(state, change_id, path.is_some()).right_stream(),
    };
    let is_zstd = coding.as_ref().is_some_and(|coding| coding == "zstd");
    let mut gzip = coding.is_some().then(|| GzEncoder::new(Vec::new(), Compression::fast()));
    let frames = futures_util::StreamExt::map(lines, move |line| {
        let bytes = match &mut gzip {
            None => line.into_bytes(),
            Some(_) if is_zstd => zstd::bulk::compress(line.as_bytes(), 1).expect("memory"),
            Some(encoder) => {
                encoder.write_all(line.as_bytes()).expect("memory");
                encoder.flush().expect("memory");
                std::mem::take(encoder.get_mut())
            }
        };
        Ok(Frame::data(Bytes::from(bytes)))
    });
    let mut response = Response::builder();
    if let Some(coding) = coding {
        response = response.header("content-encoding", coding);
    }
    Ok(response.body(UnsyncBoxBody::new(StreamBody::new(frames))).expect("headers"))
}

/// Sends the number in a message to all who listen.
async fn send(request: http::Request<Incoming>, state: &FakeState) -> Response<Body> {
    let body = request.into_body().collect().await.expect("a body").to_bytes();
    let content: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
    assert!(content["to_all"].is_null() && content["to_channels"].is_array(), "it is for all: {content}");
    state.send.send_replace(content["message"].as_u64().expect("a number"));
    Response::new(UnsyncBoxBody::new(StreamBody::new(futures_util::stream::empty())))
}

fn lines(state: FakeState, change_id: u64, is_autoupdate: bool) -> impl futures_util::Stream<Item = String> {
    let begin = (state, change_id, true);
    futures_util::stream::unfold(begin, move |(mut state, change_id, is_first)| async move {
        if is_first {
            return Some(("{\"connected\":true}\n".to_owned(), (state, change_id, false)));
        }
        if !is_autoupdate {
            std::future::pending::<()>().await;
        }
        let newest = match change_id {
            0 => *state.newest.borrow_and_update(),
            _ => *state.newest.wait_for(|newest| *newest > change_id).await.ok()?,
        };
        let from = if state.faults.skips_from { change_id + 2 } else { change_id };
        let empty = if state.faults.empty_lines { "\n" } else { "" };
        let all_data = change_id == 0;
        let padding = "x".repeat(3_000);
        let line = format!(
            "{{\"changed\":{{\"core/tag\":[{{\"id\":1,\"name\":\"{padding}\"}}]}},\"deleted\":{{}},\
             \"from_change_id\":{from},\"to_change_id\":{newest},\"all_data\":{all_data}}}\n{empty}"
        );
        Some((line, (state, newest, false)))
    })
}

fn message_line(number: u64) -> String {
    format!("{{\"sender_user_id\":1,\"sender_channel_id\":\"a:1:0\",\"name\":\"load\",\"message\":{number}}}\n")
}

fn projector_line(change_id: u64) -> String {
    format!("{{\"change_id\":{change_id},\"data\":{{\"1\":[]}}}}\n")
}

const GREETING: &str = "{\"connected\":true}\n";
const GREETING_OF_LISTENERS: &str = "{\"connected\":true}\n{\"channel_id\":\"a:1:0\",\"channelID\":\"a:1:0\"}\n";

/// Sends the beginning of a stream, then a line for each number.
fn numbered(
    numbers: watch::Receiver<u64>,
    greeting: &'static str,
    line: fn(u64) -> String,
) -> impl futures_util::Stream<Item = String> {
    futures_util::stream::unfold((numbers, true), move |(mut numbers, is_first)| async move {
        if is_first {
            return Some((greeting.to_owned(), (numbers, false)));
        }
        numbers.changed().await.ok()?;
        let number = *numbers.borrow_and_update();
        Some((line(number), (numbers, false)))
    })
}
