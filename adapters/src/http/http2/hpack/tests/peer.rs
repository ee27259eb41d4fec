//! What could a peer send, and what would it remember?
//!
//! A simple encoder with a simple table, both straight from RFC 7541 and apart from what they test.

use super::*;

/// How a field is sent, as far as the tables of the peer allow it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    Indexed,
    LiteralWithIndexing,
    LiteralWithoutIndexing,
    NeverIndexed,
}

#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) field: Field,
    pub(super) form: Form,
    pub(super) is_name_indexed: bool,
    /// Of several entries that fit, the one with the highest index is taken.
    pub(super) is_oldest_preferred: bool,
    pub(super) is_name_huffman_coded: bool,
    pub(super) is_value_huffman_coded: bool,
}

pub(super) struct Peer {
    /// The newest first.
    pub(super) entries: Vec<Field>,
    pub(super) bytes_max: usize,
}

impl Peer {
    pub(super) fn resize(&mut self, bytes: usize, block: &mut Vec<u8>) {
        integer(0x20, 5, bytes, block);
        self.bytes_max = bytes;
        self.evict();
    }

    pub(super) fn send(&mut self, sent: &Sent, block: &mut Vec<u8>) {
        let (name, value) = &sent.field;
        let same_field = self.find(sent, |field| *field == sent.field);
        let (pattern, prefix_bits) = match (sent.form, same_field) {
            (Form::Indexed, Some(index)) => return integer(0x80, 7, index, block),
            (Form::Indexed, None) | (Form::LiteralWithIndexing, _) => (0x40, 6),
            (Form::LiteralWithoutIndexing, _) => (0x00, 4),
            (Form::NeverIndexed, _) => (0x10, 4),
        };
        match self.find(sent, |field| field.0 == *name) {
            Some(index) if sent.is_name_indexed => integer(pattern, prefix_bits, index, block),
            _ => {
                integer(pattern, prefix_bits, 0, block);
                string(name, sent.is_name_huffman_coded, block);
            }
        }
        string(value, sent.is_value_huffman_coded, block);
        if pattern == 0x40 {
            self.entries.insert(0, sent.field.clone());
            self.evict();
        }
    }

    /// The index in both tables.
    fn find(&self, sent: &Sent, is_wanted: impl Fn(&Field) -> bool) -> Option<usize> {
        let known = static_table::FIELDS.iter().map(|(name, value)| (name.as_bytes().into(), value.as_bytes().into()));
        let mut indices = (1..).zip(known.chain(self.entries.iter().cloned())).filter(|(_, field)| is_wanted(field));
        let found = if sent.is_oldest_preferred { indices.last() } else { indices.next() };
        found.map(|(index, _)| index)
    }

    /// The protocol evicts before it enters, which leaves the same.
    fn evict(&mut self) {
        while self.entries.iter().map(|(name, value)| name.len() + value.len() + 32).sum::<usize>() > self.bytes_max {
            self.entries.pop();
        }
    }
}

/// As in the pseudocode of section 5.1.
fn integer(pattern: u8, prefix_bits: u32, mut value: usize, block: &mut Vec<u8>) {
    let prefix_max = 2_usize.pow(prefix_bits) - 1;
    if value < prefix_max {
        block.push(pattern + value as u8);
        return;
    }
    block.push(pattern + prefix_max as u8);
    value -= prefix_max;
    while value >= 128 {
        block.push((value % 128 + 128) as u8);
        value /= 128;
    }
    block.push(value as u8);
}

fn string(string: &[u8], is_huffman_coded: bool, block: &mut Vec<u8>) {
    let (pattern, encoded) = if is_huffman_coded { (0x80, huffman(string)) } else { (0, string.to_vec()) };
    integer(pattern, 7, encoded.len(), block);
    block.extend(encoded);
}

/// The code of each byte and how many bits it has, at the low end.
pub(super) fn huffman_codes() -> [Option<(u32, u32)>; 256] {
    let mut codes = [None; 256];
    let (mut code, mut code_bits) = (0, 0);
    for (bits, symbols) in huffman::SYMBOLS_BY_CODE_BITS {
        code <<= bits - code_bits;
        code_bits = bits;
        for symbol in symbols {
            let before = codes[usize::from(*symbol)].replace((code, code_bits));
            assert_eq!(before, None, "{symbol} has one code");
            code += 1;
        }
    }
    assert_eq!(code, 0x3fff_ffff, "what is left is the end-of-string symbol");
    codes
}

pub(super) fn huffman(string: &[u8]) -> Vec<u8> {
    let codes = huffman_codes();
    let mut bits = String::new();
    for symbol in string {
        let (code, code_bits) = codes[usize::from(*symbol)].expect("every byte has a code");
        bits.push_str(&format!("{code:0width$b}", width = code_bits as usize));
    }
    while !bits.len().is_multiple_of(8) {
        bits.push('1');
    }
    (0..bits.len()).step_by(8).map(|start| u8::from_str_radix(&bits[start..start + 8], 2).expect("bits")).collect()
}
