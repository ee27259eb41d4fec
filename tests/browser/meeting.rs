//! Does each viewer on the page have exactly what the service sends, whatever happens?

use std::collections::BTreeMap;

use serde_json::Value;

use crate::driver::Page;
use crate::harness::{Protocol, within};

/// How many elements of each collection the viewer on the left has, and the one on the right.
type Counts = BTreeMap<String, [u64; 2]>;

/// The counts that the page shows.
const COUNTS: &str = "return Object.fromEntries([...document.querySelectorAll('.collections button')].map((row) =>
    [row.querySelector('span').textContent, [...row.querySelectorAll('b')].map((cell) => cell.textContent.replace(/\\D/g, ''))]));";

/// The two numbers of motions that the page shows, left and right.
const MOTIONS: &str = "const row = [...document.querySelectorAll('.collections button')]
        .find((row) => row.querySelector('span').textContent === 'motions/motion');
    const motions = row && [...row.querySelectorAll('b')].map((cell) => Number(cell.textContent));";

async fn shown(page: &Page) -> Counts {
    let counts = page.run(COUNTS).await;
    let counts = counts.as_object().expect("an object").iter().map(|(collection, cells)| {
        let cell = |index: usize| cells[index].as_str().and_then(|text| text.parse().ok()).unwrap_or(0);
        (collection.clone(), [cell(0), cell(1)])
    });
    counts.filter(|(_, counts)| *counts != [0, 0]).collect()
}

/// The counts of what a new client gets now.
async fn given(page: &Page) -> Counts {
    let mut counts = Counts::new();
    for (side, session) in ["admin", "delegate"].into_iter().enumerate() {
        let mut watcher = page.program.speaking(Protocol::Https).with_cookie(session).watch().await;
        watcher.line().await.expect("everything");
        for key in watcher.client.data.keys() {
            let (collection, _) = key.split_once(':').expect("an element key");
            counts.entry(collection.to_owned()).or_default()[side] += 1;
        }
    }
    counts
}

/// Waits until the page shows what a new client gets. The meeting keeps changing, and the two are not read at the same
/// moment, so they may differ for a while.
pub(crate) async fn until_shown_as_given(page: &Page) {
    page.click("#tab-side").await;
    let mut last = Default::default();
    let equal = async {
        loop {
            let (shown, given) = (shown(page).await, given(page).await);
            if shown == given {
                return;
            }
            last = (shown, given);
        }
    };
    if tokio::time::timeout(crate::harness::WAIT, equal).await.is_err() {
        panic!("the page never shows what the service sends: {last:#?}");
    }
}

#[tokio::test]
#[cfg_attr(not(has_browser), ignore = "chromium and chromedriver are not on the PATH")]
async fn both_viewers_have_what_the_service_sends_also_after_a_cut_connection() {
    let page = Page::open().await;
    shows_what_is_sent_also_after_a_cut_connection(&page).await;
    assert_eq!(page.console().await, Vec::<Value>::new());
}

pub(crate) async fn shows_what_is_sent_also_after_a_cut_connection(page: &Page) {
    until_shown_as_given(page).await;
    let protocol = page.run("return performance.getEntriesByType('navigation')[0].nextHopProtocol;").await;
    assert_eq!(protocol, "h2");

    page.until_connected().await;
    let card = "const card = [...document.querySelectorAll('.stream')]
            .find((card) => card.querySelector('h2').textContent.startsWith('admin · autoupdate'));
        const value = (name) => Number([...card.querySelectorAll('dt')].find((term) => term.textContent === name)
            .nextSibling.textContent.replace(/\\D/g, ''));";
    let before = page.run(&format!("{card} return value('Change id');")).await;
    page.run(&format!("{card} card.querySelector('button').click();")).await;
    page.until(&format!(
        "{card} return value('Reconnects') === 1 && card.querySelector('.state').dataset.state === 'open'
            && value('Change id') > {before};"
    ))
    .await;
    until_shown_as_given(page).await;
}

#[tokio::test]
#[cfg_attr(not(has_browser), ignore = "chromium and chromedriver are not on the PATH")]
async fn losing_a_permission_removes_elements_from_one_view_only() {
    loses_elements_on_one_side_only(&Page::open().await).await;
}

pub(crate) async fn loses_elements_on_one_side_only(page: &Page) {
    let before =
        page.until(&format!("{MOTIONS} return motions && motions.every((count) => count > 0) && motions;")).await;
    let taken = page
        .until(&format!(
            "{MOTIONS} return /Group Delegates lost .*motions\\.can_see/.test(document.querySelector('#caption').textContent)
                && motions[1] === 0 && motions;"
        ))
        .await;
    assert_eq!(taken[0], before[0], "the administrator sees all motions as before");
    // Elements that only the viewer on the left sees are marked.
    let marks = "return [...document.querySelectorAll('.row:not(.gone)')].map((row) => row.dataset.mark)";
    let marks = within("the marks", page.until(&format!("{marks}.every((mark) => mark === 'left');"))).await;
    assert_eq!(marks, true);
    let given = page
        .until(&format!(
            "{MOTIONS} return /Group Delegates gained .*motions\\.can_see/.test(document.querySelector('#caption').textContent)
                && motions[1] > 0 && motions;"
        ))
        .await;
    assert_eq!(given[0], before[0]);
}
