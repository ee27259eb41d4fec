//! Which fields does everyone know?
//!
//! RFC 7541, Appendix A. Entries of the same name stand beside each other.

/// A name and a value, which is empty where only the name is worth an entry.
pub(super) type StaticField = (&'static str, &'static str);

/// What the static table has of a field. The indices are those of the protocol, which begin with 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Match {
    Field(usize),
    Name(usize),
    Nothing,
}

/// The entry of an index of the protocol, which begin with 1.
pub(super) fn get(index: usize) -> Option<&'static StaticField> {
    FIELDS.get(index.checked_sub(1)?)
}

pub(super) fn find(name: &str, value: &[u8]) -> Match {
    let Some(first) = FIELDS.iter().position(|field| field.0 == name) else {
        return Match::Nothing;
    };
    let mut same_name = FIELDS[first..].iter().take_while(|field| field.0 == name);
    match same_name.position(|field| field.1.as_bytes() == value) {
        Some(offset) => Match::Field(first + offset + 1),
        None => Match::Name(first + 1),
    }
}

pub(super) static FIELDS: [StaticField; 61] = [
    (":authority", ""),
    (":method", "GET"),
    (":method", "POST"),
    (":path", "/"),
    (":path", "/index.html"),
    (":scheme", "http"),
    (":scheme", "https"),
    (":status", "200"),
    (":status", "204"),
    (":status", "206"),
    (":status", "304"),
    (":status", "400"),
    (":status", "404"),
    (":status", "500"),
    ("accept-charset", ""),
    ("accept-encoding", "gzip, deflate"),
    ("accept-language", ""),
    ("accept-ranges", ""),
    ("accept", ""),
    ("access-control-allow-origin", ""),
    ("age", ""),
    ("allow", ""),
    ("authorization", ""),
    ("cache-control", ""),
    ("content-disposition", ""),
    ("content-encoding", ""),
    ("content-language", ""),
    ("content-length", ""),
    ("content-location", ""),
    ("content-range", ""),
    ("content-type", ""),
    ("cookie", ""),
    ("date", ""),
    ("etag", ""),
    ("expect", ""),
    ("expires", ""),
    ("from", ""),
    ("host", ""),
    ("if-match", ""),
    ("if-modified-since", ""),
    ("if-none-match", ""),
    ("if-range", ""),
    ("if-unmodified-since", ""),
    ("last-modified", ""),
    ("link", ""),
    ("location", ""),
    ("max-forwards", ""),
    ("proxy-authenticate", ""),
    ("proxy-authorization", ""),
    ("range", ""),
    ("referer", ""),
    ("refresh", ""),
    ("retry-after", ""),
    ("server", ""),
    ("set-cookie", ""),
    ("strict-transport-security", ""),
    ("transfer-encoding", ""),
    ("user-agent", ""),
    ("vary", ""),
    ("via", ""),
    ("www-authenticate", ""),
];
