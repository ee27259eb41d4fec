//! In which codings can a client have its streams compressed?

/// How a stream is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Coding {
    /// One gzip stream.
    Gzip,
    /// Any number of zstd frames.
    Zstd,
}

impl Coding {
    /// Its name in headers and in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    /// The coding of a response with this `Content-Encoding`; `None` if it is not one of these.
    pub(super) fn of(content_encoding: &[u8]) -> Option<Self> {
        [Self::Gzip, Self::Zstd]
            .into_iter()
            .find(|coding| content_encoding.eq_ignore_ascii_case(coding.name().as_bytes()))
    }
}
