//! Does the server speak HTTP/2 as it must, also with clients that do not? (RFC 9113)
//!
//! A client of these tests writes and reads single frames. Time is paused: it passes only when nobody has anything to do,
//! so that "nothing comes" is something that a test can wait for. Numbers in comments and names of cases are sections.

mod abuse;
mod allowances;
mod client;
mod continuation;
mod ending;
mod fields;
mod frames;
mod header_blocks;
mod heard;
mod interleaving;
mod malformed;
mod patience;
mod random;
mod receive_windows;
mod resets;
mod responses;
mod send_windows;
mod service;
mod settings;
mod start;
mod streams;
mod wire;

use std::future::Future;

use client::{RawClient, connect};
use futures_util::future::BoxFuture;
use heard::Outcome;
use service::standard;
use start::HttpResponse;
use wire::get;

/// What a service returns.
type Answer = BoxFuture<'static, HttpResponse>;

/// Runs a test in paused time.
fn paused<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(test)
}

/// Sends `bytes` on a connection on which settings were exchanged and nothing else was said, and checks how the server
/// judges what happened on stream 1.
#[track_caller]
fn check(name: &str, bytes: impl AsRef<[u8]>, acceptable: &[Outcome]) {
    let (outcome, said) = paused(async {
        let mut client = connect(standard).await;
        let heard = client.exchange(bytes).await;
        (judge(client, heard.outcome(1)).await, heard)
    });
    assert!(acceptable.contains(&outcome), "{name}: {outcome:?} is none of {acceptable:?}; {said:?}");
}

/// What the client takes `outcome` for, once it has seen whether others are served on a connection that was not ended,
/// and that the server comes to its end.
async fn judge(mut client: RawClient, mut outcome: Outcome) -> Outcome {
    const LATE: u32 = 9_999;
    if !matches!(outcome, Outcome::Connection(_) | Outcome::Ended) {
        let heard = client.exchange(get(LATE, "/")).await;
        if heard.status(LATE) != Some(200) || heard.body(LATE) != b"ok" || heard.has_ended {
            outcome = Outcome::Confused;
        }
    }
    client.leave().await;
    outcome
}
