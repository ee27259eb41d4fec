//! Do messages and applause arrive on the page, and does user input stay plain text?

use serde_json::json;

use crate::driver::Page;

/// The key that sends a message.
const ENTER: &str = "\u{e007}";

#[tokio::test]
#[cfg_attr(not(has_browser), ignore = "chromium and chromedriver are not on the PATH")]
async fn messages_and_applause_arrive_and_messages_stay_text() {
    messages_and_applause_arrive(&Page::open().await).await;
}

pub(crate) async fn messages_and_applause_arrive(page: &Page) {
    page.until_connected().await;
    page.click("#tab-voices").await;
    let message = "<img src=x onerror=\"window.harm = 1\"><script>window.harm = 1</script><b>ü</b>";
    page.type_into("#send-text", &format!("{message}{ENTER}")).await;
    // It arrives at both viewers, left and right.
    let arrived = "return [...document.querySelectorAll('.log li')].filter((entry) =>
        entry.lastChild.textContent === MESSAGE).map((entry) => entry.classList.contains('left') ? 'left' : 'right').sort()";
    let arrived = arrived.replace("MESSAGE", &json!(message).to_string());
    page.until(&format!("{arrived}.length === 2;")).await;
    assert_eq!(page.run(&format!("{arrived};")).await, json!(["left", "right"]));
    let harm = "return [window.harm ?? null, document.querySelectorAll('.log :is(img, script, b)').length];";
    assert_eq!(page.run(harm).await, json!([null, 0]));

    // In the demo's own story more than one person applauds. Applause is over after five seconds, however long the next
    // look takes, so it is given again and again.
    page.click(".clap").await;
    page.run("setInterval(() => document.querySelector('.clap').click(), 2000);").await;
    page.until("return document.querySelector('.meter').getAttribute('aria-valuenow') === '1';").await;
}

#[tokio::test]
#[cfg_attr(not(has_browser), ignore = "chromium and chromedriver are not on the PATH")]
async fn texts_of_motions_cannot_run_or_load_anything() {
    let page = Page::open().await;
    let text = "<p onclick=\"harm()\" style=\"color:red\" id=\"main\">a<script>harm()</script><b>b</b></p><img src=x onerror=harm()>\
                <a href=\"javascript:harm()\">c</a><iframe src=\"/\"></iframe><svg onload=harm()></svg><style>p{}</style>";
    let script = format!(
        "const {{ richText }} = await import('/system/inspector/richtext.js');
         const holder = document.createElement('div');
         holder.append(richText({}));
         return holder.innerHTML;",
        json!(text)
    );
    assert_eq!(page.run_promise(&script).await, "<p>a<b>b</b></p>c");
}

#[tokio::test]
#[cfg_attr(not(has_browser), ignore = "chromium and chromedriver are not on the PATH")]
async fn the_browser_blocks_whatever_is_not_part_of_the_page() {
    let page = Page::open().await;
    let script = "const refused = [];
        document.addEventListener('securitypolicyviolation', (event) => refused.push(event.effectiveDirective));
        const script = document.createElement('script');
        script.textContent = 'window.harm = 1';
        document.body.append(script);
        document.body.setAttribute('onclick', 'window.harm = 1');
        document.body.click();
        document.body.setAttribute('style', 'color: red');
        await fetch('https://elsewhere.invalid/').catch(() => {});
        const image = new Image();
        await new Promise((resolve) => { image.onerror = resolve; image.src = 'https://elsewhere.invalid/x.png'; });
        await new Promise((resolve) => setTimeout(resolve));
        return [window.harm ?? null, refused.sort()];";
    let refused = ["connect-src", "img-src", "script-src-attr", "script-src-elem", "style-src-attr"];
    assert_eq!(page.run_promise(script).await, json!([null, refused]));
    // Shows that the console, which other tests find empty, is really read.
    assert!(!page.console().await.is_empty());
}
