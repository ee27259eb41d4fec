//! Which signals does the program heed, and which does it ignore? (docs/OPERATIONS.md)

use std::path::Path;

use adapters::testing::fake_redis::FakeRedis;

use crate::harness::{Meeting, Process};

/// What is logged at SIGHUP, while a stream is open; neither this nor other signals that mean nothing end anything.
async fn check_hang_up(variables: &[(&str, &str)], expected: &[&str]) {
    let redis = FakeRedis::start().await.expect("a port");
    let mut meeting = Meeting::start(&redis.address()).await;
    let mut process = Process::serve(redis.port(), variables).await;
    process.browser().until_healthy().await;
    let mut watcher = process.browser().watch().await;
    for signal in ["USR1", "USR2", "HUP"] {
        process.signal(signal).await;
    }
    for line in expected {
        process.until_logged(line).await;
    }
    let change_id = meeting.mark().await;
    watcher.until(change_id).await;
    process.signal("TERM").await;
    watcher.until_end().await;
    assert_eq!(process.status().await, Some(0));
}

/// (spec: http.md#other-signals)
#[tokio::test]
async fn a_hang_up_reads_the_certificate_again_and_other_signals_do_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    write_certificate(directory.path());
    let certificates = [("CERT_DIR", directory.path().to_str().expect("UTF-8"))];
    check_hang_up(&certificates, &["SIGHUP: reading", "the certificate is unchanged"]).await;
    check_hang_up(&[], &["nothing to read again"]).await;
    check_hang_up(&[("TLS", "off")], &["nothing to read again"]).await;
}

/// By itself the log tells it once; whoever asks again is answered again.
#[tokio::test]
async fn a_broken_certificate_is_told_at_each_hang_up() {
    let redis = FakeRedis::start().await.expect("a port");
    Meeting::start(&redis.address()).await;
    let directory = tempfile::tempdir().expect("a directory");
    write_certificate(directory.path());
    let certificates = [("CERT_DIR", directory.path().to_str().expect("UTF-8"))];
    let mut process = Process::serve(redis.port(), &certificates).await;
    std::fs::write(directory.path().join("cert.pem"), "no certificate").expect("a file");
    for _ in 0..3 {
        process.signal("HUP").await;
        process.until_logged("SIGHUP: reading").await;
        process.until_logged("the old one stays in use").await;
    }
}

fn write_certificate(directory: &Path) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    std::fs::write(directory.join("key.pem"), made.signing_key.serialize_pem()).expect("a file");
    std::fs::write(directory.join("cert.pem"), made.cert.pem()).expect("a file");
}
