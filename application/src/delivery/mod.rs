//! How is what clients receive turned into bytes, once for everybody who needs the same?

pub mod deflate;
pub mod line;
pub mod meters;
mod once;
pub mod render_cache;
mod zstd_frame;

pub(crate) use once::{Hasher, Once};
