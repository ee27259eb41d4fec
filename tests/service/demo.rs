//! Does the demo do what its greeting says? (`autoupdate demo`)

use std::collections::BTreeSet;
use std::process::Stdio;

use reqwest::Method;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::Command;

use crate::harness::{Failure, Lines, Process, within};

/// Starts the demo, and returns it with what it printed.
async fn start() -> (Process, Vec<String>) {
    let mut demo = Process::start(&["demo"], &[]).await;
    let mut greeting = Vec::new();
    // The list of sessions comes last.
    while !greeting.last().is_some_and(|line: &String| line.trim_start().starts_with("nobody")) {
        greeting.push(demo.output_line().await.expect("the whole greeting"));
    }
    demo.browser().until_healthy().await;
    (demo, greeting)
}

#[tokio::test]
async fn every_shell_line_works_when_pasted() {
    if Command::new("curl").arg("--version").output().await.is_err() {
        return adapters::testing::skip("the demo's shell lines, because `curl` is not installed");
    }
    let (_demo, greeting) = start().await;
    let lines: Vec<_> = greeting.iter().map(|line| line.trim()).filter(|line| line.starts_with("curl ")).collect();
    assert!(lines.len() >= 8, "{greeting:#?}");
    for line in lines {
        check_line(line).await;
    }
}

/// Runs the line in a shell: a stream (`-N`) must send its first lines, any other request must succeed.
async fn check_line(line: &str) {
    // `exec`, so that killing the shell kills curl; the time limit is a last resort.
    let line = line.replacen("curl ", "exec curl -sS --max-time 50 ", 1);
    let mut shell = Command::new("sh");
    shell.args(["-c", &line]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut shell = shell.spawn().expect("sh");
    let mut output = BufReader::new(shell.stdout.take().expect("piped"));
    if line.contains(" -N") {
        let mut first = String::new();
        within(&line, output.read_line(&mut first)).await.expect("text");
        assert_eq!(first, "{\"connected\":true}\n", "{line}");
        // The first data; from the meeting also a change.
        for _ in 0..if line.contains("/autoupdate") { 2 } else { 1 } {
            let mut next = String::new();
            within(&line, output.read_line(&mut next)).await.expect("text");
            let value: serde_json::Value = serde_json::from_str(&next).expect(&next);
            assert!(value.get("error").is_none(), "{line}: {value}");
        }
        return;
    }
    let mut text = String::new();
    within(&line, output.read_to_string(&mut text)).await.expect("text");
    assert!(within(&line, shell.wait()).await.expect("a status").success(), "{line}");
    let expected = if line.contains("/system/health") { "{\"healthy\": true}\n" } else { "" };
    assert_eq!(text, expected, "{line}");
}

#[tokio::test]
async fn its_sessions_see_different_amounts() {
    let (demo, _) = start().await;
    let mut seen = Vec::new();
    for cookie in ["admin", "delegate", "nobody"] {
        let mut watcher = demo.browser().with_cookie(cookie).watch().await;
        watcher.line().await.expect("everything");
        seen.push(watcher.client.data.len());
    }
    assert!(seen[0] > seen[1] && seen[1] > seen[2], "{seen:?}");
    assert_eq!(demo.browser().with_cookie("unknown").failure("/system/autoupdate").await.kind, "auth_required");
}

#[tokio::test]
async fn the_address_in_the_greeting_leads_to_the_page_with_all_its_files() {
    let (demo, greeting) = start().await;
    let browser = demo.browser();
    let address = format!("Open http://localhost:{}/ in a browser", demo.port);
    assert!(greeting.iter().any(|line| line.contains(&address)), "{greeting:#?}");
    // The client follows the redirect.
    let response = browser.get("/").await;
    assert_eq!((response.status().as_u16(), response.url().path()), (200, "/system/inspector"));
    let page = response.text().await.expect("text");
    let mut unread: Vec<String> = references(&page).collect();
    assert_eq!(unread.len(), 3, "{unread:?}");
    let mut read = BTreeSet::new();
    while let Some(path) = unread.pop() {
        if !read.insert(path.clone()) {
            continue;
        }
        let response = browser.get(&path).await;
        assert_eq!(response.status().as_u16(), 200, "{path}");
        let length = response.headers()["content-length"].clone();
        let text = response.text().await.expect("text");
        let head = browser.send(browser.request(Method::HEAD, &path)).await;
        assert_eq!((head.status().as_u16(), &head.headers()["content-length"]), (200, &length), "{path}");
        if path.ends_with(".js") {
            unread.extend(text.split("from \"./").skip(1).filter_map(|rest| {
                let (name, _) = rest.split_once('"')?;
                Some(format!("/system/inspector/{name}"))
            }));
        }
    }
    assert!(read.len() > 10, "{read:?}");
    let post = Failure::of(browser.post("/system/inspector", "").await).await;
    assert_eq!((post.status, post.kind.as_str()), (405, "invalid_request"));
}

/// The paths of the files that the page refers to.
fn references(page: &str) -> impl Iterator<Item = String> {
    page.split('"').filter(|text| text.starts_with("/system/inspector/")).map(str::to_owned)
}

#[tokio::test]
async fn the_page_may_use_any_session_of_the_demo_and_no_other() {
    let (demo, _) = start().await;
    let browser = demo.browser();
    for session in ["admin", "press"] {
        // The request's own cookie does not count.
        let lines = browser.with_cookie("nobody").open(&format!("/as/{session}/system/notify")).await;
        let user = channel_user(lines).await;
        assert_eq!(user, channel_user(browser.with_cookie(session).open("/system/notify").await).await, "{session}");
        assert_ne!(user, channel_user(browser.with_cookie("nobody").open("/system/notify").await).await, "{session}");
    }
    for path in ["/as/unknown/system/notify", "/as/admin", "/as/admin/as/press/system/notify", "/as/admin/metrics"] {
        let failure = browser.failure(path).await;
        assert_eq!(failure, Failure::new(404, "invalid_request", &format!("There is nothing at {path}")));
    }
}

/// The user whose channel it is: the middle of the channel id.
async fn channel_user(mut lines: Lines) -> String {
    let line = lines.next_data().await.expect("a channel id");
    let channel = line["channel_id"].as_str().expect("a channel id");
    channel.split(':').nth(1).expect("three parts").to_owned()
}

#[tokio::test]
async fn it_stops_in_order() {
    let (mut demo, _) = start().await;
    let mut lines = demo.browser().open("/system/autoupdate").await;
    demo.signal("INT").await;
    lines.until_end().await;
    assert_eq!(demo.status().await, Some(0));
}
