//! Can everybody use the page, does it explain what is seen, and does it survive a restart of the service?

use std::collections::BTreeSet;

use serde_json::Value;

use crate::driver::Page;
use crate::harness::Process;

/// The key that moves the focus to the next control.
const TAB: &str = "\u{e004}";
const ENTER: &str = "\u{e007}";

/// (spec: inspector.md#route)
#[tokio::test]
#[cfg_attr(not(has_browser), ignore = "chromium and chromedriver are not on the PATH")]
async fn the_page_explains_why_somebody_sees_only_a_part() {
    let page = Page::open().await;
    page.until_connected().await;
    page.click("#tab-explain").await;
    page.type_into("#explain-user", "3").await;
    page.type_into("#explain-key", &format!("motions/motion:1{ENTER}")).await;
    page.until(
        "return document.querySelector('.explanation.partly strong')?.textContent.includes('user 3 (Delegates (3))');",
    )
    .await;
    let lines =
        page.run("return [...document.querySelectorAll('.explanation li')].map((line) => line.textContent);").await;
    let lines = lines.as_array().expect("lines");
    assert!(lines.contains(&Value::from("the permission motions.can_see? yes, by Delegates (3)")), "{lines:?}");
}

#[tokio::test]
#[cfg_attr(not(has_browser), ignore = "chromium and chromedriver are not on the PATH")]
async fn the_page_survives_a_restart_of_the_service_without_a_gap() {
    survives_a_restart(Page::open().await).await;
}

pub(crate) async fn survives_a_restart(mut page: Page) {
    page.until_connected().await;
    let port = page.program.port.to_string();
    page.program.signal("KILL").await;
    page.until("return [...document.querySelectorAll('.state')].some((state) => state.dataset.state === 'waiting');")
        .await;
    page.program = Process::start_at(&["demo"], &[("AUTOUPDATE_PORT", &port), ("AUTOUPDATE_HOST", "127.0.0.1")]).await;
    page.program.browser().until_healthy().await;
    page.until_connected().await;
    crate::meeting::until_shown_as_given(&page).await;
}

#[tokio::test]
#[cfg_attr(not(has_browser), ignore = "chromium and chromedriver are not on the PATH")]
async fn the_hall_follows_the_projectors() {
    let page = Page::open().await;
    page.until_connected().await;
    page.click("#tab-hall").await;
    let shown = "return document.querySelector('#panel-hall').textContent.replace(/\\d/g, '').trim();";
    page.until("return document.querySelector('#panel-hall').textContent.length > 40;").await;
    let before = page.run(shown).await;
    // A different slide is shown: a running clock or countdown would change only digits.
    let changed = format!("const now = (() => {{ {shown} }})(); return now !== {before};");
    page.until(&changed).await;
}

#[tokio::test]
#[cfg_attr(not(has_browser), ignore = "chromium and chromedriver are not on the PATH")]
async fn every_control_is_reachable_by_keyboard() {
    let page = Page::open().await;
    page.until_connected().await;
    page.click("#tab-explain").await;
    page.run("document.activeElement.blur(); document.body.tabIndex = -1; document.body.focus();").await;
    // The visible controls, by id or text.
    let controls = "return [...document.querySelectorAll('a[href], button, input, select')]
        .filter((node) => node.checkVisibility() && node.tabIndex >= 0)
        .map((node) => node.id || node.textContent);";
    let wanted: BTreeSet<String> = strings(&page.run(controls).await);
    assert!(wanted.contains("explain-user") && wanted.contains("tab-explain"), "{wanted:?}");
    let mut reached = BTreeSet::new();
    for _ in 0..wanted.len() + 5 {
        page.press(TAB).await;
        let now = page.run("return [document.activeElement.id || document.activeElement.textContent];").await;
        reached.extend(strings(&now));
    }
    assert!(wanted.is_subset(&reached), "not reached: {:?}", wanted.difference(&reached).collect::<Vec<_>>());
    // The tabs are one control, in which arrow keys choose.
    page.run("document.getElementById('tab-explain').focus();").await;
    let mut tabs = BTreeSet::new();
    for _ in 0..5 {
        page.press("\u{e014}").await;
        tabs.extend(strings(&page.run("return [document.querySelector('[role=tab][aria-selected=true]').id];").await));
    }
    assert_eq!(tabs.len(), 5, "{tabs:?}");
}

#[tokio::test]
#[cfg_attr(not(has_axe), ignore = "axe-core is not there: npm install --prefix target/axe axe-core; touch build.rs")]
async fn an_accessibility_checker_finds_nothing_serious() {
    const CHECKER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/axe/node_modules/axe-core/axe.min.js");
    let page = Page::open().await;
    page.until_connected().await;
    let checker = std::fs::read_to_string(CHECKER).expect("a script");
    page.run(&checker).await;
    for tab in ["side", "hall", "voices", "wire", "explain"] {
        page.click(&format!("#tab-{tab}")).await;
        let found = page
            .run_promise(
                "const { violations } = await axe.run();
                 return violations.filter(({ impact }) => ['serious', 'critical'].includes(impact))
                     .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ').slice(0, 300)}`);",
            )
            .await;
        assert_eq!(found, Value::Array(Vec::new()), "{tab}");
    }
}

fn strings(value: &Value) -> BTreeSet<String> {
    value.as_array().expect("a list").iter().map(|text| text.as_str().expect("text").to_owned()).collect()
}
