//! Does the server survive whatever is sent?

use proptest::collection::vec;
use proptest::prelude::*;

use super::client::connect;
use super::paused;
use super::service::standard;
use super::wire::{block, continuation, data, flag, frame, get, kind, literal, ping, post, request, reset, settings};
use super::wire::{headers, window_update};

/// Few streams, so that frames meet.
fn stream() -> impl Strategy<Value = u32> {
    0..8_u32
}

fn path() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("/"), Just("/wait"), Just("/echo"), Just("/large"), Just("")]
}

/// Numbers at which something changes.
fn number() -> impl Strategy<Value = u32> {
    prop_oneof![any::<u32>(), 0..4_u32, 16_380..16_390_u32, 65_530..65_540_u32, Just((1 << 31) - 1), Just(1 << 31)]
}

/// A piece of a header block: right for the most part.
fn fragment() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        path().prop_map(|path| block(&request("POST", path))),
        vec(any::<u8>(), 0..20),
        vec(0x80..0xC8_u8, 0..6),
        (any::<u8>(), vec(any::<u8>(), 0..5), vec(any::<u8>(), 0..5))
            .prop_map(|(first, name, value)| literal(first, &name, &value)),
    ]
}

/// A frame that has its place somewhere, or almost.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => (stream(), path()).prop_map(|(stream, path)| get(stream, path)),
        4 => (stream(), path()).prop_map(|(stream, path)| post(stream, path)),
        4 => (stream(), any::<u8>(), vec(any::<u8>(), 0..300))
            .prop_map(|(stream, flags, bytes)| data(stream, flags, bytes)),
        2 => (stream(), any::<u8>(), fragment())
            .prop_map(|(stream, flags, fragment)| frame(kind::HEADERS, flags, stream, fragment)),
        2 => (stream(), any::<u8>(), fragment())
            .prop_map(|(stream, flags, fragment)| continuation(stream, flags, fragment)),
        1 => (stream(), any::<u8>()).prop_map(|(stream, flags)| headers(stream, flags, &[("x-late", "1")])),
        2 => (stream(), number()).prop_map(|(stream, number)| window_update(stream, number)),
        2 => (stream(), number()).prop_map(|(stream, number)| reset(stream, number)),
        2 => vec((0..8_u16, number()), 0..4).prop_map(|list| settings(&list)),
        1 => any::<[u8; 8]>().prop_map(ping),
        1 => (0..12_u8, any::<u8>(), stream(), vec(any::<u8>(), 0..20))
            .prop_map(|(kind, flags, stream, payload)| frame(kind, flags, stream, payload)),
        1 => Just(frame(kind::SETTINGS, flag::ACK, 0, [])),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever comes, the server does not panic, does not talk without end, and ends with its client.
    #[test]
    fn nothing_keeps_the_server_from_its_end(
        pieces in vec(piece(), 1..30),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        drains in any::<bool>(),
        piece_bytes in 1..2_000_usize,
    ) {
        let mut bytes = pieces.concat();
        for (index, byte) in changes {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        paused(async {
            let mut client = connect(standard).await;
            for piece in bytes.chunks(piece_bytes) {
                client.send(piece).await;
                tokio::task::yield_now().await;
            }
            client.settle().await;
            if drains {
                client.server.drain();
                client.settle().await;
            }
            let server = client.leave().await;
            prop_assert_eq!(server.living(), 0);
            Ok(())
        })?;
    }
}
