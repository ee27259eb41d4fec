//! Which string is Huffman coded here?
//!
//! RFC 7541, section 5.2 and Appendix B. The code is canonical: ordered by length, then by symbol, each code is the one
//! before plus 1, filled up with zeros to its length. So the symbols by length say everything. And whatever the bits
//! ahead are, their code is of the first length whose last code they do not exceed, and says by how much it exceeds the
//! first.

use super::HpackError;

/// The shortest code, which says how long a string can become.
const CODE_BITS_MIN: usize = 5;
/// The padding fills a byte.
const PADDING_BITS_MAX: u32 = 7;

/// The codes of one length. They stand at the high end of 32 bits, as the bits ahead do while decoding.
#[derive(Clone, Copy)]
struct Codes {
    bits: u32,
    first: u32,
    /// With all bits behind the last code set.
    last: u32,
    symbols: &'static [u8],
}

/// Appends what is encoded.
pub(super) fn decode(encoded: &[u8], decoded: &mut Vec<u8>) -> Result<(), HpackError> {
    decoded.reserve(encoded.len() * 8 / CODE_BITS_MIN);
    let mut bytes = encoded.iter();
    // The bits ahead, at the high end, and how many they are.
    let (mut bits, mut bit_count) = (0_u64, 0);
    loop {
        while bit_count < u32::BITS
            && let Some(byte) = bytes.next()
        {
            bits |= u64::from(*byte) << (u64::BITS - 8 - bit_count);
            bit_count += 8;
        }
        // Behind the end come ones, as in the padding.
        let ahead = high_half(bits | (u64::MAX >> bit_count));
        if bit_count <= PADDING_BITS_MAX && ahead == u32::MAX {
            return Ok(());
        }
        let codes = CODES.iter().find(|codes| ahead <= codes.last).ok_or(HpackError::InvalidHuffman)?;
        let position = (ahead - codes.first) >> (u32::BITS - codes.bits);
        // The last code of all is the end-of-string symbol, which is not among the symbols.
        let symbol = codes.symbols.get(position as usize).ok_or(HpackError::InvalidHuffman)?;
        bit_count = bit_count.checked_sub(codes.bits).ok_or(HpackError::InvalidHuffman)?;
        bits <<= codes.bits;
        decoded.push(*symbol);
    }
}

fn high_half(bits: u64) -> u32 {
    (bits >> u32::BITS) as u32
}

static CODES: [Codes; SYMBOLS_BY_CODE_BITS.len()] = codes();

const fn codes() -> [Codes; SYMBOLS_BY_CODE_BITS.len()] {
    let mut codes = [Codes { bits: 0, first: 0, last: 0, symbols: &[] }; SYMBOLS_BY_CODE_BITS.len()];
    let mut first = 0;
    let mut row = 0;
    while row < codes.len() {
        let (bits, symbols) = SYMBOLS_BY_CODE_BITS[row];
        // The longest codes end with the end-of-string symbol, and thereby with all bits set.
        let is_longest = row + 1 == codes.len();
        let next = first + ((symbols.len() as u32) << (u32::BITS - bits));
        let last = if is_longest { u32::MAX } else { next - 1 };
        codes[row] = Codes { bits, first, last, symbols };
        first = next;
        row += 1;
    }
    codes
}

/// The symbols whose codes have so many bits, in the order of their codes. The end-of-string symbol would be the last.
#[rustfmt::skip]
pub(super) const SYMBOLS_BY_CODE_BITS: [(u32, &[u8]); 21] = [
    (5, b"012aceiost"),
    (6, b" %-./3456789=A_bdfghlmnpru"),
    (7, b":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz"),
    (8, b"&*,;XZ"),
    (10, b"!\"()?"),
    (11, b"'+|"),
    (12, b"#>"),
    (13, b"\x00$@[]~"),
    (14, b"^}"),
    (15, b"<`{"),
    (19, b"\\\xc3\xd0"),
    (20, &[0x80, 0x82, 0x83, 0xa2, 0xb8, 0xc2, 0xe0, 0xe2]),
    (21, &[0x99, 0xa1, 0xa7, 0xac, 0xb0, 0xb1, 0xb3, 0xd1, 0xd8, 0xd9, 0xe3, 0xe5, 0xe6]),
    (22, &[
        0x81, 0x84, 0x85, 0x86, 0x88, 0x92, 0x9a, 0x9c, 0xa0, 0xa3, 0xa4, 0xa9, 0xaa, 0xad, 0xb2, 0xb5,
        0xb9, 0xba, 0xbb, 0xbd, 0xbe, 0xc4, 0xc6, 0xe4, 0xe8, 0xe9,
    ]),
    (23, &[
        0x01, 0x87, 0x89, 0x8a, 0x8b, 0x8c, 0x8d, 0x8f, 0x93, 0x95, 0x96, 0x97, 0x98, 0x9b, 0x9d, 0x9e,
        0xa5, 0xa6, 0xa8, 0xae, 0xaf, 0xb4, 0xb6, 0xb7, 0xbc, 0xbf, 0xc5, 0xe7, 0xef,
    ]),
    (24, &[0x09, 0x8e, 0x90, 0x91, 0x94, 0x9f, 0xab, 0xce, 0xd7, 0xe1, 0xec, 0xed]),
    (25, &[0xc7, 0xcf, 0xea, 0xeb]),
    (26, &[0xc0, 0xc1, 0xc8, 0xc9, 0xca, 0xcd, 0xd2, 0xd5, 0xda, 0xdb, 0xee, 0xf0, 0xf2, 0xf3, 0xff]),
    (27, &[
        0xcb, 0xcc, 0xd3, 0xd4, 0xd6, 0xdd, 0xde, 0xdf, 0xf1, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xfa, 0xfb,
        0xfc, 0xfd, 0xfe,
    ]),
    (28, &[
        0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x0b, 0x0c, 0x0e, 0x0f, 0x10, 0x11, 0x12, 0x13, 0x14,
        0x15, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f, 0x7f, 0xdc, 0xf9,
    ]),
    (30, &[0x0a, 0x0d, 0x16]),
];
