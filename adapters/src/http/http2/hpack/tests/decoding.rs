//! Which blocks are refused, and what does the table keep?

use super::*;

const ENTER_A: &[u8] = b"\x40\x01a\x01A";
const ENTER_B: &[u8] = b"\x40\x01b\x01B";
/// What each of them counts.
const ENTRY_BYTES: usize = 34;

#[track_caller]
fn check(block: &[u8], expected: Result<&str, HpackError>) {
    assert_eq!(decode(&mut Decoder::new(4096), block), expected.map(fields), "{block:x?}");
}

/// Decodes the blocks one after the other, each without an error, and checks the table thereafter.
#[track_caller]
fn check_entries(decoder: &mut Decoder, blocks: &[&[u8]], expected: &str) {
    for block in blocks {
        decode(decoder, block).expect("valid");
    }
    assert_eq!(decoder.table().contents(), fields(expected));
}

#[test]
fn an_empty_block_has_no_fields() {
    check(b"", Ok(""));
}

#[test]
fn a_block_that_ends_within_a_field_is_refused() {
    for (block, field) in [
        (&b"\x40\x01a\x01A"[..], "a: A"),
        (b"\x10\x01a\x01A", "a: A"),
        (b"\x0f\x10\x01A", "content-type: A"),
        (b"\x00\x81\x1f\x81\x1f", "a: a"),
    ] {
        check(block, Ok(field));
        for end in 1..block.len() {
            check(&block[..end], Err(HpackError::Truncated));
        }
    }
    check(b"\xff", Err(HpackError::Truncated));
    check(b"\x3f", Err(HpackError::Truncated));
    // A length far beyond the end takes no memory.
    check(b"\x00\x7f\x80\xff\xff\xff\x0f", Err(HpackError::Truncated));
    check(b"\x00\xff\x80\xff\xff\xff\x0f", Err(HpackError::Truncated));
}

#[test]
fn an_index_refers_to_an_entry() {
    check(b"\xbd", Ok("www-authenticate: "));
    for block in
        [&b"\x80"[..], b"\xbe", b"\x7f\x00\x01A", b"\x0f\x2f\x01A", b"\x1f\x2f\x01A", b"\xff\x80\xff\xff\xff\x0f"]
    {
        check(block, Err(HpackError::UnknownIndex));
    }
    check(&[ENTER_A, b"\xbe\x7e\x01C"].concat(), Ok("a: A\na: A\na: C"));
    check(&[ENTER_A, b"\xbf"].concat(), Err(HpackError::UnknownIndex));
}

#[test]
fn too_large_numbers_and_wrong_strings_are_refused() {
    check(b"\xff\xff\xff\xff\xff\xff\x00", Err(HpackError::IntegerTooLarge));
    check(b"\x00\x7f\xff\xff\xff\xff\x7f", Err(HpackError::IntegerTooLarge));
    check(b"\x00\x81\x18\x01A", Err(HpackError::InvalidHuffman));
    check(b"\x00\x01a\x84\xff\xff\xff\xff", Err(HpackError::InvalidHuffman));
}

#[test]
fn fields_before_the_error_are_told() {
    let mut told = Vec::new();
    let decoded = Decoder::new(4096).decode(b"\x82\x80\x84", |name, _| told.push(name.to_vec()));
    assert_eq!((decoded, told), (Err(HpackError::UnknownIndex), vec![b":method".to_vec()]));
}

#[test]
fn only_what_says_so_is_entered() {
    let mut decoder = Decoder::new(4096);
    check_entries(&mut decoder, &[b"\x00\x01a\x01A", b"\x10\x01a\x01A", b"\x01\x01A", b"\x11\x01A", b"\x82"], "");
    check_entries(&mut decoder, &[b"\x41\x01A"], ":authority: A");
    check_entries(&mut decoder, &[b"\x7e\x01B", b"\xbe"], ":authority: B\n:authority: A");
}

#[test]
fn the_oldest_entries_are_evicted() {
    let mut decoder = Decoder::new(2 * ENTRY_BYTES);
    check_entries(&mut decoder, &[ENTER_A, ENTER_B], "b: B\na: A");
    check_entries(&mut decoder, &[b"\x40\x01c\x01C"], "c: C\nb: B");
    check_entries(&mut decoder, &[b"\x40\x01d\x02DD"], "d: DD");
    // The name is that of an entry that is evicted for it.
    check_entries(&mut decoder, &[ENTER_A, ENTER_B], "b: B\na: A");
    check_entries(&mut decoder, &[b"\x7f\x00\x02XX"], "a: XX");
}

#[test]
fn an_entry_larger_than_the_table_empties_it() {
    let mut decoder = Decoder::new(2 * ENTRY_BYTES);
    let mut block = b"\x40\x01l\x23".to_vec();
    block.extend([b'L'; 35]);
    check_entries(&mut decoder, &[ENTER_A, &block], &format!("l: {}", "L".repeat(35)));
    block[3] += 1;
    block.push(b'L');
    check_entries(&mut decoder, &[ENTER_A, &block], "");
    check_entries(&mut decoder, &[ENTER_A], "a: A");
    let mut decoder = Decoder::new(0);
    check_entries(&mut decoder, &[ENTER_A], "");
}

#[test]
fn the_peer_resizes_the_table() {
    let mut decoder = Decoder::new(3 * ENTRY_BYTES);
    let one = [0x3f, (ENTRY_BYTES - 31) as u8];
    check_entries(&mut decoder, &[ENTER_A, ENTER_B, &one], "b: B");
    check_entries(&mut decoder, &[ENTER_A], "a: A");
    // Emptied, and as large as allowed again.
    let emptied = [&[0x20, 0x3f, (3 * ENTRY_BYTES - 31) as u8], ENTER_A, ENTER_B].concat();
    check_entries(&mut decoder, &[&emptied, ENTER_A], "a: A\nb: B\na: A");
    check_entries(&mut decoder, &[b"\x20\x20\x20\x20"], "");
}

#[test]
fn a_resize_is_at_the_beginning_and_within_the_setting() {
    check(b"\x20\x82", Ok(":method: GET"));
    check(b"\x82\x20", Err(HpackError::LateSizeUpdate));
    check(b"\x20\x82\x20", Err(HpackError::LateSizeUpdate));
    check(&[ENTER_A, b"\x20"].concat(), Err(HpackError::LateSizeUpdate));
    check(b"\x04\x01/\x20", Err(HpackError::LateSizeUpdate));
    check(b"\x3f\xe1\x1f", Ok(""));
    check(b"\x3f\xe2\x1f", Err(HpackError::SizeUpdateTooLarge));
    check(b"\x20\x3f\xe2\x1f", Err(HpackError::SizeUpdateTooLarge));
}

#[test]
fn a_smaller_setting_evicts_at_once() {
    let mut decoder = Decoder::new(4096);
    check_entries(&mut decoder, &[ENTER_A, ENTER_B], "b: B\na: A");
    decoder.set_table_bytes_max(ENTRY_BYTES);
    check_entries(&mut decoder, &[], "b: B");
    // A peer that says nothing may go on, as long as it refers to nothing that is gone.
    check_entries(&mut decoder, &[b"\xbe", ENTER_A], "a: A");
    assert_eq!(decode(&mut decoder, b"\xbf"), Err(HpackError::UnknownIndex));
    decoder.set_table_bytes_max(0);
    check_entries(&mut decoder, &[], "");
    assert_eq!(decode(&mut decoder, b"\x21"), Err(HpackError::SizeUpdateTooLarge));
}

#[test]
fn a_larger_setting_is_used_when_the_peer_says_so() {
    let mut decoder = Decoder::new(ENTRY_BYTES);
    decoder.set_table_bytes_max(2 * ENTRY_BYTES);
    check_entries(&mut decoder, &[ENTER_A, ENTER_B], "b: B");
    let larger = [0x3f, (2 * ENTRY_BYTES - 31) as u8];
    check_entries(&mut decoder, &[&larger, ENTER_A], "a: A\nb: B");
}

#[test]
fn an_entry_is_no_larger_than_its_overhead() {
    assert_eq!(size_of::<dynamic_table::Entry>(), 32);
}

#[test]
fn names_are_shared_between_entries() {
    let mut decoder = Decoder::new(4096);
    let mut block = b"\x40\x7f\x80\x01".to_vec();
    block.extend([b'n'; 255]);
    block.extend(b"\x01A\x7e\x01B");
    decode(&mut decoder, &block).expect("valid");
    let mut names = Vec::new();
    decoder.decode(b"\xbe\xbf", |name, _| names.push(name.as_ptr())).expect("valid");
    assert_eq!(names[0], names[1]);
}
