//! How is text compressed once and sent to thousands, for browsers that support zstd? In independent frames.
//!
//! A zstd body is any number of concatenated frames (RFC 8878, 3), none of which refers to another. So frames made at
//! different times can be combined in any order, with nothing before or after them.

use std::cell::RefCell;

use bytes::{BufMut, Bytes, BytesMut};
use zstd::zstd_safe::{CCtx, CParameter, compress_bound};

/// About as small as deflate at its shared level, in a third of the time. Level 5 takes more than twice as long and gains
/// little; level 1 saves a tenth.
const LEVEL: i32 = 3;

/// Text up to this size is not worth compressing; its length fits into one byte of the frame's header.
const STORED_BYTES_MAX: usize = 255;

thread_local! {
    /// One per thread: creating its tables takes half as long as compressing a rendered block.
    static CONTEXT: RefCell<CCtx<'static>> = RefCell::new(context());
}

fn context() -> CCtx<'static> {
    let mut context = CCtx::create();
    context.set_parameter(CParameter::CompressionLevel(LEVEL)).expect("there is such a level");
    context
}

/// Returns one frame with `text`.
pub(crate) fn compress(text: &[u8]) -> Bytes {
    if text.len() <= STORED_BYTES_MAX {
        return store(text);
    }
    let mut out = Vec::with_capacity(compress_bound(text.len()));
    CONTEXT.with_borrow_mut(|context| context.compress2(&mut out, text)).expect("there is room for the worst case");
    // Copied to the exact size, since most of the buffer is unused.
    Bytes::copy_from_slice(&out)
}

/// Returns a frame of one raw block.
fn store(text: &[u8]) -> Bytes {
    /// The magic number of a frame.
    const MAGIC: u32 = 0xfd2f_b528;
    /// A single segment whose length is one byte; no checksum, no dictionary.
    const DESCRIPTOR: u8 = 0x20;
    /// The last block, and its kind: raw. Its size is shifted by three bits.
    const LAST_RAW: usize = 1;

    let length = text.len();
    let mut out = BytesMut::with_capacity(length + 9);
    out.put_u32_le(MAGIC);
    out.put_u8(DESCRIPTOR);
    out.put_u8(length as u8);
    out.put_uint_le((length << 3 | LAST_RAW) as u64, 3);
    out.put_slice(text);
    out.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &[u8], bytes_max: usize) {
        let frame = compress(text);
        assert_eq!(zstd::stream::decode_all(&*frame).expect("a frame"), text);
        assert!(frame.len() <= bytes_max, "{} bytes for {}", frame.len(), text.len());
        // Made again by a context that was used: the same.
        assert_eq!(compress(text), frame);
        assert_eq!(zstd::stream::decode_all(&*[&frame[..], &frame[..]].concat()).expect("frames"), text.repeat(2));
    }

    #[test]
    fn a_frame_stands_for_itself() {
        let noise: Vec<u8> = (0_u32..400_000).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        check(b"", 9);
        check(b"a", 10);
        check(&[b'a'; 255], 264);
        check(&[b'a'; 256], 64);
        check(&noise[..255], 264);
        check(&b"abcdefgh".repeat(100_000), 1_000);
        check(&noise, 400_100);
    }
}
