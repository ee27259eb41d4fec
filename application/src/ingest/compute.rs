//! Where is long work done, so that no stream has to wait for it?

use std::panic::resume_unwind;

use tokio::task::spawn_blocking;

/// How many bytes of JSON are at most parsed on the thread that serves streams, which takes about a millisecond. More
/// are handed to a thread of their own, so that no stream waits.
const INLINE_BYTES_MAX: usize = 128 * 1024;

/// Returns the result of `work`, which processes this many bytes of JSON.
pub(crate) async fn compute<T: Send + 'static>(bytes: usize, work: impl FnOnce() -> T + Send + 'static) -> T {
    if bytes <= INLINE_BYTES_MAX {
        return work();
    }
    match spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            // The runtime is stopping, so nobody waits for the result.
            Err(_) => std::future::pending().await,
        },
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    /// Whether work on this many bytes is done on the calling thread.
    async fn check(bytes: usize, is_inline: bool) {
        let here = thread::current().id();
        let there = compute(bytes, move || thread::current().id()).await;
        assert_eq!(there == here, is_inline, "{bytes}");
    }

    #[tokio::test]
    async fn only_long_work_is_handed_over() {
        check(0, true).await;
        check(INLINE_BYTES_MAX, true).await;
        check(INLINE_BYTES_MAX + 1, false).await;
    }

    #[tokio::test]
    #[should_panic(expected = "on purpose")]
    async fn a_panic_is_that_of_the_caller() {
        compute(usize::MAX, || panic!("on purpose")).await
    }
}
