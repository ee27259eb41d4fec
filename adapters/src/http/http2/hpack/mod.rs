//! How are the fields of a request or a response written in HTTP/2?
//!
//! HPACK (RFC 7541): a header block is a row of fields, each of which is an index into two tables, or literal, or half
//! of each. The static table is the same for everyone; the dynamic table is what the peer told to remember. What the
//! peer sends is decoded with such a table; what the server sends is encoded without one.

mod decoder;
mod dynamic_table;
mod encoder;
mod huffman;
mod integer;
mod static_table;
mod string;
#[cfg(test)]
mod tests;

pub(crate) use decoder::Decoder;
pub(crate) use encoder::encode_field;

/// What tells, at the beginning of a header block, that the table of the sender holds nothing (RFC 7541, section 6.3).
pub(crate) const TABLE_OF_NOTHING: u8 = 0x20;

/// A header block cannot be decoded; the connection ends with COMPRESSION_ERROR.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HpackError {
    #[error("the header block ends within a field")]
    Truncated,
    #[error("an integer of the header block needs more than 32 bits or 5 continuation bytes")]
    IntegerTooLarge,
    #[error("an index of the header block refers to no entry of the tables")]
    UnknownIndex,
    #[error("a Huffman-coded string contains the end-of-string symbol or has a wrong padding")]
    InvalidHuffman,
    #[error("the dynamic table is resized to more than SETTINGS_HEADER_TABLE_SIZE")]
    SizeUpdateTooLarge,
    #[error("the dynamic table is resized after the first field of a header block")]
    LateSizeUpdate,
}
