//! What do the two sides of a connection tell about themselves? (RFC 9113, section 6.5)

use super::Options;
use super::frame::{ErrorCode, PAYLOAD_BYTES_MAX, Violation};

const HEADER_TABLE_SIZE: u16 = 0x1;
const ENABLE_PUSH: u16 = 0x2;
const MAX_CONCURRENT_STREAMS: u16 = 0x3;
const INITIAL_WINDOW_SIZE: u16 = 0x4;
const MAX_FRAME_SIZE: u16 = 0x5;
const MAX_HEADER_LIST_SIZE: u16 = 0x6;

/// The window of a stream or connection until something else is said, in bytes.
pub(super) const WINDOW_BYTES: u32 = 65_535;

/// The largest window, in bytes.
pub(super) const WINDOW_BYTES_MAX: u32 = 0x7fff_ffff;

/// How large the table of header fields is until something else is acknowledged, in bytes.
pub(super) const HEADER_TABLE_BYTES: usize = 4096;

/// What MAX_FRAME_SIZE may be, in bytes.
const FRAME_SIZES: std::ops::RangeInclusive<u32> = PAYLOAD_BYTES_MAX as u32..=0x00ff_ffff;

/// With which window each stream begins, if the payload of the client's frame says so, in bytes.
pub(super) fn read_window(payload: &[u8]) -> Result<Option<u32>, Violation> {
    let (settings, rest) = payload.as_chunks::<6>();
    if !rest.is_empty() {
        return Err(Violation::size("SETTINGS that are not whole"));
    }
    let mut window = None;
    for [a, b, value @ ..] in settings {
        let value = u32::from_be_bytes(*value);
        match u16::from_be_bytes([*a, *b]) {
            ENABLE_PUSH if value > 1 => return Err(Violation::protocol("ENABLE_PUSH is neither 0 nor 1")),
            INITIAL_WINDOW_SIZE if value > WINDOW_BYTES_MAX => {
                return Err(Violation::new(ErrorCode::FlowControlError, "INITIAL_WINDOW_SIZE is too large"));
            }
            INITIAL_WINDOW_SIZE => window = Some(value),
            MAX_FRAME_SIZE if !FRAME_SIZES.contains(&value) => {
                return Err(Violation::protocol("MAX_FRAME_SIZE is out of range"));
            }
            // Frames are never larger than every client takes, nothing is pushed, no header list is long enough for a
            // limit to matter, and no header field is entered into a table.
            _ => {}
        }
    }
    Ok(window)
}

/// The payload of the first frame of this side.
pub(super) fn offered(options: &Options) -> Vec<u8> {
    let settings = [
        (HEADER_TABLE_SIZE, options.header_table_bytes),
        (MAX_CONCURRENT_STREAMS, options.streams_max),
        (MAX_HEADER_LIST_SIZE, options.header_bytes_max),
    ];
    settings.iter().flat_map(|(name, value)| [&name.to_be_bytes()[..], &value.to_be_bytes()].concat()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(settings: &[(u16, u32)], expected: Result<Option<u32>, ErrorCode>) {
        let payload: Vec<u8> = settings
            .iter()
            .flat_map(|(name, value)| [&name.to_be_bytes()[..], &value.to_be_bytes()].concat())
            .collect();
        assert_eq!(read_window(&payload).map_err(|violation| violation.code), expected, "{settings:?}");
    }

    #[test]
    fn settings_are_checked() {
        check(&[], Ok(None));
        check(&[(INITIAL_WINDOW_SIZE, 7), (ENABLE_PUSH, 1), (INITIAL_WINDOW_SIZE, 0)], Ok(Some(0)));
        check(&[(INITIAL_WINDOW_SIZE, WINDOW_BYTES_MAX)], Ok(Some(WINDOW_BYTES_MAX)));
        check(&[(INITIAL_WINDOW_SIZE, WINDOW_BYTES_MAX + 1)], Err(ErrorCode::FlowControlError));
        check(&[(ENABLE_PUSH, 2)], Err(ErrorCode::ProtocolError));
        check(&[(MAX_FRAME_SIZE, 16_383)], Err(ErrorCode::ProtocolError));
        check(&[(MAX_FRAME_SIZE, 16_384), (MAX_FRAME_SIZE, 16_777_215)], Ok(None));
        check(&[(MAX_FRAME_SIZE, 16_777_216)], Err(ErrorCode::ProtocolError));
        check(&[(0xfafa, u32::MAX)], Ok(None));
        assert_eq!(read_window(&[0; 5]).map_err(|violation| violation.code), Err(ErrorCode::FrameSizeError));
    }
}
