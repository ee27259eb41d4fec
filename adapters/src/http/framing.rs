//! Can the length of a request's body be understood in one way only? (spec: http.md#request-length)

use poem::Request;
use poem::http::header::TRANSFER_ENCODING;

use super::error::HttpError;

/// Refuses a request with any transfer coding other than a single `chunked`. The HTTP library goes by the last one that
/// it knows; a proxy that goes by another one would take the rest of the body for the next request, or the other way
/// round (RFC 9112, 6.1 and 11.2). Contradicting lengths are refused by the library.
///
/// # Errors
/// [`HttpError::AmbiguousLength`], which ends the connection.
pub(super) fn check(request: &Request) -> Result<(), HttpError> {
    let mut codings = request.headers().get_all(TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => Ok(()),
        (Some(coding), None) if coding.as_bytes().eq_ignore_ascii_case(b"chunked") => Ok(()),
        (Some(_), _) => Err(HttpError::AmbiguousLength),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_codings(codings: &[&str], expected: Result<(), HttpError>) {
        let mut request = Request::builder();
        for coding in codings {
            request = request.header(TRANSFER_ENCODING, *coding);
        }
        assert_eq!(check(&request.finish()), expected, "{codings:?}");
    }

    /// (spec: http.md#request-length)
    #[test]
    fn only_one_transfer_coding_is_understood() {
        check_codings(&[], Ok(()));
        check_codings(&["chunked"], Ok(()));
        check_codings(&["Chunked"], Ok(()));
        for wrong in [
            &["chunked, chunked"][..],
            &["chunked", "chunked"],
            &["identity", "chunked"],
            &["gzip, chunked"],
            &["identity"],
            &["chunked, identity"],
            &["xchunked"],
            &[""],
        ] {
            check_codings(wrong, Err(HttpError::AmbiguousLength));
        }
    }
}
