//! How does the server write a field?
//!
//! Nothing is ever entered into the table of the peer, so that encoding needs neither memory per connection nor order
//! between the streams. What the static table has is referred to. Strings are not Huffman coded: the heads of responses
//! are few and short beside their bodies.

use super::static_table::{self, Match};
use super::{integer, string};

/// RFC 7541, section 6.1: the name and the value are those of an entry.
const INDEXED: u8 = 0b1000_0000;
const INDEXED_PREFIX_BITS: u32 = 7;
/// RFC 7541, section 6.2.2: the value is literal, the name that of an entry, or literal too (the index is 0).
const LITERAL_WITHOUT_INDEXING: u8 = 0b0000_0000;
const LITERAL_WITHOUT_INDEXING_PREFIX_BITS: u32 = 4;

/// Appends a field to a header block. `name` is lower case. The decoder of the peer is not changed by it.
pub(crate) fn encode_field(name: &str, value: &[u8], block: &mut Vec<u8>) {
    match static_table::find(name, value) {
        Match::Field(index) => integer::write(INDEXED, INDEXED_PREFIX_BITS, index, block),
        Match::Name(index) => {
            integer::write(LITERAL_WITHOUT_INDEXING, LITERAL_WITHOUT_INDEXING_PREFIX_BITS, index, block);
            string::write(value, block);
        }
        Match::Nothing => {
            integer::write(LITERAL_WITHOUT_INDEXING, LITERAL_WITHOUT_INDEXING_PREFIX_BITS, 0, block);
            string::write(name.as_bytes(), block);
            string::write(value, block);
        }
    }
}
