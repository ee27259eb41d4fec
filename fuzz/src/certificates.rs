//! Are arbitrary files only taken for a certificate and its key if nothing of them is skipped?

use adapters::redis::RedisAuthority;
use adapters::testing::readers;

/// Stands between the certificate's file and that of its key.
const SEPARATOR: &[u8] = b"=== key ===\n";

/// Lines of a key that are shorter are no secret.
const SECRET_BYTES: usize = 16;

/// Takes the bytes for the files of a certificate and its key, for those of a client, and for those of an authority.
///
/// # Panics
/// A certificate in an accepted file is skipped, or an error shows something of a key.
pub fn certificates(bytes: &[u8]) {
    let place = bytes.windows(SEPARATOR.len()).position(|window| window == SEPARATOR);
    let (certificate, key) = match place {
        Some(place) => (&bytes[..place], &bytes[place + SEPARATOR.len()..]),
        None => (bytes, bytes),
    };
    for read in [readers::certificate(certificate, key), readers::client_certificate(certificate, key)] {
        match read {
            Ok(served) => assert_eq!(served, begun(certificate), "certificates"),
            Err(error) => check_error(key, &error),
        }
    }
    if let Err(error) = RedisAuthority::from_pem(certificate) {
        check_error(certificate, &error.to_string());
    }
}

/// How many certificates begin in a file.
fn begun(file: &[u8]) -> usize {
    let text = String::from_utf8_lossy(file);
    let is_begin = |line: &&str| line.starts_with("-----BEGIN ") && line.trim_end().ends_with("CERTIFICATE-----");
    text.lines().map(|line| line.trim_start_matches('\u{feff}')).filter(is_begin).count()
}

fn check_error(key: &[u8], error: &str) {
    let text = String::from_utf8_lossy(key);
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
    for line in text.lines().map(str::trim).filter(|line| line.len() >= SECRET_BYTES && line.bytes().all(is_base64)) {
        assert!(!error.contains(line), "the error {error:?} shows {line:?}");
    }
}
