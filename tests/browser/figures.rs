//! What does the page cost? A measurement; `docs/PERFORMANCE.md` says how to run it, and the results.

use std::io::{Write as _, stdout};
use std::time::{Duration, Instant};

use crate::driver::Page;

const LOADS: usize = 11;
const PAGES: usize = 20;
const SECONDS: u64 = 30;

/// Records when the first element appeared on the screen.
const WATCH: &str = "new MutationObserver((_, observer) => {
    if (!document.querySelector('.rows > *')) return;
    observer.disconnect();
    requestAnimationFrame(() => setTimeout(() => { window.firstElementMs = performance.now(); }));
}).observe(document, { subtree: true, childList: true });";

#[tokio::test]
#[ignore = "a measurement, see docs/PERFORMANCE.md"]
async fn figures_of_the_page() {
    let page = Page::open().await;
    let mut out = stdout();
    // The streams never end, so only the page's files are counted.
    let weight = page
        .run_promise(
            "const own = performance.getEntriesByType('resource').filter(({ name }) => name.includes('/system/inspector/'));
             return [own.length + 1, [...own, ...performance.getEntriesByType('navigation')].reduce((sum, { decodedBodySize }) => sum + decodedBodySize, 0)];",
        )
        .await;
    let _ = writeln!(out, "files and bytes: {weight}");

    page.run_first(WATCH).await;
    let mut times = Vec::new();
    for _ in 0..LOADS {
        page.reload().await;
        times.push(page.run_promise("while (!window.firstElementMs) await new Promise(requestAnimationFrame); return window.firstElementMs;").await.as_f64().expect("a time"));
    }
    times.sort_by(f64::total_cmp);
    let _ = writeln!(out, "ms until the first element: {times:.0?}, median {:.0}", times[LOADS / 2]);

    let _ = writeln!(out, "one page: {}", measure(&page).await);
    for _ in 1..PAGES {
        page.open_window().await;
        page.until("return document.querySelector('.rows > *') !== null;").await;
    }
    let _ = writeln!(out, "{PAGES} pages: {}", measure(&page).await);
}

/// Reports the CPU time of the service, as a share of one core, and how many lines the last page received meanwhile.
async fn measure(page: &Page) -> String {
    let (cpu, lines, start) = (cpu_seconds(page.program.id()), lines(page).await, Instant::now());
    tokio::time::sleep(Duration::from_secs(SECONDS)).await;
    let share = 100.0 * (cpu_seconds(page.program.id()) - cpu) / start.elapsed().as_secs_f64();
    format!("{share:.2} % CPU, {} lines to the last page", self::lines(page).await - lines)
}

/// Returns the CPU time of all existing threads of a process, in seconds.
fn cpu_seconds(id: u32) -> f64 {
    let threads = std::fs::read_dir(format!("/proc/{id}/task")).expect("a process");
    let nanoseconds = threads.map(|thread| {
        let path = thread.expect("a thread").path().join("schedstat");
        let text = std::fs::read_to_string(path).expect("a thread");
        text.split(' ').next().and_then(|running| running.parse::<f64>().ok()).expect("a number")
    });
    nanoseconds.sum::<f64>() / 1e9
}

/// Returns how many lines the page has received on all of its streams.
async fn lines(page: &Page) -> i64 {
    page.click("#tab-wire").await;
    let lines = "return [...document.querySelectorAll('.stream dt')].filter((name) => name.textContent === 'Lines')
        .reduce((sum, name) => sum + Number(name.nextSibling.textContent.replace(/\\D/g, '')), 0);";
    page.until(lines).await.as_i64().expect("a number")
}
