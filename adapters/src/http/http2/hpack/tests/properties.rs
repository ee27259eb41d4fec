//! Does the decoder understand whatever a peer may send, and survive whatever else it sends?

use proptest::prelude::*;

use super::peer::{Form, Peer, Sent};
use super::*;

const TABLE_BYTES_MAX: usize = 4096;

/// What a peer sends at once.
#[derive(Clone, Debug)]
struct Block {
    /// What it acknowledges before.
    setting: Option<usize>,
    /// To what it resizes the table. Of what the setting allows, in percent.
    sizes: Vec<usize>,
    fields: Vec<Sent>,
}

fn names() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => prop::sample::select(vec![":status", ":path", "cookie", "x-a", "x-b", ""]).prop_map(Vec::from),
        1 => prop::collection::vec(any::<u8>(), 0..40),
        1 => prop::collection::vec(b'a'..=b'z', 100..300),
    ]
}

fn values() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => prop::sample::select(vec!["200", "404", "/", "", "some value", "another value"]).prop_map(Vec::from),
        2 => prop::collection::vec(any::<u8>(), 0..40),
        1 => prop::collection::vec(b' '..=b'z', 100..300),
    ]
}

fn sent() -> impl Strategy<Value = Sent> {
    let forms = prop_oneof![
        Just(Form::Indexed),
        Just(Form::LiteralWithIndexing),
        Just(Form::LiteralWithoutIndexing),
        Just(Form::NeverIndexed),
    ];
    (names(), values(), forms, any::<[bool; 4]>()).prop_map(|(name, value, form, flags)| Sent {
        field: (name, value),
        form,
        is_name_indexed: flags[0],
        is_oldest_preferred: flags[1],
        is_name_huffman_coded: flags[2],
        is_value_huffman_coded: flags[3],
    })
}

fn blocks() -> impl Strategy<Value = Vec<Block>> {
    let settings =
        prop_oneof![4 => Just(None), 1 => (0..300_usize).prop_map(Some), 1 => (0..9_000_usize).prop_map(Some)];
    let sizes = prop_oneof![4 => Just(Vec::new()), 1 => prop::collection::vec(0..=100_usize, 1..4)];
    let fields = prop::collection::vec(sent(), 0..12);
    let block = (settings, sizes, fields).prop_map(|(setting, sizes, fields)| Block { setting, sizes, fields });
    prop::collection::vec(block, 1..8)
}

/// Encodes the blocks; each is given to `check`, with the peer as it is thereafter.
fn send_all(blocks: &[Block], mut check: impl FnMut(&Block, Vec<u8>, &Peer)) {
    let mut peer = Peer { entries: Vec::new(), bytes_max: TABLE_BYTES_MAX };
    let mut setting = TABLE_BYTES_MAX;
    for block in blocks {
        let mut encoded = Vec::new();
        setting = block.setting.unwrap_or(setting);
        if peer.bytes_max > setting {
            peer.resize(setting, &mut encoded);
        }
        for percent in &block.sizes {
            peer.resize(setting * percent / 100, &mut encoded);
        }
        for sent in &block.fields {
            peer.send(sent, &mut encoded);
        }
        check(block, encoded, &peer);
    }
}

proptest! {
    #[test]
    fn what_a_peer_sends_is_understood(blocks in blocks()) {
        let mut decoder = Decoder::new(TABLE_BYTES_MAX);
        send_all(&blocks, |block, encoded, peer| {
            if let Some(setting) = block.setting {
                decoder.set_table_bytes_max(setting);
            }
            let expected: Vec<Field> = block.fields.iter().map(|sent| sent.field.clone()).collect();
            assert_eq!(decode(&mut decoder, &encoded), Ok(expected));
            assert_eq!(decoder.table().contents(), peer.entries);
        });
    }

    #[test]
    fn arbitrary_bytes_do_no_harm(
        blocks in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..200), 0..5_000_usize), 1..6),
    ) {
        let mut decoder = Decoder::new(TABLE_BYTES_MAX);
        for (block, setting) in blocks {
            let _ = decode(&mut decoder, &block);
            decoder.set_table_bytes_max(setting);
        }
    }

    #[test]
    fn altered_blocks_do_no_harm(
        blocks in blocks(),
        alterations in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 8),
    ) {
        let mut decoder = Decoder::new(TABLE_BYTES_MAX);
        let mut alterations = alterations.into_iter();
        send_all(&blocks, |block, mut encoded, _| {
            if let Some(setting) = block.setting {
                decoder.set_table_bytes_max(setting);
            }
            if let Some((index, byte, kind)) = alterations.next() && !encoded.is_empty() {
                let position = index.index(encoded.len());
                match kind {
                    0 => encoded.truncate(position),
                    1 => encoded.insert(position, byte),
                    2 => drop(encoded.remove(position)),
                    _ => encoded[position] ^= byte,
                }
            }
            let _ = decode(&mut decoder, &encoded);
        });
    }

    #[test]
    fn what_the_server_sends_is_understood(
        fields in prop::collection::vec((prop::collection::vec(b'a'..=b'z', 1..20), values()), 0..12),
    ) {
        let mut block = Vec::new();
        for (name, value) in &fields {
            encode_field(str::from_utf8(name).expect("ASCII"), value, &mut block);
        }
        let mut decoder = Decoder::new(TABLE_BYTES_MAX);
        assert_eq!(decode(&mut decoder, &block), Ok(fields));
        assert_eq!(decoder.table().contents(), []);
    }
}
