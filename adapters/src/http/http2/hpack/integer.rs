//! How is a number written that begins within a byte?
//!
//! RFC 7541, section 5.1: in the low bits of the first byte (the prefix), as far as it fits there; the rest follows in
//! groups of 7 bits, the lowest first, of which every byte but the last has its highest bit set.

use super::HpackError;

/// As many as a number of 32 bits needs. Zeros may fill a number up without end; beyond this it is refused.
const CONTINUATION_BYTES_MAX: u32 = 5;

/// Takes a number from the front of `rest`; it begins in the `prefix_bits` (1 to 8) low bits of the first byte.
pub(super) fn read(rest: &mut &[u8], prefix_bits: u32) -> Result<usize, HpackError> {
    let prefix_max = u8::MAX >> (8 - prefix_bits);
    let prefix = rest.split_off_first().ok_or(HpackError::Truncated)? & prefix_max;
    if prefix < prefix_max {
        return Ok(prefix.into());
    }
    // 5 groups of 7 bits do not overflow 64.
    let mut value = u64::from(prefix_max);
    for position in 0..CONTINUATION_BYTES_MAX {
        let byte = *rest.split_off_first().ok_or(HpackError::Truncated)?;
        value += u64::from(byte & 0x7f) << (7 * position);
        if byte & 0x80 == 0 {
            let value = u32::try_from(value).map_err(|_| HpackError::IntegerTooLarge)?;
            return usize::try_from(value).map_err(|_| HpackError::IntegerTooLarge);
        }
    }
    Err(HpackError::IntegerTooLarge)
}

/// Appends a number that begins in the `prefix_bits` (1 to 8) low bits of a byte, whose other bits are those of
/// `pattern`.
pub(super) fn write(pattern: u8, prefix_bits: u32, value: usize, bytes: &mut Vec<u8>) {
    let prefix_max = u8::MAX >> (8 - prefix_bits);
    let Some(mut rest) = value.checked_sub(prefix_max.into()) else {
        bytes.push(pattern | low_byte(value));
        return;
    };
    bytes.push(pattern | prefix_max);
    while rest >= 0x80 {
        bytes.push(0x80 | low_byte(rest));
        rest >>= 7;
    }
    bytes.push(low_byte(rest));
}

fn low_byte(value: usize) -> u8 {
    value.to_le_bytes()[0]
}
