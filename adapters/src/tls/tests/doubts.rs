//! Is it reported when a certificate expires, or is for another host?

use rcgen::date_time_ymd;

use super::*;
use crate::tls::doubts::{Doubt, lasting, named_host, timely};

const DAY: u64 = 24 * 60 * 60;
/// 2026-11-26 and 2027-01-01, at midnight.
const START: u64 = 1_795_651_200;
const END: u64 = 1_798_761_600;

fn lasting_until_new_year() -> CertificateParams {
    let mut params = host_params();
    (params.not_before, params.not_after) = (date_time_ymd(2026, 11, 26), date_time_ymd(2027, 1, 1));
    params
}

#[track_caller]
fn check_time(unix_seconds: u64, expected: Option<&str>) {
    let root = Authority::root("Root");
    let leaf = root.sign(&lasting_until_new_year(), &key());
    // One that never expires must not hide that the other does.
    for chain in [
        vec![leaf.der().clone(), root.certificate.der().clone()],
        vec![root.certificate.der().clone(), leaf.der().clone()],
    ] {
        let doubts: Vec<String> = timely(&chain, unix_seconds).iter().map(ToString::to_string).collect();
        assert_eq!(doubts.len(), usize::from(expected.is_some()), "{unix_seconds}: {doubts:?}");
        for (doubt, expected) in doubts.iter().zip(expected) {
            assert!(doubt.contains(expected) && doubt.contains("CN=meeting.example"), "{unix_seconds}: {doubt}");
        }
    }
}

#[test]
fn the_end_is_announced_from_two_weeks_before() {
    check_time(START - 1, Some("valid only from 2026-11-26 00:00:00 UTC, in 0 days"));
    check_time(START - 3 * DAY, Some("in 3 days"));
    check_time(START, None);
    check_time(END - 14 * DAY - 1, None);
    check_time(END - 14 * DAY, Some("ends in 14 days, on 2027-01-01 00:00:00 UTC"));
    check_time(END - DAY, Some("ends in 1 days"));
    check_time(END, Some("ends in 0 days"));
    check_time(END + 1, Some("ended 0 days ago, on 2027-01-01 00:00:00 UTC"));
    check_time(END + 400 * DAY, Some("ended 400 days ago"));
    // A clock that is completely wrong.
    let mut long_ago = host_params();
    (long_ago.not_before, long_ago.not_after) = (date_time_ymd(1950, 1, 1), date_time_ymd(1960, 1, 1));
    let long_ago = long_ago.self_signed(&key()).expect("a certificate");
    for unix_seconds in [0, u64::MAX] {
        assert_eq!(timely(&[long_ago.der().clone()], unix_seconds).len(), 1, "{unix_seconds}");
    }
}

/// Whether something is reported at each check.
#[test]
fn it_is_said_once_a_day_and_after_each_renewal() {
    let directory = tempfile::tempdir().expect("a directory");
    let renew = |params: &CertificateParams| {
        let key = key();
        let certificate = params.self_signed(&key).expect("a certificate");
        write(
            directory.path(),
            &[("cert.pem", certificate.pem().as_bytes()), ("key.pem", key.serialize_pem().as_bytes())],
        );
    };
    renew(&lasting_until_new_year());
    let (_server, watch) = TlsServer::new(Some(directory.path().to_owned())).expect("a certificate");
    let mut watch = watch.expect("files to watch");
    let mut said = |unix_seconds: u64| !watch.not_yet_logged(unix_seconds).is_empty();
    assert!(!said(END - 15 * DAY));
    let mut times = 0;
    for seconds in (END - 14 * DAY..END + 3 * DAY).step_by(600) {
        times += usize::from(said(seconds));
    }
    // The days of 14, 13, …, 0 days left, and 0, 1, 2 days past.
    assert_eq!(times, 15 + 3);
    assert!(!said(END + 3 * DAY - 1));

    renew(&lasting_until_new_year());
    watch.check();
    assert!(!watch.not_yet_logged(END + 3 * DAY - 1).is_empty(), "another expired certificate");
    renew(&host_params());
    watch.check();
    assert!(watch.not_yet_logged(END + 3 * DAY).is_empty(), "a valid certificate");
}

#[track_caller]
fn check_host(host: &str, names: &[&str], expected: bool) {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let certificate = rcgen::generate_simple_self_signed(names.clone()).expect("a certificate");
    let doubts = lasting(&[certificate.cert.der().clone()], named_host(host));
    let expected = expected.then(|| Doubt::NamesOtherHosts { host: host.to_owned() });
    assert_eq!(doubts, Vec::from_iter(expected), "{host:?}, {names:?}");
}

#[test]
fn a_host_that_the_certificate_does_not_name_is_reported() {
    check_host(HOST, &[HOST], false);
    check_host("MEETING.example", &["other.example", HOST], false);
    check_host("sub.meeting.example", &["*.meeting.example"], false);
    check_host(HOST, &["other.example"], true);
    check_host("a.sub.meeting.example", &["*.meeting.example"], true);
    check_host(HOST, &["192.0.2.1"], true);
    // None of these says which name clients use.
    for host in ["", "localhost", "0.0.0.0", "192.0.2.1", "::", "[::]", "[::1]", "unix:/run/autoupdate.sock"] {
        check_host(host, &["other.example"], false);
    }
}

#[test]
fn what_is_served_is_described() {
    let mut params = lasting_until_new_year();
    params.subject_alt_names.push(SanType::IpAddress([192, 0, 2, 1].into()));
    params.subject_alt_names.push(SanType::IpAddress("2001:db8::1".parse().expect("an address")));
    params.subject_alt_names.push(SanType::Rfc822Name("no-host@meeting.example".try_into().expect("a name")));
    let leaf = Authority::root("Root").sign(&params, &key());
    let described = crate::tls::description::describe(leaf.der()).expect("a certificate");
    assert_eq!((&*described.subject, &*described.issuer), ("CN=meeting.example", "CN=Root"));
    assert_eq!(described.names, "meeting.example, 192.0.2.1, 2001:db8::1");
    assert_eq!((&*described.not_before, &*described.not_after), ("2026-11-26 00:00:00 UTC", "2027-01-01 00:00:00 UTC"));
    // 32 bytes in hexadecimal digits.
    assert_eq!(described.fingerprint.split(':').filter(|byte| byte.len() == 2).count(), 32);
    assert_eq!(crate::tls::description::describe(b"0"), None);
}
