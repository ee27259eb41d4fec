//! What does the program say to those who start it? (spec: http.md#variables)

use std::net::TcpListener;

use adapters::testing::fake_redis::FakeRedis;

use crate::harness::{Meeting, Process, run, secret_file};

/// The variables of the specification and the service's own, with their defaults.
const VARIABLES: [(&str, &str); 51] = [
    ("AUTOUPDATE_PORT", "8002"),
    ("AUTOUPDATE_HOST", ""),
    ("MESSAGE_BUS_HOST", "localhost"),
    ("MESSAGE_BUS_PORT", "6379"),
    ("REDIS_WRITE_HOST", "the same as for reading"),
    ("REDIS_WRITE_PORT", "the same as for reading"),
    ("REDIS_URL", ""),
    ("REDIS_WRITE_URL", ""),
    ("REDIS_URL_FILE", ""),
    ("REDIS_WRITE_URL_FILE", ""),
    ("REDIS_SENTINELS", ""),
    ("REDIS_SENTINEL_MASTER", "mymaster"),
    ("REDIS_SENTINEL_USER", ""),
    ("REDIS_SENTINEL_PASSWORD", ""),
    ("REDIS_SENTINEL_PASSWORD_FILE", ""),
    ("REDIS_CA_FILE", ""),
    ("REDIS_CERT_FILE", ""),
    ("REDIS_KEY_FILE", ""),
    ("RECONCILE_SECONDS", "3"),
    ("APPLAUSE_INTERVAL_MS", "1000"),
    ("COOKIE_NAME", "OpenSlidesSessionID"),
    ("SESSION_PREFIX", "session:"),
    ("SESSION_CHECK_SECONDS", "60"),
    ("FAKE_AUTH", "-1"),
    ("SECRET_FILE", "/run/secrets/django"),
    ("CERT_DIR", ""),
    ("TLS", "both"),
    ("CONNECTIONS_MAX", "20000"),
    ("CONNECTIONS_PER_ADDRESS_MAX", "10000"),
    ("TRUSTED_PROXIES", "private"),
    ("KEEP_ALIVE_SECONDS", "30"),
    ("QUIET_LINE_SECONDS", "240"),
    ("STREAM_BYTES_MAX", "268435456"),
    ("COMPRESSION", "auto"),
    ("NOTIFY_BUFFER_MAX", "1000"),
    ("STREAMS_MAX", "60000"),
    ("STREAMS_PER_USER_MAX", "3000"),
    ("STREAMS_PER_ADDRESS_MAX", "18000"),
    ("SENDS_PER_MINUTE_MAX", "600"),
    ("CLAPS_PER_MINUTE_MAX", "600"),
    ("HISTORY_VERSIONS_MAX", "1000"),
    ("HISTORY_SECONDS_MAX", "600"),
    ("HISTORY_BYTES_MAX", "268435456"),
    ("RENDER_CACHE_BYTES_MAX", "0"),
    ("READY_STALE_SECONDS_MAX", "30"),
    ("SHUTDOWN_DELAY_SECONDS", "0"),
    ("DRAIN_SECONDS", "1"),
    ("LOG_FORMAT", "text"),
    ("LOG_LEVEL", "info"),
    ("INSPECTOR", "off"),
    ("METRICS_ADDRESS", ""),
];

#[tokio::test]
async fn help_lists_every_variable_with_its_default() {
    let output = run(&["--help"], &[]).await;
    assert_eq!(output.status.code(), Some(0));
    let help = String::from_utf8(output.stdout).expect("UTF-8");
    let words = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for (name, default) in VARIABLES {
        let flag = format!("--{}", name.to_lowercase().replace('_', "-"));
        let entry = words.split_once(&format!("{flag} <")).unwrap_or_else(|| panic!("{flag} is missing in:\n{help}")).1;
        let entry = entry.split(" --").next().unwrap_or(entry);
        assert!(entry.contains(&format!("[variable: {name}]")), "{name}: {entry}");
        assert!(entry.contains(default), "{name}: {entry}");
    }
    assert_eq!(words.matches("[variable: ").count(), VARIABLES.len(), "the table of this test is complete:\n{help}");
    for command in ["serve", "demo", "check", "health", "view", "explain"] {
        assert!(help.contains(command), "{help}");
    }
}

#[tokio::test]
async fn help_wraps_at_the_width_of_the_terminal() {
    for command in [&["--help"][..], &["demo", "--help"], &["check", "--help"], &["health", "--help"]] {
        for width in [70, 90, 200] {
            // Without a terminal, `COLUMNS` gives the width.
            let output = run(command, &[("COLUMNS", &width.to_string())]).await;
            let help = String::from_utf8(output.stdout).expect("UTF-8");
            let longest = help.lines().map(|line| line.chars().count()).max();
            assert!(longest.is_some_and(|longest| (width / 2..=width).contains(&longest)), "{longest:?}:\n{help}");
        }
    }
}

#[tokio::test]
async fn invalid_values_prevent_startup() {
    for (name, value, expected) in [
        ("AUTOUPDATE_PORT", "x", "a port number"),
        ("AUTOUPDATE_PORT", "65536", "a port number"),
        ("AUTOUPDATE_HOST", "unix:socket", "unix:/path"),
        ("AUTOUPDATE_HOST", "[::1]:8002", "without a port"),
        ("MESSAGE_BUS_PORT", "-1", "a port number"),
        ("MESSAGE_BUS_HOST", "a b", "host"),
        ("REDIS_WRITE_PORT", "redis", "a port number"),
        ("REDIS_URL", "http://x", "redis[s]://"),
        ("REDIS_WRITE_URL", "redis://:6379:1", "redis[s]://"),
        ("REDIS_SENTINELS", "redis://a", "host[:port] of each sentinel"),
        ("REDIS_SENTINEL_MASTER", "a b", "letters, digits"),
        ("RECONCILE_SECONDS", "0", "seconds"),
        ("APPLAUSE_INTERVAL_MS", "1s", "milliseconds"),
        ("COOKIE_NAME", "a;b", "cookie"),
        ("SESSION_CHECK_SECONDS", "-1", "seconds"),
        ("FAKE_AUTH", "admin", "a user id"),
        ("TLS", "maybe", "both, only, off"),
        ("CONNECTIONS_MAX", "0", "at least 1"),
        ("KEEP_ALIVE_SECONDS", "1.5", "seconds"),
        ("QUIET_LINE_SECONDS", "ten", "seconds"),
        ("STREAM_BYTES_MAX", "1MB", "bytes"),
        ("COMPRESSION", "gzip", "auto, on, off"),
        ("NOTIFY_BUFFER_MAX", "0", "at least 1"),
        ("HISTORY_VERSIONS_MAX", "0", "at least 1"),
        ("HISTORY_SECONDS_MAX", "99999999999", "seconds"),
        ("HISTORY_BYTES_MAX", "lots", "bytes"),
        ("SHUTDOWN_DELAY_SECONDS", "soon", "seconds"),
        ("DRAIN_SECONDS", "∞", "seconds"),
        ("LOG_FORMAT", "xml", "text, json"),
        ("LOG_LEVEL", "loud", "debug"),
        ("METRICS_ADDRESS", "here", "an address and a port"),
    ] {
        let flag = format!("--{}", name.to_lowercase().replace('_', "-"));
        for output in [run(&[], &[(name, value)]).await, run(&[&format!("{flag}={value}")], &[]).await] {
            let text = String::from_utf8(output.stderr).expect("UTF-8");
            assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{name}: {text}");
            assert!(text.contains(name) && text.contains(&format!("{value:?}")) && text.contains(expected), "{text}");
        }
    }
}

#[tokio::test]
async fn a_password_is_not_repeated() {
    let output = run(&[], &[("REDIS_URL", "redis://user:geheim@:x/")]).await;
    let text = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(output.status.code() == Some(2) && !text.contains("geheim"), "{text}");
}

/// Checks that the program does not start: its status is 1, and the message contains all of `expected`.
async fn check_no_start(variables: &[(&str, &str)], expected: &[&str]) {
    let output = run(&[], &[&[("AUTOUPDATE_PORT", "0"), ("AUTOUPDATE_HOST", "127.0.0.1")], variables].concat()).await;
    let text = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(1), "{text}");
    for expected in expected {
        assert!(text.contains(expected), "{expected:?} in {text}");
    }
}

#[tokio::test]
async fn what_prevents_startup_is_explained() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name).to_str().expect("UTF-8").to_owned();
    let secret = secret_file();

    check_no_start(&[("SECRET_FILE", &path("none"))], &[&path("none"), "DJANGO_SECRET_KEY='MY_SECRET'"]).await;
    std::fs::write(path("empty"), "SOMETHING='else'").expect("a file");
    check_no_start(&[("SECRET_FILE", &path("empty"))], &[&path("empty"), "has no line"]).await;

    let tls = ("REDIS_URL", "rediss://localhost");
    check_no_start(&[tls, ("REDIS_CA_FILE", &path("none"))], &["REDIS_CA_FILE", &path("none"), "cannot be read"]).await;
    check_no_start(&[tls, ("REDIS_CA_FILE", &path("empty"))], &[&path("empty"), "holds no certificate"]).await;
    let identity = [tls, ("REDIS_CERT_FILE", &path("empty")), ("REDIS_KEY_FILE", &path("empty"))];
    check_no_start(&identity, &["REDIS_CERT_FILE", &path("empty"), "holds no certificate"]).await;

    let missing = path("none");
    check_no_start(&[("REDIS_URL_FILE", &missing)], &["REDIS_URL_FILE", &missing, "cannot be read"]).await;
    check_no_start(&[("REDIS_URL_FILE", &path("empty"))], &["REDIS_URL_FILE", "redis[s]://"]).await;

    let certificates = [("SECRET_FILE", &*secret), ("CERT_DIR", directory.path().to_str().expect("UTF-8"))];
    check_no_start(&certificates, &["CERT_DIR", "cert.pem"]).await;
    std::fs::write(path("cert.pem"), "no certificate").expect("a file");
    check_no_start(&certificates, &["key.pem"]).await;
    std::fs::write(path("key.pem"), "no key").expect("a file");
    check_no_start(&certificates, &["cert.pem"]).await;

    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("bound").port().to_string();
    let variables = [("SECRET_FILE", &*secret), ("AUTOUPDATE_PORT", &port)];
    check_no_start(&variables, &[&port, "AUTOUPDATE_PORT"]).await;
    let variables = [("SECRET_FILE", &*secret), ("AUTOUPDATE_HOST", "no.such.host.invalid")];
    check_no_start(&variables, &["AUTOUPDATE_HOST", "no.such.host.invalid"]).await;
    let socket = format!("unix:{}", path("empty"));
    let variables = [("SECRET_FILE", &*secret), ("AUTOUPDATE_HOST", &*socket)];
    check_no_start(&variables, &[&path("empty"), "something else is there", "AUTOUPDATE_HOST"]).await;
    let variables = [("SECRET_FILE", &*secret), ("METRICS_ADDRESS", "no.such.host.invalid:1")];
    check_no_start(&variables, &["METRICS_ADDRESS", "no.such.host.invalid"]).await;
}

/// Checks that with `LOG_FORMAT=json` the reason is one JSON object that contains all of `expected`.
async fn check_json(arguments: &[&str], variables: &[(&str, &str)], status: i32, expected: &[&str]) {
    let local = [("AUTOUPDATE_PORT", "0"), ("AUTOUPDATE_HOST", "127.0.0.1")];
    let output = run(arguments, &[&local, variables].concat()).await;
    let text = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(status), "{text}");
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("JSON: {text}"))).collect();
    let last = lines.last().expect("a reason");
    let message = last["message"].as_str().expect("a message");
    assert_eq!(last["level"], "ERROR", "{text}");
    for expected in expected {
        assert!(message.contains(expected), "{expected:?} in {text}");
    }
}

#[tokio::test]
async fn in_a_json_log_the_reason_is_json_too() {
    let json = ("LOG_FORMAT", "json");
    let missing = ["/none/django", "DJANGO_SECRET_KEY='MY_SECRET'"];
    check_json(&[], &[json, ("SECRET_FILE", "/none/django")], 1, &missing).await;
    // Also when nothing else is logged.
    check_json(&["--log-format=json"], &[("LOG_LEVEL", "off"), ("SECRET_FILE", "/none/django")], 1, &missing).await;
    check_json(&[], &[json, ("TLS", "maybe")], 2, &["TLS", "\"maybe\"", "both, only, off"]).await;
    check_json(&["--log-format", "json", "--unknown"], &[], 2, &["--unknown"]).await;
    check_json(&["demo"], &[json, ("AUTOUPDATE_HOST", "no.such.host.invalid")], 1, &["no.such.host.invalid"]).await;
}

#[tokio::test]
async fn the_first_line_of_the_log_names_the_version() {
    let demo = Process::start(&["demo"], &[]).await;
    let first: serde_json::Value = serde_json::from_str(&demo.logged[0]).expect("JSON");
    assert_eq!((&first["message"], &first["version"]), (&"starting".into(), &env!("CARGO_PKG_VERSION").into()));
}

/// Checks what the command `health` of the program says about the service on `port`.
async fn check_health(port: u16, more: &[(&str, &str)], status: i32, text: &str) {
    let port = port.to_string();
    let output =
        run(&["health"], &[&[("AUTOUPDATE_PORT", &*port), ("AUTOUPDATE_HOST", "127.0.0.1")], more].concat()).await;
    let shown = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(status), "{shown}");
    assert!(shown.contains(text), "{text:?} in {shown}");
}

#[tokio::test]
async fn the_health_command_reports_by_its_status() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("bound").port();
    check_health(free, &[], 1, &free.to_string()).await;
    let redis = FakeRedis::start().await.expect("a port");
    for tls in ["both", "only", "off"] {
        let meeting = Meeting::start(&redis.address()).await;
        meeting.server.delete("cache_ready").await;
        let mut process = Process::serve(redis.port(), &[("TLS", tls)]).await;
        process.until_logged("no meeting yet").await;
        check_health(process.port, &[("TLS", tls)], 1, "has not filled its cache").await;
        meeting.server.set("cache_ready", b"ok").await;
        process.until_logged("meeting loaded").await;
        check_health(process.port, &[("TLS", tls)], 0, "").await;
    }
}
