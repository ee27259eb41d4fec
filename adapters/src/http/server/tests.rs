//! Is every kind of client served, and can none of them keep the service from serving the others?

mod http2;
mod limits;
mod protocols;
mod slow;
mod stopping;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use application::limits::refusals::Refusals;
use application::readiness::Readiness;
use bytes::Bytes;
use domain::ports::clock::Clock;
use domain::testing::ManualClock;
use futures_util::stream;
use poem::endpoint::make;
use poem::{Body, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::*;
use crate::http::acceptor::TcpAcceptor;
use crate::http::drain::{DrainTrigger, drain};
use crate::http::listen::bind;
use crate::http::route::ServiceRoute;
use crate::http::router::{HttpService, Router};
use crate::tls::{CertificateWatch, TlsMode, TlsServer};

const HEALTHY: &str = "{\"healthy\": true}\n";
const CONNECTED: &str = "{\"connected\":true}\n";

/// A service with three routes: health; a stream that ends when draining begins; a stream that never ends.
fn service(draining: &Drain) -> HttpService {
    let readiness = Readiness::not_ready("");
    readiness.set_ready();
    let draining = draining.clone();
    let endpoint = move |ends: bool| {
        let draining = draining.clone();
        make(move |_| {
            let mut draining = draining.clone();
            let end = async move {
                draining.begun().await;
                if !ends {
                    std::future::pending::<()>().await;
                }
            };
            let lines = stream::once(async { Bytes::from_static(CONNECTED.as_bytes()) });
            let end = stream::once(async {
                end.await;
                Bytes::from_static(b"{\"last\":true}\n")
            });
            let lines = futures_util::StreamExt::chain(lines, end);
            let body = Body::from_bytes_stream(futures_util::StreamExt::map(lines, Ok::<_, io::Error>));
            async { Response::builder().body(body) }
        })
    };
    Router::new(readiness)
        .with(ServiceRoute::Autoupdate, endpoint(true))
        .with(ServiceRoute::Notify, endpoint(false))
        .into_service()
}

/// A running service.
struct Running {
    trigger: DrainTrigger,
    served: JoinHandle<ServeOutcome>,
    accepted: Arc<AtomicUsize>,
}

impl Running {
    fn start(acceptor: impl Acceptor + 'static, mode: TlsMode, tls: Option<TlsServer>, limits: Limits) -> Self {
        Self::start_service(acceptor, mode, tls, limits, service)
    }

    fn start_service(
        acceptor: impl Acceptor + 'static,
        mode: TlsMode,
        tls: Option<TlsServer>,
        limits: Limits,
        service: impl FnOnce(&Drain) -> HttpService,
    ) -> Self {
        let (trigger, draining) = drain();
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(0));
        let context = ConnectionContext::new(service(&draining), mode, tls, &limits);
        let context = context.limiting_addresses(&limits, Refusals::new(&clock));
        let accepted = Arc::default();
        let acceptor = Counting { acceptor, accepted: Arc::clone(&accepted) };
        Self { trigger, served: tokio::spawn(serve(acceptor, context, limits, draining)), accepted }
    }

    fn accepted(&self) -> usize {
        self.accepted.load(Ordering::Relaxed)
    }

    async fn stop(self) -> ServeOutcome {
        self.trigger.begin();
        self.served.await.expect("no panic")
    }
}

struct Counting<A> {
    acceptor: A,
    accepted: Arc<AtomicUsize>,
}

impl<A: Acceptor> Acceptor for Counting<A> {
    type Io = A::Io;

    async fn accept(&mut self) -> io::Result<(A::Io, Address)> {
        let accepted = self.acceptor.accept().await;
        self.accepted.fetch_add(1, Ordering::Relaxed);
        accepted
    }

    fn listening_on(&self) -> Vec<Address> {
        self.acceptor.listening_on()
    }
}

/// A running service on its own port, with TLS.
struct Port {
    running: Running,
    address: SocketAddr,
    watch: Option<CertificateWatch>,
}

impl Port {
    fn start(mode: TlsMode) -> Self {
        Self::start_with(mode, None)
    }

    fn start_with(mode: TlsMode, certificates: Option<PathBuf>) -> Self {
        let acceptor = TcpAcceptor::new(bind("127.0.0.1", 0).expect("a free port")).expect("usable");
        let address = acceptor.local_addresses()[0];
        let (tls, watch) = TlsServer::new(certificates).expect("a certificate");
        let running = Running::start(acceptor, mode, Some(tls), Limits::default());
        Self { running, address, watch }
    }

    fn url(&self, scheme: &str, path: &str) -> String {
        format!("{scheme}://{}{path}", self.address)
    }
}

/// Accepts in-memory connections, with which time can be paused.
struct Pipes(mpsc::UnboundedReceiver<io::Result<DuplexStream>>);

type PipeSender = mpsc::UnboundedSender<io::Result<DuplexStream>>;

impl Pipes {
    fn start(limits: Limits) -> (Running, PipeSender) {
        Self::start_with(TlsMode::Both, limits)
    }

    fn start_with(mode: TlsMode, limits: Limits) -> (Running, PipeSender) {
        Self::start_service(mode, limits, service)
    }

    fn start_service(
        mode: TlsMode,
        limits: Limits,
        service: impl FnOnce(&Drain) -> HttpService,
    ) -> (Running, PipeSender) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let (tls, _) = TlsServer::new(None).expect("a certificate");
        (Running::start_service(Self(receiver), mode, Some(tls), limits, service), sender)
    }
}

impl Acceptor for Pipes {
    type Io = DuplexStream;

    async fn accept(&mut self) -> io::Result<(DuplexStream, Address)> {
        match self.0.recv().await {
            Some(pipe) => Ok((pipe?, Address::Unix(None))),
            None => std::future::pending().await,
        }
    }

    fn listening_on(&self) -> Vec<Address> {
        Vec::new()
    }
}

fn connect(pipes: &PipeSender) -> DuplexStream {
    let (client, server) = tokio::io::duplex(64 * 1024);
    pipes.send(Ok(server)).expect("the service runs");
    client
}

/// The start of an HTTP/2 connection: the preface, and an empty SETTINGS frame.
const HTTP2_HELLO: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";

fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n").into_bytes()
}

/// Reads until `end` has arrived; returns everything read.
async fn read_until(client: &mut (impl AsyncReadExt + Unpin), end: &str) -> String {
    let mut text = Vec::new();
    while !text.ends_with(end.as_bytes()) {
        match client.read_u8().await {
            Ok(byte) => text.push(byte),
            Err(error) => panic!("{error} after {:?}", String::from_utf8_lossy(&text)),
        }
    }
    String::from_utf8(text).expect("text")
}

/// Reads until the service closes the connection.
async fn read_to_end(client: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut text = Vec::new();
    let _ = client.read_to_end(&mut text).await;
    String::from_utf8_lossy(&text).into_owned()
}
