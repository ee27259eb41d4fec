//! Which fields does a header block of the peer tell?
//!
//! A connection has one decoder for its whole life, since each block may change the dynamic table that the next ones
//! refer to. Therefore every block must be decoded, also that of a request that is refused.

use super::dynamic_table::{DynamicTable, Name};
use super::static_table::{self, FIELDS};
use super::{HpackError, integer, string};

/// Decodes the header blocks of one connection, in their order. Without entries in its table it owns no memory.
pub(crate) struct Decoder {
    table: DynamicTable,
    /// The largest size to which the peer may set the table.
    table_bytes_max: usize,
}

/// What the first bits of a field say, RFC 7541, section 6.
#[derive(Clone, Copy)]
enum Representation {
    /// The index of a field follows.
    Indexed,
    /// The index of a name follows, or 0 and a name; then a value. Such a field is entered into the dynamic table.
    LiteralWithIndexing,
    /// Not a field but the size that the dynamic table shall have.
    SizeUpdate,
    /// As the other literal, but not entered. Whether it may be entered further on ("never indexed") concerns only who
    /// passes it on.
    Literal,
}

impl Decoder {
    /// `table_bytes_max`: what SETTINGS_HEADER_TABLE_SIZE says, 4096 by the protocol until the peer acknowledged
    /// another.
    pub(crate) fn new(table_bytes_max: usize) -> Self {
        Self { table: DynamicTable::new(table_bytes_max), table_bytes_max }
    }

    /// The peer has acknowledged this size.
    ///
    /// Entries beyond are evicted at once. The peer must tell a smaller size in its next block too (RFC 7541, section
    /// 4.2); one that forgets it fails only if it refers to what is gone. A larger size is not used before the peer
    /// says so.
    pub(crate) fn set_table_bytes_max(&mut self, bytes: usize) {
        self.table_bytes_max = bytes;
        if self.table.bytes_max() > bytes {
            self.table.set_bytes_max(bytes);
        }
    }

    /// Decodes one complete header block, telling each field in order (name, value).
    ///
    /// Fields are told as they were sent: whether HTTP allows such a name or value is not checked. Two bytes may tell
    /// one of 4 kB that the table has, so who keeps fields MUST limit how much. After an error the decoder MUST NOT be
    /// used again: its table may differ from that of the peer.
    pub(crate) fn decode(&mut self, block: &[u8], mut field: impl FnMut(&[u8], &[u8])) -> Result<(), HpackError> {
        let mut rest = block;
        // What Huffman-coded strings are decoded into; without any, no memory is taken.
        let (mut name_scratch, mut value_scratch) = (Vec::new(), Vec::new());
        let mut is_first_field = true;
        while let Some(first_byte) = rest.first() {
            let representation = Representation::of(*first_byte);
            let number = integer::read(&mut rest, representation.prefix_bits())?;
            match representation {
                Representation::Indexed => {
                    let (name, value) = self.field(number)?;
                    field(name, value);
                }
                Representation::LiteralWithIndexing | Representation::Literal => {
                    let (known_name, sent_name) = match number {
                        0 => (None, string::read(&mut rest, &mut name_scratch)?),
                        index => (Some(self.name(index)?), &[][..]),
                    };
                    let value = string::read(&mut rest, &mut value_scratch)?;
                    field(known_name.as_ref().map_or(sent_name, Name::as_bytes), value);
                    if matches!(representation, Representation::LiteralWithIndexing) {
                        let name = known_name.unwrap_or_else(|| Name::Sent(sent_name.into()));
                        self.table.insert(name, value);
                    }
                }
                Representation::SizeUpdate => {
                    self.update_size(number, is_first_field)?;
                    continue;
                }
            }
            is_first_field = false;
        }
        Ok(())
    }

    fn update_size(&mut self, bytes: usize, is_first_field: bool) -> Result<(), HpackError> {
        if !is_first_field {
            return Err(HpackError::LateSizeUpdate);
        }
        if bytes > self.table_bytes_max {
            return Err(HpackError::SizeUpdateTooLarge);
        }
        self.table.set_bytes_max(bytes);
        Ok(())
    }

    fn field(&self, index: usize) -> Result<(&[u8], &[u8]), HpackError> {
        if let Some((name, value)) = static_table::get(index) {
            return Ok((name.as_bytes(), value.as_bytes()));
        }
        let entry = dynamic_index(index).and_then(|index| self.table.get(index)).ok_or(HpackError::UnknownIndex)?;
        Ok((entry.name(), entry.value()))
    }

    fn name(&self, index: usize) -> Result<Name, HpackError> {
        if let Some(field) = static_table::get(index) {
            return Ok(Name::Static(field));
        }
        let entry = dynamic_index(index).and_then(|index| self.table.get(index)).ok_or(HpackError::UnknownIndex)?;
        Ok(entry.shared_name())
    }
}

#[cfg(test)]
impl Decoder {
    pub(super) fn table(&self) -> &DynamicTable {
        &self.table
    }
}

impl Representation {
    fn of(first_byte: u8) -> Self {
        match first_byte.leading_zeros() {
            0 => Self::Indexed,
            1 => Self::LiteralWithIndexing,
            2 => Self::SizeUpdate,
            _ => Self::Literal,
        }
    }

    /// How many bits of the first byte belong to the number.
    fn prefix_bits(self) -> u32 {
        match self {
            Self::Indexed => 7,
            Self::LiteralWithIndexing => 6,
            Self::SizeUpdate => 5,
            Self::Literal => 4,
        }
    }
}

/// The indices of the dynamic table follow those of the static one, which begin with 1.
fn dynamic_index(index: usize) -> Option<usize> {
    index.checked_sub(FIELDS.len() + 1)
}
