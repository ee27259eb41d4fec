//! In a real meeting, does the page show what the session that opens it may see, and no more?

use adapters::testing::fake_redis::FakeRedis;
use serde_json::{Value, json};

use crate::driver::Page;
use crate::harness::{Meeting, Process};

const ENTER: &str = "\u{e007}";

/// Opens the page with a session of `user`. Returns the page, the meeting, and its Redis, which stops when dropped.
async fn open(user: u64) -> (Page, Meeting, FakeRedis) {
    let redis = FakeRedis::start().await.expect("a port");
    let meeting = Meeting::start(&redis.address()).await;
    let cookie = meeting.log_in(user).await;
    let program = Process::serve(redis.port(), &[("INSPECTOR", "on")]).await;
    (Page::of(program, "/system/inspector", &cookie).await, meeting, redis)
}

/// Asks the page why user 3 sees the element or not, and waits for an answer of this kind.
async fn explain(page: &Page, key: &str, kind: &str) -> Value {
    page.click("#tab-explain").await;
    page.type_into("#explain-user", "3").await;
    page.type_into("#explain-key", &format!("{key}{ENTER}")).await;
    page.until(&format!("return document.querySelector('.explanation.{kind} strong')?.textContent;")).await
}

/// (spec: inspector.md#page)
#[tokio::test]
#[cfg_attr(not(has_browser), ignore = "chromium and chromedriver are not on the PATH")]
async fn the_page_shows_what_its_session_may_see() {
    let (page, meeting, _redis) = open(3).await;
    let view = meeting.view(3);
    let count = |collection: &str| view.keys().filter(|key| key.starts_with(collection)).count();
    for collection in ["motions/motion", "users/user", "core/config"] {
        let expected = count(&format!("{collection}:"));
        page.until(&format!(
            "const row = [...document.querySelectorAll('.collections button')]
                .find((row) => row.querySelector('span').textContent === '{collection}');
             return Number(row?.querySelector('b').textContent.replace(/\\D/g, '')) === {expected};"
        ))
        .await;
    }
    let sides = page.run("return document.querySelectorAll('#panel-side select').length;").await;
    assert_eq!(sides, 0, "no other viewer is offered");
    let refused = explain(&page, "motions/motion:1", "refused").await;
    assert_eq!(refused, "Explanations are for superadmins: log in as one.");
}

/// (spec: inspector.md#page, inspector.md#route)
#[tokio::test]
#[cfg_attr(not(has_browser), ignore = "chromium and chromedriver are not on the PATH")]
async fn a_superadmin_gets_an_explanation_and_the_question_is_logged() {
    let (mut page, _meeting, _redis) = open(1).await;
    let answer = explain(&page, "motions/motion:1", "partly").await;
    assert_eq!(answer, "motions/motion:1 is visible in part to user 3 (Delegates (3)).");
    let logged = page.program.until_logged("explaining what a user sees").await;
    let fields = ["level", "asked_by", "about_user", "element"].map(|field| logged[field].clone());
    assert_eq!(fields, [json!("INFO"), json!(1), json!(3), json!("motions/motion:1")], "{logged}");
    assert_eq!(page.console().await, Vec::<Value>::new());
}
