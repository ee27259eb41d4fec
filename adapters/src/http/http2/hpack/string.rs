//! How are names and values written?
//!
//! RFC 7541, section 5.2: a bit that says whether the string is Huffman coded, its length, its bytes.

use super::{HpackError, huffman, integer};

const HUFFMAN_BIT: u8 = 0x80;
const LENGTH_BITS: u32 = 7;

/// Takes a string from the front of `rest`. It is a part of `rest`, unless it must be decoded, for which the memory is
/// `scratch`.
pub(super) fn read<'block: 'a, 'a>(rest: &mut &'block [u8], scratch: &'a mut Vec<u8>) -> Result<&'a [u8], HpackError> {
    let is_huffman_coded = rest.first().is_some_and(|first| first & HUFFMAN_BIT != 0);
    let length = integer::read(rest, LENGTH_BITS)?;
    let bytes = rest.split_off(..length).ok_or(HpackError::Truncated)?;
    if !is_huffman_coded {
        return Ok(bytes);
    }
    scratch.clear();
    huffman::decode(bytes, scratch)?;
    Ok(scratch)
}

/// Appends a string as it is, not Huffman coded.
pub(super) fn write(string: &[u8], bytes: &mut Vec<u8>) {
    integer::write(0, LENGTH_BITS, string.len(), bytes);
    bytes.extend_from_slice(string);
}
