//! What of a request does the service see? (sections 8.2 and 8.3)

use poem::http::{Method, Version};

use super::client::connect;
use super::service::{Recorder, Seen};
use super::wire::{block, code, data, flag, frame, headers, kind, literal, request, reset};

/// What arrives of a request of these fields, with this body.
async fn seen(fields: &[(&str, &str)], body: &str) -> Seen {
    let recorder = Recorder::default();
    let mut client = connect(recorder.service()).await;
    let bytes = [headers(1, flag::END_HEADERS, fields), data(1, flag::END_STREAM, body)].concat();
    client.exchange(bytes).await.check_answered(1, "ok");
    let mut seen = recorder.take();
    assert_eq!(seen.len(), 1);
    seen.remove(0)
}

#[tokio::test(start_paused = true)]
async fn a_request_arrives_as_it_was_asked() {
    let fields = [
        (":method", "POST"),
        (":scheme", "https"),
        (":authority", "example.org:8443"),
        (":path", "/system/notify?channel=1%20&x"),
        ("accept", "*/*"),
        ("x-twice", "one"),
        ("x-empty", ""),
        ("x-twice", "two"),
    ];
    let (parts, body) = seen(&fields, "body").await;
    assert_eq!((parts.method, parts.version), (Method::POST, Version::HTTP_2));
    assert_eq!(parts.uri.authority().map(|authority| authority.as_str()), Some("example.org:8443"));
    assert_eq!(parts.uri.path_and_query().map(|path| path.as_str()), Some("/system/notify?channel=1%20&x"));
    assert_eq!(parts.headers.get_all("x-twice").iter().collect::<Vec<_>>(), ["one", "two"]);
    assert_eq!(
        (&parts.headers["accept"], &parts.headers["x-empty"]),
        (&"*/*".parse().expect("a value"), &"".parse().expect("a value"))
    );
    assert!(parts.headers.keys().all(|name| !name.as_str().starts_with(':')), "{:?}", parts.headers);
    assert_eq!(body.as_deref(), Some(&b"body"[..]));
}

#[tokio::test(start_paused = true)]
async fn bytes_of_values_are_kept() {
    let recorder = Recorder::default();
    let mut client = connect(recorder.service()).await;
    let block = [block(&request("GET", "/")), literal(0, b"x-bytes", &[0x80, 0xFF, b' ', b'\t', b'~'])].concat();
    client.exchange(frame(kind::HEADERS, flag::END_BOTH, 1, block)).await.check_answered(1, "ok");
    assert_eq!(recorder.take()[0].0.headers["x-bytes"].as_bytes(), [0x80, 0xFF, b' ', b'\t', b'~']);
}

/// 8.2.3: browsers send a field for each cookie, and what reads them knows of one.
#[tokio::test(start_paused = true)]
async fn cookies_arrive_as_one_field() {
    for (cookies, expected) in [
        (&["a=1"][..], "a=1"),
        (&["a=1", "b=2"], "a=1; b=2"),
        (&["a=1", "sessionid=x; c=3", "d=4"], "a=1; sessionid=x; c=3; d=4"),
    ] {
        let mut fields = request("GET", "/").to_vec();
        for cookie in cookies {
            fields.extend([("cookie", *cookie), ("x-between", "1")]);
        }
        let (parts, _) = seen(&fields, "").await;
        let arrived: Vec<_> = parts.headers.get_all("cookie").iter().collect();
        assert_eq!(arrived, [expected]);
        assert_eq!(parts.headers.get_all("x-between").iter().count(), cookies.len());
    }
}

/// A body that was broken off must not be taken for a whole one.
#[tokio::test(start_paused = true)]
async fn a_body_that_is_broken_off_is_not_whole() {
    let recorder = Recorder::default();
    let mut client = connect(recorder.service()).await;
    let begin =
        |stream| [headers(stream, flag::END_HEADERS, &request("POST", "/")), data(stream, flag::NONE, "ha")].concat();
    client.exchange(begin(1)).await;
    client.exchange(reset(1, code::CANCEL)).await;
    client.exchange(begin(3)).await;
    client.leave().await;
    // Whoever reads it is given up, or told.
    let bodies: Vec<_> = recorder.take().into_iter().map(|(_, body)| body).collect();
    assert!(bodies.iter().all(Option::is_none), "{bodies:?}");
}
