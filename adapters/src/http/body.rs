//! How is the body of a request read without letting the client exhaust the service?

use std::time::Duration;

use bytes::Bytes;
use poem::Body;
use poem::error::ReadBodyError;

use super::error::HttpError;

/// The maximum size of a request's body, in bytes; a larger one is answered with `413` (spec: notify.md#send-errors).
pub const BODY_BYTES_MAX: usize = 1024 * 1024;

/// How long a client may take to send a body, in seconds; after that the request is answered with `400`.
pub const BODY_SECONDS_MAX: u64 = 30;

/// Reads the whole body, up to [`BODY_BYTES_MAX`] within [`BODY_SECONDS_MAX`].
///
/// # Errors
/// It is larger, or does not arrive.
pub async fn read(body: Body) -> Result<Bytes, HttpError> {
    let read = tokio::time::timeout(Duration::from_secs(BODY_SECONDS_MAX), body.into_bytes_limit(BODY_BYTES_MAX));
    match read.await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(ReadBodyError::PayloadTooLarge)) => Err(HttpError::BodyTooLarge { bytes_max: BODY_BYTES_MAX }),
        Ok(Err(_)) => Err(HttpError::InvalidRequest("The body ended before it was complete".to_owned())),
        Err(_) => Err(HttpError::InvalidRequest(format!("The body did not arrive within {BODY_SECONDS_MAX} seconds"))),
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_body_is_read_up_to_its_limits() {
        let full = vec![b'x'; BODY_BYTES_MAX];
        assert_eq!(read(Body::from(full.clone())).await.map(|bytes| bytes.len()), Ok(BODY_BYTES_MAX));
        let larger = [full, vec![b'x']].concat();
        assert_eq!(read(Body::from(larger)).await, Err(HttpError::BodyTooLarge { bytes_max: BODY_BYTES_MAX }));

        let never = Body::from_bytes_stream(stream::pending::<Result<Bytes, std::io::Error>>());
        let error = read(never).await.expect_err("it never arrives").to_string();
        assert_eq!(error, "The body did not arrive within 30 seconds");
        let broken = stream::iter([Ok(Bytes::from_static(b"{")), Err(std::io::Error::other("reset"))]);
        let error = read(Body::from_bytes_stream(broken)).await.expect_err("broken").to_string();
        assert_eq!(error, "The body ended before it was complete");
    }
}
