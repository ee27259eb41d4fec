//! Which signals does the program handle, and which does it ignore? (docs/OPERATIONS.md)

use std::path::Path;

use adapters::testing::fake_redis::FakeRedis;

use crate::harness::{Meeting, Process};

/// Checks what is logged on SIGHUP, and that neither this nor signals without a meaning end an open stream.
async fn check_sighup(variables: &[(&str, &str)], expected: &[&str]) {
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
async fn sighup_reloads_the_certificate_and_other_signals_do_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    write_certificate(directory.path());
    let certificates = [("CERT_DIR", directory.path().to_str().expect("UTF-8"))];
    check_sighup(&certificates, &["SIGHUP: reading", "the certificate is unchanged"]).await;
    check_sighup(&[], &["nothing to read again"]).await;
    check_sighup(&[("TLS", "off")], &["nothing to read again"]).await;
}

/// Without a signal it is logged only once; each SIGHUP logs it again.
#[tokio::test]
async fn a_broken_certificate_is_logged_at_each_sighup() {
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
