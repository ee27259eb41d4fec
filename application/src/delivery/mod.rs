//! How does what clients are told become bytes, once for all who need the same?

pub mod deflate;
pub mod line;
mod once;
pub mod render_cache;
mod zstd_frame;

pub(crate) use once::{Hasher, Once};
