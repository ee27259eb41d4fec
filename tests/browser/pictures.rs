//! Takes the pictures of the page in the documentation: `cargo test --test browser -- --ignored pictures`.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::driver::Page;

const FOLDER: &str = "docs/images";
const QUALITY: u32 = 80;
const WIDTH: u32 = 1200;

#[tokio::test]
#[ignore = "writes to docs/images"]
async fn pictures_of_the_page() {
    let page = Page::open().await;
    page.until_connected().await;
    page.tell_browser("Emulation.setScrollbarsHidden", json!({ "hidden": true })).await;

    page.click("#tab-explain").await;
    page.type_into("#explain-user", "3").await;
    page.type_into("#explain-key", "motions/motion:1\u{e007}").await;
    page.until("return document.querySelector('.explanation.partly') !== null;").await;
    take(&page, "page-explain", WIDTH, 560, "light").await;

    page.click("#tab-side").await;
    page.until(
        "return document.querySelector('#caption.shown')?.textContent.includes('lost') && !document.querySelector('.gone');",
    )
    .await;
    take(&page, "page-light", WIDTH, 860, "light").await;
    take(&page, "page-dark", WIDTH, 860, "dark").await;
    take(&page, "page-phone", 390, 760, "light").await;

    page.click("#tab-hall").await;
    page.until("return document.querySelectorAll('.slide').length > 1;").await;
    take(&page, "page-hall", WIDTH, 620, "light").await;
}

/// Saves a picture of the page in a window of this size, in logical pixels.
async fn take(page: &Page, name: &str, width: u32, height: u32, scheme: &str) {
    let features = json!([
        { "name": "prefers-color-scheme", "value": scheme },
        { "name": "prefers-reduced-motion", "value": "reduce" },
    ]);
    page.tell_browser("Emulation.setEmulatedMedia", json!({ "features": features })).await;
    let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
    page.tell_browser("Emulation.setDeviceMetricsOverride", size).await;
    page.run("document.activeElement?.blur(); scrollTo(0, 0);").await;
    // The new style is drawn before the second frame.
    page.run_promise("for (let i = 0; i < 2; i++) await new Promise(requestAnimationFrame);").await;
    let shot = page.tell_browser("Page.captureScreenshot", json!({ "format": "webp", "quality": QUALITY })).await;
    let picture = STANDARD.decode(shot["data"].as_str().expect("a picture")).expect("base64");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FOLDER).join(format!("{name}.webp"));
    std::fs::write(path, picture).expect("a file");
}
