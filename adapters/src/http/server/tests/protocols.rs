//! Do clients of every protocol get the same?

use std::path::Path;

use reqwest::{Client, ClientBuilder, StatusCode, Version};
use tokio::net::TcpStream;

use super::*;
use crate::http::probe;
use crate::tls::Checked;

fn client(build: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Client {
    let builder = Client::builder().no_proxy().tls_info(true).tls_danger_accept_invalid_certs(true);
    build(builder).build().expect("a client")
}

/// A client for each protocol, with its scheme and HTTP version.
fn clients() -> Vec<(&'static str, Version, Client)> {
    vec![
        ("http", Version::HTTP_11, client(|client| client)),
        ("http", Version::HTTP_2, client(ClientBuilder::http2_prior_knowledge)),
        ("https", Version::HTTP_11, client(ClientBuilder::http1_only)),
        ("https", Version::HTTP_2, client(|client| client)),
    ]
}

/// (spec: http.md#one-port)
#[tokio::test]
async fn one_port_speaks_every_protocol() {
    let port = Port::start(TlsMode::Both);
    for (scheme, version, client) in clients() {
        let response = client.get(port.url(scheme, "/system/health")).send().await.expect(scheme);
        assert_eq!((response.status(), response.version()), (StatusCode::OK, version), "{scheme}");
        assert_eq!(response.text().await.expect("a body"), HEALTHY);

        let mut stream = client.get(port.url(scheme, "/system/autoupdate")).send().await.expect(scheme);
        assert_eq!(stream.chunk().await.expect("a line").as_deref(), Some(CONNECTED.as_bytes()));

        let response = client.put(port.url(scheme, "/system/health")).send().await.expect(scheme);
        assert_eq!(
            (response.status(), &response.headers()["allow"]),
            (StatusCode::METHOD_NOT_ALLOWED, &"GET, HEAD, OPTIONS".parse().expect("ASCII"))
        );
        let response = client.head(port.url(scheme, "/system/health")).send().await.expect(scheme);
        assert_eq!(response.status(), StatusCode::OK, "{scheme}");
        assert_eq!(response.headers()["content-length"], "18", "{scheme}");
        assert_eq!(response.text().await.expect("no body"), "", "{scheme}");
        let response = client.head(port.url(scheme, "/system/autoupdate")).send().await.expect(scheme);
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{scheme}");
        let response = client.get(port.url(scheme, "/")).send().await.expect(scheme);
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        assert!(response.text().await.expect("a body").contains("\"invalid_request\""));
    }
}

/// Sends all requests at once, then checks the statuses and the concatenated bodies of the answers.
async fn check_answers(requests: &str, statuses: &[&str], bodies: &str) {
    let (_running, pipes) = Pipes::start(Limits::default());
    let mut client = connect(&pipes);
    let requests = format!("{}\r\nConnection: close\r\n\r\n", requests.trim_end());
    client.write_all(requests.as_bytes()).await.expect("written");
    let answers = read_to_end(&mut client).await;
    let (heads, rest): (Vec<_>, Vec<_>) =
        answers.split("HTTP/1.").skip(1).map(|answer| answer.split_once("\r\n\r\n").expect("a head")).unzip();
    let found: Vec<_> = heads.iter().map(|head| &head[2..5]).collect();
    assert_eq!((&found[..], rest.concat().as_str()), (statuses, bodies), "{requests}: {answers}");
}

#[tokio::test]
async fn the_answer_to_head_has_no_body() {
    let head = "HEAD /system/health HTTP/1.1\r\nHost: test\r\n\r\n";
    let get = "GET /system/health HTTP/1.1\r\nHost: test\r\n\r\n";
    check_answers(&[head, get, head].concat(), &["200", "200", "200"], HEALTHY).await;
    // HAProxy's default health check.
    check_answers("OPTIONS /system/health HTTP/1.0\r\n\r\n", &["200"], HEALTHY).await;
}

#[tokio::test]
async fn http_1_1_requests_must_name_one_host() {
    let missing = "{\"error\": {\"type\": \"invalid_request\", \"msg\": \"The header Host is missing\"}}\n";
    check_answers("GET /system/health HTTP/1.1\r\n\r\n", &["400"], missing).await;
    check_answers("GET http://test/system/health HTTP/1.1\r\n\r\n", &["400"], missing).await;
    let twice = "{\"error\": {\"type\": \"invalid_request\", \"msg\": \"The header Host comes more than once\"}}\n";
    check_answers("GET /system/health HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n", &["400"], twice).await;
    check_answers("GET /system/health HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", &["400"], twice).await;
    check_answers("GET /system/health HTTP/1.0\r\n\r\n", &["200"], HEALTHY).await;
}

/// Checks the answer to `request`, whose stream ends when draining begins: head, and `body` including its end.
async fn check_stream(request: &str, body: &str) {
    let (running, pipes) = Pipes::start(Limits::default());
    let mut client = connect(&pipes);
    client.write_all(request.as_bytes()).await.expect("written");
    let begin = read_until(&mut client, "{\"connected\":true}\n").await;
    let (head, _) = begin.split_once("\r\n\r\n").expect("a head");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(head.contains("\r\nconnection: close"), "{head}");
    assert_eq!(running.stop().await, ServeOutcome { cut: 0 });
    let received = begin[head.len() + 4..].to_owned() + &read_to_end(&mut client).await;
    assert_eq!(received, body, "{request}");
}

#[tokio::test]
async fn a_stream_is_the_last_response_of_an_http1_connection() {
    let chunks = "13\r\n{\"connected\":true}\n\r\ne\r\n{\"last\":true}\n\r\n0\r\n\r\n";
    check_stream("GET /system/autoupdate HTTP/1.1\r\nHost: test\r\n\r\n", chunks).await;
    // An unexpected body, complete or cut short.
    let post = "POST /system/autoupdate HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\n";
    check_stream(&format!("{post}12345"), chunks).await;
    check_stream(&format!("{post}12"), chunks).await;
    // After other requests, and before one that is not answered.
    let health = "GET /system/health HTTP/1.1\r\nHost: test\r\n\r\n";
    check_stream(&format!("GET /system/autoupdate HTTP/1.1\r\nHost: test\r\n\r\n{health}"), chunks).await;
    // Proxies often speak HTTP/1.0, which has no chunked encoding.
    let lines = "{\"connected\":true}\n{\"last\":true}\n";
    check_stream("GET /system/autoupdate HTTP/1.0\r\nHost: test\r\n\r\n", lines).await;
}

#[tokio::test]
async fn http2_carries_many_streams_on_one_connection() {
    let port = Port::start(TlsMode::Both);
    for (scheme, connections, client) in
        [("https", 1, client(|client| client)), ("http", 2, client(ClientBuilder::http2_prior_knowledge))]
    {
        // The first request opens the connection that the others share.
        client.get(port.url(scheme, "/system/health")).send().await.expect("an answer");
        let mut streams = Vec::new();
        for _ in 0..50 {
            let mut stream = client.get(port.url(scheme, "/system/autoupdate")).send().await.expect("an answer");
            stream.chunk().await.expect("a line").expect("a line");
            streams.push(stream);
        }
        assert_eq!(port.running.accepted(), connections);
    }
}

#[tokio::test]
async fn tls_only_refuses_plain_requests() {
    let port = Port::start(TlsMode::Only);
    for (scheme, version, client) in clients() {
        let response = client.get(port.url(scheme, "/system/health")).send().await.expect(scheme);
        let expected = if scheme == "https" { StatusCode::OK } else { StatusCode::UPGRADE_REQUIRED };
        assert_eq!((response.status(), response.version()), (expected, version));
        let body = response.text().await.expect("a body");
        assert_eq!(body.contains("\"invalid_request\""), scheme == "http", "{body}");
    }
    let mut client = TcpStream::connect(port.address).await.expect("connected");
    client.write_all(&get("/system/health")).await.expect("written");
    let answer = read_to_end(&mut client).await;
    assert!(answer.starts_with("HTTP/1.1 426 "), "{answer}");
    assert!(answer.to_ascii_lowercase().contains("\r\nconnection: close"), "{answer}");
    assert!(answer.to_ascii_lowercase().contains("\r\nupgrade: tls/1.2"), "{answer}");
}

/// Written by hand, because a client library would silently open another connection.
#[tokio::test(start_paused = true)]
async fn tls_only_ends_a_plain_http2_connection() {
    const PING: u8 = 6;
    const ACK: u8 = 1;
    let (_running, pipes) = Pipes::start_with(TlsMode::Only, Limits::default());
    let mut client = connect(&pipes);
    let begin = Instant::now();
    client.write_all(HTTP2_HELLO).await.expect("written");
    // HEADERS of stream 1, complete: GET http /
    client.write_all(b"\x00\x00\x03\x01\x05\x00\x00\x00\x01\x82\x86\x84").await.expect("written");
    let mut head = [0; 9];
    let mut frames = Vec::new();
    // A client that answers PINGs could be kept for ever; the limit makes the test fail instead.
    while begin.elapsed() < Duration::from_secs(60) && client.read_exact(&mut head).await.is_ok() {
        let mut payload = vec![0; usize::from(head[1]) * 256 + usize::from(head[2])];
        client.read_exact(&mut payload).await.expect("the rest of the frame");
        if head[3] == PING && head[4] != ACK {
            head[4] = ACK;
            let _ = client.write_all(&[&head[..], &payload].concat()).await;
        }
        frames.extend(payload);
    }
    assert!(String::from_utf8_lossy(&frames).contains("\"invalid_request\""), "{frames:?}");
    assert_eq!(begin.elapsed(), Duration::ZERO, "must end at once");
}

#[tokio::test]
async fn without_tls_only_plain_requests_are_served() {
    let port = Port::start(TlsMode::Off);
    for (scheme, _, client) in clients() {
        let response = client.get(port.url(scheme, "/system/health")).send().await;
        assert_eq!(response.is_ok_and(|response| response.status() == StatusCode::OK), scheme == "http", "{scheme}");
    }
}

#[tokio::test]
async fn garbage_ends_only_its_own_connection() {
    let port = Port::start(TlsMode::Both);
    for garbage in
        [&b"\x00\x01\x02\x03\r\n\r\n"[..], b"\x16\x03\x01\xff\xff garbage", b"\n\n\xff\n\n", b"PRI * nonsense\r\n\r\n"]
    {
        let mut client = TcpStream::connect(port.address).await.expect("connected");
        client.write_all(garbage).await.expect("written");
        client.shutdown().await.expect("half closed");
        let answer = read_to_end(&mut client).await;
        assert!(!answer.contains("200"), "{garbage:?}: {answer}");
    }
    let (_, _, client) = clients().remove(3);
    let response = client.get(port.url("https", "/system/health")).send().await.expect("still served");
    assert_eq!(response.status(), StatusCode::OK);
}

/// Writes a new certificate and key, and returns the certificate.
fn write_certificate(directory: &Path, names: (&str, &str)) -> Vec<u8> {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    std::fs::write(directory.join(names.0), made.cert.pem()).expect("written");
    std::fs::write(directory.join(names.1), made.signing_key.serialize_pem()).expect("written");
    made.cert.der().to_vec()
}

/// The certificate that a new connection receives.
async fn served_certificate(port: &Port) -> Vec<u8> {
    let client = client(|client| client);
    let response = client.get(port.url("https", "/system/health")).send().await.expect("an answer");
    let info = response.extensions().get::<reqwest::tls::TlsInfo>().expect("TLS");
    info.peer_certificate().expect("a certificate").to_vec()
}

#[tokio::test]
async fn a_changed_certificate_is_served_and_a_broken_one_is_not() {
    let directory = tempfile::tempdir().expect("a directory");
    let names = ("cert.pem", "key.pem");
    let first = write_certificate(directory.path(), names);
    let mut port = Port::start_with(TlsMode::Both, Some(directory.path().to_owned()));
    let mut watch = port.watch.take().expect("files to watch");
    assert_eq!(served_certificate(&port).await, first);
    assert!(matches!(watch.check(), Checked::Unchanged));

    let mut stream =
        client(|client| client).get(port.url("https", "/system/autoupdate")).send().await.expect("a stream");
    stream.chunk().await.expect("a line");
    let second = write_certificate(directory.path(), names);
    assert!(matches!(watch.check(), Checked::Replaced { .. }));
    assert_eq!(served_certificate(&port).await, second);

    let key = directory.path().join("key.pem");
    for broken in ["", "garbage", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
        std::fs::write(&key, broken).expect("written");
        assert!(matches!(watch.check(), Checked::Broken(_)), "{broken:?}");
        assert!(matches!(watch.check(), Checked::Unchanged), "reported once");
        assert_eq!(served_certificate(&port).await, second);
        write_certificate(directory.path(), ("other.pem", "key.pem"));
        assert!(matches!(watch.check(), Checked::Broken(_)), "the key of another certificate");
    }
    std::fs::remove_file(directory.path().join("cert.pem")).expect("removed");
    assert!(matches!(watch.check(), Checked::Broken(_)));

    let third = write_certificate(directory.path(), ("autoupdate.pem", "autoupdate-key.pem"));
    assert!(matches!(watch.check(), Checked::Replaced { .. }));
    assert_eq!(served_certificate(&port).await, third);

    port.running.trigger.begin();
    let rest = stream.chunk().await.expect("the stream goes on").expect("a line");
    assert_eq!(rest, "{\"last\":true}\n");
}

#[tokio::test]
async fn an_unusable_certificate_prevents_startup_naming_its_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let check = |expected: &[&str]| {
        let error = TlsServer::new(Some(directory.path().to_owned())).err().expect("unusable").to_string();
        for part in expected {
            assert!(error.contains(part), "{part} in {error}");
        }
    };
    check(&["CERT_DIR=", "autoupdate.pem", "self-signed"]);
    std::fs::write(directory.path().join("cert.pem"), "garbage").expect("written");
    check(&["key.pem", "put it there too"]);
    std::fs::write(directory.path().join("key.pem"), "garbage").expect("written");
    check(&["cert.pem", "holds no certificate"]);
    write_certificate(directory.path(), ("cert.pem", "other-key.pem"));
    check(&["key.pem", "holds no private key"]);
    write_certificate(directory.path(), ("other.pem", "key.pem"));
    check(&["cert.pem", "key.pem", "cannot be used together"]);
}

#[tokio::test]
async fn the_service_can_check_its_own_health() {
    for mode in [TlsMode::Both, TlsMode::Only, TlsMode::Off] {
        let port = Port::start(mode);
        let number = port.address.port();
        let ask = move || probe::health("", number, mode);
        tokio::task::spawn_blocking(ask).await.expect("no panic").expect("healthy");
        port.running.stop().await;
        assert!(tokio::task::spawn_blocking(ask).await.expect("no panic").is_err(), "{mode} stopped");
    }
}

/// A client that pipelines requests loses nothing of the earlier answers.
#[tokio::test]
async fn an_answer_that_is_still_being_sent_when_a_stream_begins_arrives_whole() {
    let (_running, pipes) = Pipes::start(Limits::default());
    for pipe_bytes in [1, 10, 100, 1_000] {
        let (mut client, server) = tokio::io::duplex(pipe_bytes);
        pipes.send(Ok(server)).expect("the service runs");
        let requests = [get("/system/health"), get("/system/health"), get("/system/autoupdate")].concat();
        let (mut reading, mut writing) = tokio::io::split(&mut client);
        let ask = async { writing.write_all(&requests).await.expect("written") };
        let read = async {
            for _ in 0..500 {
                tokio::task::yield_now().await;
            }
            read_until(&mut reading, "{\"connected\":true}\n\r\n").await
        };
        let ((), answers) = tokio::join!(ask, read);
        assert_eq!(answers.matches("HTTP/1.1 200 OK\r\n").count(), 3, "{answers}");
        assert_eq!(answers.matches(HEALTHY).count(), 2, "{answers}");
    }
}

/// What hides in a body of unclear length must not be taken for a request. (spec: http.md#request-length)
#[tokio::test(start_paused = true)]
async fn a_hidden_request_is_not_answered() {
    let hidden = String::from_utf8(get("/system/hidden")).expect("text");
    for lengths in [
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 5, 6",
        "Transfer-Encoding: chunked, identity",
    ] {
        let (_running, pipes) = Pipes::start(Limits::default());
        let mut client = connect(&pipes);
        let request = format!("GET /system/health HTTP/1.1\r\nHost: test\r\n{lengths}\r\n\r\n0\r\n\r\n{hidden}");
        client.write_all(request.as_bytes()).await.expect("written");
        let answers = read_to_end(&mut client).await;
        assert_eq!(answers.matches("HTTP/1.1 ").count(), 1, "{lengths}: {answers}");
    }
}
