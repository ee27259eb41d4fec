//! Are integers, Huffman-coded strings and the static table read as RFC 7541 says?

use super::static_table::{FIELDS, Match};
use super::*;

#[track_caller]
fn check_integer(prefix_bits: u32, encoded: &[u8], expected: Result<usize, HpackError>) {
    let mut rest = encoded;
    assert_eq!(integer::read(&mut rest, prefix_bits), expected, "{encoded:x?}");
    if let Ok(value) = expected {
        assert!(rest.is_empty(), "{encoded:x?}");
        let mut written = Vec::new();
        integer::write(0, prefix_bits, value, &mut written);
        let mut rest = &written[..];
        assert_eq!((integer::read(&mut rest, prefix_bits), rest), (expected, &[][..]));
        assert!(written.len() <= encoded.len());
    }
}

#[test]
fn integers() {
    // Appendix C.1.
    check_integer(5, &[0b01010], Ok(10));
    check_integer(5, &[0b11111, 0b10011010, 0b00001010], Ok(1337));
    check_integer(8, &[0b00101010], Ok(42));

    check_integer(1, &[0], Ok(0));
    check_integer(1, &[1, 0], Ok(1));
    check_integer(8, &[254], Ok(254));
    check_integer(8, &[255, 0], Ok(255));
    check_integer(8, &[255, 0x80, 0x01], Ok(255 + 128));
    // The bits before the prefix do not belong to it.
    let mut rest = &[0b1110_0001_u8][..];
    assert_eq!(integer::read(&mut rest, 4), Ok(1));
}

#[test]
fn integers_have_a_limit() {
    check_integer(7, &[127, 0x80, 0xff, 0xff, 0xff, 0x0f], Ok(u32::MAX as usize));
    check_integer(7, &[127, 0x81, 0xff, 0xff, 0xff, 0x0f], Err(HpackError::IntegerTooLarge));
    check_integer(7, &[127, 0xff, 0xff, 0xff, 0xff, 0x7f], Err(HpackError::IntegerTooLarge));
    // Zeros that change nothing.
    check_integer(7, &[127, 0x80, 0x80, 0x80, 0x80, 0x00], Ok(127));
    check_integer(7, &[127, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00], Err(HpackError::IntegerTooLarge));
    check_integer(8, &[0xff; 100], Err(HpackError::IntegerTooLarge));
}

#[test]
fn integers_may_be_cut_off() {
    check_integer(7, &[], Err(HpackError::Truncated));
    check_integer(7, &[127], Err(HpackError::Truncated));
    check_integer(7, &[127, 0x80, 0x80, 0x80, 0x80], Err(HpackError::Truncated));
}

#[track_caller]
fn check_huffman(encoded: &[u8], expected: Result<&[u8], HpackError>) {
    let mut decoded = Vec::new();
    let result = huffman::decode(encoded, &mut decoded).map(|()| &decoded[..]);
    assert_eq!(result, expected, "{encoded:x?}");
}

#[test]
fn every_symbol_has_the_code_of_the_appendix() {
    let codes = peer::huffman_codes();
    for (symbol, code, code_bits) in [
        (b'0', 0x0, 5),
        (b't', 0x9, 5),
        (b' ', 0x14, 6),
        (b'u', 0x2d, 6),
        (b':', 0x5c, 7),
        (b'z', 0x7b, 7),
        (b'&', 0xf8, 8),
        (b'!', 0x3f8, 10),
        (b'|', 0x7fc, 11),
        (b'#', 0xffa, 12),
        (0, 0x1ff8, 13),
        (b'}', 0x3ffd, 14),
        (b'{', 0x7ffe, 15),
        (b'\\', 0x7fff0, 19),
        (128, 0xfffe6, 20),
        (230, 0x1fffe8, 21),
        (129, 0x3fffd2, 22),
        (1, 0x7fffd8, 23),
        (9, 0xffffea, 24),
        (235, 0x1ffffef, 25),
        (255, 0x3ffffee, 26),
        (254, 0x7fffff0, 27),
        (249, 0xffffffe, 28),
        (22, 0x3ffffffe, 30),
    ] {
        assert_eq!(codes[usize::from(symbol)], Some((code, code_bits)), "{symbol}");
    }
    for symbol in 0..=u8::MAX {
        // Alone, and with others before it so that it begins within a byte.
        for count in 0..8 {
            let string: Vec<u8> = std::iter::repeat_n(b'a', count).chain([symbol, symbol, b'0']).collect();
            check_huffman(&peer::huffman(&string), Ok(&string));
        }
    }
}

#[test]
fn the_padding_is_less_than_a_byte_of_ones() {
    check_huffman(&[], Ok(b""));
    // 'a' is 00011, '&' is 1111_1000.
    check_huffman(&[0b0001_1111], Ok(b"a"));
    check_huffman(&[0b1111_1000], Ok(b"&"));
    check_huffman(&[0b0001_1110], Err(HpackError::InvalidHuffman));
    check_huffman(&[0b0001_1011], Err(HpackError::InvalidHuffman));
    check_huffman(&[0b0001_1000], Err(HpackError::InvalidHuffman));
    check_huffman(&[0b1111_1000, 0xff], Err(HpackError::InvalidHuffman));
    check_huffman(&[0b0001_1111, 0xff], Err(HpackError::InvalidHuffman));
    check_huffman(&[0xff], Err(HpackError::InvalidHuffman));
    check_huffman(&[0xff, 0xff, 0xff], Err(HpackError::InvalidHuffman));
    // The longest padding: 25 bits are symbols.
    check_huffman(&[0b0001_1000, 0b1100_0110, 0b0011_0001, 0b1111_1111], Ok(b"aaaaa"));
    check_huffman(&[0b0001_1000, 0b1100_0110, 0b0011_0001, 0b1111_1111, 0xff], Err(HpackError::InvalidHuffman));
    check_huffman(&[0b0001_1000, 0b1100_0110, 0b0011_0001, 0b1111_1110], Err(HpackError::InvalidHuffman));
}

#[test]
fn the_end_of_string_symbol_is_not_sent() {
    // 30 ones, at the beginning, before something, and after something.
    check_huffman(&[0xff, 0xff, 0xff, 0xff], Err(HpackError::InvalidHuffman));
    check_huffman(&[0xff, 0xff, 0xff, 0xfc, 0b0111_1111], Err(HpackError::InvalidHuffman));
    check_huffman(&[0b0001_1111, 0xff, 0xff, 0xff, 0xff], Err(HpackError::InvalidHuffman));
}

#[test]
fn the_static_table_begins_with_1() {
    assert_eq!(static_table::get(0), None);
    assert_eq!(static_table::get(1), Some(&(":authority", "")));
    assert_eq!(static_table::get(16), Some(&("accept-encoding", "gzip, deflate")));
    assert_eq!(static_table::get(61), Some(&("www-authenticate", "")));
    assert_eq!(static_table::get(62), None);
}

#[test]
fn fields_are_found_in_the_static_table() {
    for (index, (name, value)) in (1..).zip(&FIELDS) {
        assert_eq!(static_table::find(name, value.as_bytes()), Match::Field(index));
        let Match::Name(first) = static_table::find(name, b"another") else { panic!("{name} is known") };
        assert_eq!(FIELDS[first - 1].0, *name);
        assert!(first <= index);
    }
    assert_eq!(static_table::find(":status", b"418"), Match::Name(8));
    assert_eq!(static_table::find("x-unknown", b""), Match::Nothing);
}
