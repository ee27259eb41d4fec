//! Does the encoder write what every decoder reads, and enters nowhere?

use super::*;

#[track_caller]
fn check(name: &str, value: &[u8], expected: &[u8]) {
    let mut block = b"before".to_vec();
    encode_field(name, value, &mut block);
    assert!(block.strip_prefix(b"before") == Some(expected), "{name}");
    let mut decoder = Decoder::new(4096);
    assert_eq!(decode(&mut decoder, expected), Ok(vec![(name.into(), value.into())]));
    assert_eq!(decoder.table().contents(), []);
}

#[test]
fn what_the_static_table_has_is_referred_to() {
    check(":status", b"200", &[0x88]);
    check(":status", b"500", &[0x8e]);
    check(":status", b"403", b"\x08\x03403");
    check("accept-encoding", b"gzip, deflate", &[0x90]);
    check("content-type", b"text/plain", b"\x0f\x10\x0atext/plain");
    check("www-authenticate", b"", &[0xbd]);
}

#[test]
fn what_it_has_not_is_literal() {
    check("x-name", b"value", b"\x00\x06x-name\x05value");
    check("x", b"", b"\x00\x01x\x00");
    check("x", b"\x00\xff", b"\x00\x01x\x02\x00\xff");
}

#[test]
fn values_may_be_long() {
    let mut expected = b"\x00\x01x\x7f\x00".to_vec();
    expected.extend([b'v'; 127]);
    check("x", &[b'v'; 127], &expected);
    let mut expected = b"\x00\x01x\x7f\xa1\x8c\x06".to_vec();
    expected.extend([b'v'; 100_000]);
    check("x", &[b'v'; 100_000], &expected);
}
