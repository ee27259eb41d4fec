//! Is it HPACK?

mod appendix_c;
mod codes;
mod decoding;
mod encoding;
mod peer;
mod properties;

use super::*;

type Field = (Vec<u8>, Vec<u8>);

/// The fields of a block, and that the table keeps its rules whatever was decoded.
fn decode(decoder: &mut Decoder, block: &[u8]) -> Result<Vec<Field>, HpackError> {
    let mut fields = Vec::new();
    let decoded = decoder.decode(block, |name, value| fields.push((name.to_vec(), value.to_vec())));
    decoder.table().contents();
    decoded.map(|()| fields)
}

/// Fields written one a line, "name: value", the names perhaps with a colon in front.
#[track_caller]
fn fields(lines: &str) -> Vec<Field> {
    let lines = lines.lines().map(str::trim).filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let colon = 1 + line[1..].find(':').expect("a name and a value");
            (line[..colon].into(), line[colon + 1..].trim_start().into())
        })
        .collect()
}

/// The bytes of hexadecimal digits, between which may be space.
#[track_caller]
fn bytes(hexadecimal: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        hexadecimal.chars().filter_map(|character| character.to_digit(16)).map(|digit| digit as u8).collect();
    assert!(digits.len().is_multiple_of(2), "{hexadecimal}");
    digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}
