//! Which compressions can a client ask for?

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
    /// Returns its name in headers and in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    /// Returns the coding of a response with this `Content-Encoding`, or `None` if it is another one.
    pub(crate) fn of(content_encoding: &[u8]) -> Option<Self> {
        [Self::Gzip, Self::Zstd]
            .into_iter()
            .find(|coding| content_encoding.eq_ignore_ascii_case(coding.name().as_bytes()))
    }
}
