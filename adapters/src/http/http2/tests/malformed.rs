//! Which requests are malformed, and only they? (sections 8.1.1, 8.2 and 8.3)

use super::check;
use super::client::connect;
use super::heard::Outcome::{Fine, Status, Stream};
use super::service::standard;
use super::wire::{block, code::*, data, flag, frame, get, headers, kind, literal, post, request};

const MALFORMED: &[super::Outcome] = &[Stream(PROTOCOL_ERROR), Status(400)];

/// A request of these fields.
#[track_caller]
fn check_fields(name: &str, fields: &[(&str, &str)], acceptable: &[super::Outcome]) {
    check(name, headers(1, flag::END_BOTH, fields), acceptable);
}

/// A request with this field besides what is needed.
#[track_caller]
fn check_field(name: &str, value: &str, acceptable: &[super::Outcome]) {
    let fields = [&request("GET", "/")[..], &[(name, value)]].concat();
    check_fields(&format!("{name:?}: {value:?}"), &fields, acceptable);
}

#[test]
fn fields_of_other_protocols_have_no_place() {
    // 8.2.2
    for (name, value) in [
        ("connection", "close"),
        ("connection", "keep-alive"),
        ("proxy-connection", "keep-alive"),
        ("keep-alive", "timeout=5"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "websocket"),
        ("te", "gzip"),
        ("te", "trailers, deflate;q=0.5"),
    ] {
        check_field(name, value, MALFORMED);
    }
    check_field("te", "trailers", &[Fine]);
}

#[test]
fn names_and_values_are_made_of_what_they_may_be() {
    // 8.2.1
    for name in ["X-Upper", "x-Upper", "x upper", "x:y", "x\u{7f}", "x\u{1}", "", "x\r\ny", "x\u{e4}"] {
        check_field(name, "value", MALFORMED);
    }
    for value in ["a\rb", "a\nb", "a\0b"] {
        check_field("x-value", value, MALFORMED);
    }
    for value in ["", "a b", "a\tb", "!#$%&'*+-.^_`|~\"(),/:;<=>?@[\\]{}", "\u{e4}"] {
        check_field("x-value", value, &[Fine]);
    }
    check_field("!#$%&'*+-.^_`|~09az", "value", &[Fine]);
    // Whoever takes these takes the same as what HTTP/1.1 makes of them.
    for value in [" a", "a ", "\ta"] {
        check_field("x-value", value, &[Stream(PROTOCOL_ERROR), Status(400), Fine]);
    }
}

#[test]
fn pseudo_headers_are_complete_and_first() {
    // 8.3 and 8.3.1
    let whole = request("GET", "/");
    for left_out in [":method", ":scheme", ":path"] {
        let fields: Vec<_> = whole.into_iter().filter(|(name, _)| *name != left_out).collect();
        check_fields(&format!("without {left_out}"), &fields, MALFORMED);
    }
    for twice in whole {
        check_fields(&format!("twice {}", twice.0), &[&whole[..], &[twice]].concat(), MALFORMED);
    }
    for late in 0..4 {
        let mut fields = whole.to_vec();
        let field = fields.remove(late);
        fields.extend([("x-regular", "1"), field]);
        check_fields(&format!("{} late", field.0), &fields, MALFORMED);
    }
    for extra in [(":status", "200"), (":unknown", "1"), (":", "1"), (":Path", "/"), (":host", "test")] {
        check_fields(&format!("with {}", extra.0), &[&whole[..], &[extra]].concat(), MALFORMED);
    }
    check_fields("nothing at all", &[], MALFORMED);
    check_fields("no pseudo-header", &[("x-regular", "1")], MALFORMED);
    check_fields("in another order", &[whole[3], whole[1], whole[0], whole[2]], &[Fine]);
    check_fields("without :authority", &[whole[0], whole[1], whole[3]], &[Fine]);
    check_fields("with host instead", &[whole[0], whole[1], whole[3], ("host", "test")], &[Fine]);
}

#[test]
fn what_pseudo_headers_say_can_be_asked_for() {
    let asked = |method, scheme, authority, path| {
        [(":method", method), (":scheme", scheme), (":authority", authority), (":path", path)]
    };
    for fields in [
        asked("GET", "http", "test", ""),
        asked("", "http", "test", "/"),
        asked("G ET", "http", "test", "/"),
        asked("GET", "ht tp", "test", "/"),
        asked("GET", "http", "te st", "/"),
        asked("GET", "http", "test", "/a b"),
    ] {
        check_fields(&format!("{fields:?}"), &fields, MALFORMED);
    }
    for fields in [
        asked("GET", "https", "test", "/"),
        asked("PATCH", "http", "test", "/"),
        asked("X-OWN", "http", "test", "/"),
        asked("OPTIONS", "http", "test", "*"),
        asked("GET", "http", "test:80", "/?a=b&c=%20"),
        asked("GET", "http", "[::1]:80", "/"),
    ] {
        check_fields(&format!("{fields:?}"), &fields, &[Fine]);
    }
    // Whether these are found out to be wrong is a matter of taste.
    for fields in [
        asked("GET", "", "test", "/"),
        asked("GET", "http", "test", "x"),
        asked("GET", "http", "", "/"),
        asked("GET", "http", "test", "*"),
    ] {
        check_fields(&format!("{fields:?}"), &fields, &[Stream(PROTOCOL_ERROR), Status(400), Status(404), Fine]);
    }
}

#[test]
fn connecting_to_others_does_no_harm() {
    // 8.5
    let acceptable = [Stream(PROTOCOL_ERROR), Stream(REFUSED_STREAM), Stream(CANCEL), Stream(CONNECT_ERROR), Fine];
    let answered = [Status(400), Status(404), Status(405), Status(501)];
    let acceptable = [&acceptable[..], &answered].concat();
    check_fields("as it is", &[(":method", "CONNECT"), (":authority", "test:80")], &acceptable);
    check_fields("no authority", &[(":method", "CONNECT")], &acceptable);
    check_fields("like any other", &request("CONNECT", "/"), &acceptable);
    let extended = [&request("CONNECT", "/")[..], &[(":protocol", "websocket")]].concat();
    check_fields("extended, which was not offered", &extended, &acceptable);
}

#[test]
fn a_content_length_is_held() {
    // 8.1.1
    let with_length =
        |flags, length| headers(1, flags, &[&request("POST", "/echo")[..], &[("content-length", length)]].concat());
    let body = |length| with_length(flag::END_HEADERS, length);
    for (name, bytes) in [
        ("no body", with_length(flag::END_BOTH, "3")),
        ("an empty body", [body("3"), data(1, flag::END_STREAM, "")].concat()),
        ("too short", [body("3"), data(1, flag::END_STREAM, "ab")].concat()),
        ("too long", [body("3"), data(1, flag::END_STREAM, "abcd")].concat()),
        ("too long before its end", [body("3"), data(1, flag::NONE, "abcd")].concat()),
        ("too long in parts", [body("3"), data(1, flag::NONE, "ab"), data(1, flag::END_STREAM, "cd")].concat()),
        ("too short, with trailers", [body("3"), headers(1, flag::END_BOTH, &[("x", "y")])].concat()),
        ("too long for none", [body("0"), data(1, flag::END_STREAM, "a")].concat()),
        ("no number", [body("3x"), data(1, flag::END_STREAM, "abc")].concat()),
        ("negative", [body("-3"), data(1, flag::END_STREAM, "abc")].concat()),
        ("more than can be counted", with_length(flag::END_HEADERS, "99999999999999999999999")),
    ] {
        check(name, bytes, MALFORMED);
    }
    let twice = [&request("POST", "/echo")[..], &[("content-length", "3"), ("content-length", "4")]].concat();
    let twice = [headers(1, flag::END_HEADERS, &twice), data(1, flag::END_STREAM, "abc")];
    check("two that differ", twice.concat(), MALFORMED);
    for (name, bytes) in [
        ("as it says", [body("3"), data(1, flag::END_STREAM, "abc")].concat()),
        ("in parts", [body("3"), data(1, flag::NONE, "ab"), data(1, flag::END_STREAM, "c")].concat()),
        ("padded", [body("1"), frame(kind::DATA, flag::PADDED | flag::END_STREAM, 1, [2, b'a', 0, 0])].concat()),
        ("none", with_length(flag::END_BOTH, "0")),
        ("the end by itself", [body("1"), data(1, flag::NONE, "a"), data(1, flag::END_STREAM, "")].concat()),
    ] {
        check(name, bytes, &[Fine]);
    }
}

/// What a malformed request was about to tell is not forgotten with it: the table of fields is the connection's.
#[tokio::test(start_paused = true)]
async fn a_malformed_request_costs_nobody_else() {
    let mut client = connect(standard).await;
    client.exchange([post(1, "/echo"), data(1, flag::NONE, "one ")].concat()).await;
    let path =
        [literal(0x40, b":path", b"/echo"), block(&request("POST", "/")[..3]), block(&[("connection", "close")])]
            .concat();
    let heard = client.exchange(frame(kind::HEADERS, flag::END_BOTH, 3, path)).await;
    assert!(MALFORMED.contains(&heard.outcome(3)), "{heard:?}");
    let remembered = [block(&request("POST", "/")[..3]), vec![0xBE]].concat();
    let rest = [
        frame(kind::HEADERS, flag::END_HEADERS, 5, remembered),
        data(5, flag::END_STREAM, "new"),
        data(1, flag::END_STREAM, "two"),
        get(7, "/"),
    ];
    let heard = client.exchange(rest.concat()).await;
    heard.check_answered(1, "one two");
    heard.check_answered(5, "new");
    heard.check_answered(7, "ok");
}
