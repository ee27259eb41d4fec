//! Does the command `check` report what is right, what is wrong, and what to do? (spec: http.md#check)

use std::net::TcpListener;
use std::path::Path;

use adapters::redis::needed_commands;
use adapters::testing::openslides::OpenSlides;
use adapters::testing::redis_server::RedisServer;

use crate::harness::{Meeting, Process, run, run_within, secret_file};

/// An installation where everything is right.
struct Installation {
    redis: RedisServer,
    meeting: Meeting,
    secret: String,
}

impl Installation {
    async fn new() -> Self {
        let redis = RedisServer::start().await.expect("a Redis");
        let meeting = Meeting::start(&redis.address()).await;
        Self { redis, meeting, secret: secret_file() }
    }

    /// Runs the check with these variables instead of the right ones. Returns the exit status and everything printed.
    async fn check_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String) {
        let url = format!("redis://127.0.0.1:{}", self.redis.port());
        let right = [
            ("AUTOUPDATE_HOST", "127.0.0.1"),
            ("AUTOUPDATE_PORT", "0"),
            ("REDIS_URL", &*url),
            ("SECRET_FILE", &*self.secret),
            ("CONNECTIONS_MAX", "100"),
        ];
        let output = run(&[&["check"], arguments].concat(), &[&right, variables].concat()).await;
        (output.status.code(), String::from_utf8(output.stdout).expect("UTF-8"))
    }

    /// How many writes Redis has counted.
    async fn writes(&self) -> String {
        let info: String = self.redis.run(&["INFO", "persistence"]).await;
        let line = info.lines().find(|line| line.starts_with("rdb_changes_since_last_save:"));
        line.expect("Redis counts writes").to_owned()
    }

    /// Checks that something is reported as wrong, in one line that contains all of `expected`.
    async fn finds(&self, arguments: &[&str], variables: &[(&str, &str)], expected: &[&str]) {
        let (status, text) = self.check_with(arguments, variables).await;
        let is_reported = |line: &str| line.starts_with("WRONG") && expected.iter().all(|part| line.contains(part));
        assert!(status == Some(1) && text.lines().any(is_reported), "{expected:?} in\n{text}");
    }
}

/// The service may have another limit than the shell in which the check runs.
#[tokio::test]
async fn too_few_open_files_for_this_shell_are_no_fault_of_the_service() {
    let output =
        run_within(256, &["check"], &[("CONNECTIONS_MAX", "1000"), ("REDIS_URL", "redis://127.0.0.1:1")]).await;
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let line = text.lines().find(|line| line.contains("open files: ")).expect("a line about open files");
    assert!(line.starts_with("note ") && line.contains("CONNECTIONS_MAX is 1000"), "{line}");
}

#[tokio::test]
#[cfg_attr(not(has_redis_server), ignore = "redis-server is not on the PATH")]
async fn what_is_right_is_reported_line_by_line_and_nothing_is_written() {
    let installation = Installation::new().await;
    installation.meeting.log_in(3).await;
    let before = installation.writes().await;
    let (status, text) = installation.check_with(&[], &[]).await;
    assert_eq!(status, Some(0), "{text}");
    let needed = format!("allows all {} commands", needed_commands().count());
    let elements = format!("meeting: {} elements", installation.meeting.elements.len());
    for part in [&*needed, &*elements, "1 of 1", "secret: ", "port 0: free", "all is well"] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    assert_eq!(installation.writes().await, before, "nothing is written");

    let (status, text) = installation.check_with(&["--session", "session-of-3"], &[]).await;
    assert!(status == Some(0) && text.contains("this one is of user 3"), "{text}");
}

#[tokio::test]
#[cfg_attr(not(has_redis_server), ignore = "redis-server is not on the PATH")]
async fn what_is_wrong_is_reported_with_its_remedy() {
    let installation = Installation::new().await;
    installation.meeting.log_in(3).await;
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name).to_str().expect("UTF-8").to_owned();

    installation.finds(&[], &[("REDIS_URL", "redis://127.0.0.1:1")], &["127.0.0.1:1", "start it, or correct"]).await;
    installation
        .finds(&[], &[("REDIS_URL", ""), ("REDIS_URL_FILE", &path("none"))], &["REDIS_URL_FILE", &path("none")])
        .await;
    installation.finds(&[], &[("SECRET_FILE", &path("none"))], &["DJANGO_SECRET_KEY='MY_SECRET'"]).await;
    std::fs::write(path("other"), "DJANGO_SECRET_KEY='another'\n").expect("a file");
    installation
        .finds(&[], &[("SECRET_FILE", &path("other"))], &["signed with another secret", "compare the two"])
        .await;
    installation.finds(&["--session", "none"], &[], &["no such session", "log in again"]).await;
    installation.finds(&[], &[("FAKE_AUTH", "1")], &["FAKE_AUTH", "unset it"]).await;
    installation.finds(&[], &[("CERT_DIR", &path(""))], &["CERT_DIR", "cert.pem"]).await;

    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("bound").port().to_string();
    installation
        .finds(&[], &[("AUTOUPDATE_PORT", &port)], &[&port, "stop what listens there", "AUTOUPDATE_PORT"])
        .await;

    // Somebody has it, perhaps the service that runs.
    let metrics = format!("127.0.0.1:{port}");
    let (status, text) = installation.check_with(&[], &[("METRICS_ADDRESS", &metrics)]).await;
    assert!(status == Some(0) && text.contains("fine if this service runs already"), "{text}");
    // Free now, but not for two.
    drop(taken);
    let both = [("AUTOUPDATE_PORT", &*port), ("METRICS_ADDRESS", &*metrics)];
    installation.finds(&[], &both, &["metrics port", "the port of the service itself"]).await;

    let openslides = OpenSlides::new(&installation.redis.address());
    openslides.begin_rebuild().await;
    installation.finds(&[], &[], &["meeting: ", "has not filled its cache yet: start it"]).await;
}

#[tokio::test]
#[cfg_attr(not(has_redis_server), ignore = "redis-server is not on the PATH")]
async fn each_refused_command_is_named_and_a_replica_cannot_be_written_to() {
    let installation = Installation::new().await;
    installation.meeting.log_in(3).await;
    let rights = "ACL SETUSER least reset on >geheim ~cache_ready ~full_data ~change_id ~autoupdate ~notify ~applause ~session:*";
    let commands = needed_commands().filter(|name| !["xadd", "exists"].contains(name)).map(|name| format!("+{name}"));
    let words: Vec<String> = rights.split(' ').map(str::to_owned).chain(commands).collect();
    installation.redis.run::<String>(&words.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let url = format!("redis://least:geheim@127.0.0.1:{}", installation.redis.port());
    installation.finds(&[], &[("REDIS_URL", &url)], &["XADD notify is refused: NOPERM", "ACL SETUSER"]).await;
    installation.finds(&[], &[("REDIS_URL", &url)], &["EXISTS session:", "NOPERM"]).await;
    // This user may not list the sessions, which only the check does.
    let (_, text) = installation.check_with(&[], &[("REDIS_URL", &url)]).await;
    assert!(text.contains("note   sessions: none was read") && text.contains("\n2 wrong"), "{text}");

    let replica = RedisServer::start_replica(&installation.redis).await.expect("a Redis");
    replica.until_in_sync(&installation.redis).await;
    let replica = format!("redis://127.0.0.1:{}", replica.port());
    installation.finds(&[], &[("REDIS_WRITE_URL", &replica)], &["Redis for writing", "READONLY", "primary"]).await;
}

#[tokio::test]
#[cfg_attr(not(has_redis_server), ignore = "redis-server is not on the PATH")]
async fn a_port_used_by_the_running_service_is_right() {
    let installation = Installation::new().await;
    let process = Process::serve(installation.redis.port(), &[]).await;
    process.browser().until_healthy().await;
    let (status, text) = installation.check_with(&[], &[("AUTOUPDATE_PORT", &process.port.to_string())]).await;
    assert!(status == Some(0) && text.contains("the service listens there, and is healthy"), "{text}");
}

fn write_certificate(directory: &Path, not_after: i32) {
    let key = rcgen::KeyPair::generate().expect("a key");
    let mut parameters = rcgen::CertificateParams::new(["meeting.example".to_owned()]).expect("a name");
    parameters.not_after = rcgen::date_time_ymd(not_after, 1, 1);
    let certificate = parameters.self_signed(&key).expect("a certificate");
    std::fs::write(directory.join("key.pem"), key.serialize_pem()).expect("a file");
    std::fs::write(directory.join("cert.pem"), certificate.pem()).expect("a file");
}

#[tokio::test]
#[cfg_attr(not(has_redis_server), ignore = "redis-server is not on the PATH")]
async fn the_certificate_is_reported_with_its_names_and_end() {
    let installation = Installation::new().await;
    let directory = tempfile::tempdir().expect("a directory");
    let variables = [("CERT_DIR", directory.path().to_str().expect("UTF-8"))];
    write_certificate(directory.path(), 2999);
    let (status, text) = installation.check_with(&[], &variables).await;
    assert!(status == Some(0) && text.contains("certificate: for meeting.example, valid until 2999-01-01"), "{text}");
    write_certificate(directory.path(), 2001);
    installation.finds(&[], &variables, &["certificate: ", "ended", "2001-01-01", "renew it"]).await;
}
