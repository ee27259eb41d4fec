//! How does a test open the page in a real browser and inspect it?

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::process::Stdio;

use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::browser::Browser;
use crate::harness::{Process, WAIT, within};

/// The page, served by its own program and opened in its own browser. Both end when this is dropped.
pub(crate) struct Page {
    client: Client,
    session: String,
    driver_port: u16,
    _driver: Child,
    _files: TempDir,
    pub(crate) program: Process,
}

impl Page {
    /// Opens the page of a demo in Chromium.
    pub(crate) async fn open() -> Self {
        Self::open_in(Browser::Chromium).await
    }

    /// Opens the page of a demo.
    pub(crate) async fn open_in(browser: Browser) -> Self {
        let page = Self::start(browser, Process::start(&["demo"], &[]).await).await;
        page.go_to("/").await;
        page
    }

    /// Opens the page that `program` serves at `path`, in Chromium, with this session cookie.
    pub(crate) async fn of(program: Process, path: &str, cookie: &str) -> Self {
        let page = Self::start(Browser::Chromium, program).await;
        let params = json!({ "name": "OpenSlidesSessionID", "value": cookie, "url": page.origin() });
        page.tell_browser("Network.setCookie", params).await;
        page.go_to(path).await;
        page
    }

    async fn start(browser: Browser, program: Process) -> Self {
        let files = tempfile::tempdir().expect("a folder");
        let (driver, driver_port) = within("the driver", start_driver(browser, &files)).await;
        let driver_address = format!("http://127.0.0.1:{driver_port}");
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let connecting = builder.capabilities(browser.capabilities()).connect(&driver_address);
        let client = within("the browser", connecting).await.expect("a session");
        let session = within("the session", client.session_id()).await.expect("a session").expect("an id");
        program.browser().until_healthy().await;
        Self { client, session, driver_port, _driver: driver, _files: files, program }
    }

    fn origin(&self) -> String {
        format!("https://127.0.0.1:{}", self.program.port)
    }

    async fn go_to(&self, path: &str) {
        within("the page", self.client.goto(&format!("{}{path}", self.origin()))).await.expect("the page");
    }

    /// Runs `script` and returns its result.
    pub(crate) async fn run(&self, script: &str) -> Value {
        let run = self.client.execute(script, Vec::new());
        within(script, run).await.unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// Runs `script` as an async function and returns what it resolves to.
    pub(crate) async fn run_promise(&self, script: &str) -> Value {
        let script = format!(
            "const done = arguments[arguments.length - 1];
             (async () => {{ {script} }})().then(done, (error) => done(`failed: ${{error}}`));"
        );
        let run = self.client.execute_async(&script, Vec::new());
        within(&script, run).await.unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// Waits until `script` returns something truthy, and returns that. The script runs whenever the page changes.
    pub(crate) async fn until(&self, script: &str) -> Value {
        self.run_promise(&format!(
            "return new Promise((found) => {{
                 const observer = new MutationObserver(look);
                 observer.observe(document, {{ subtree: true, childList: true, characterData: true, attributes: true }});
                 function look() {{
                     const value = (() => {{ {script} }})();
                     if (value) {{ observer.disconnect(); found(value); }}
                 }}
                 look();
             }});"
        ))
        .await
    }

    /// Clicks on the element that the CSS selector finds.
    pub(crate) async fn click(&self, selector: &str) {
        let element = within(selector, self.client.find(Locator::Css(selector))).await.expect(selector);
        within(selector, element.click()).await.expect(selector);
    }

    /// Types into the element that the CSS selector finds.
    pub(crate) async fn type_into(&self, selector: &str, text: &str) {
        let element = within(selector, self.client.find(Locator::Css(selector))).await.expect(selector);
        within(selector, element.send_keys(text)).await.expect(selector);
    }

    /// Sends a key press to the focused element.
    pub(crate) async fn press(&self, key: &str) {
        let element = within(key, self.client.active_element()).await.expect("the focus");
        within(key, element.send_keys(key)).await.expect(key);
    }

    /// Waits until every stream of both viewers is open and has received something.
    pub(crate) async fn until_connected(&self) {
        self.click("#tab-wire").await;
        let script = "const cards = [...document.querySelectorAll('.stream')];
            return cards.length >= 4 && cards.every((card) => card.querySelector('.state').dataset.state === 'open'
                && Number([...card.querySelectorAll('dt')].find((name) => name.textContent === 'Lines')
                    .nextSibling.textContent.replace(/\\D/g, '')) > 0);";
        self.until(script).await;
    }

    /// Returns what was written to the browser's console since the last call. Only Chromium's driver can tell.
    pub(crate) async fn console(&self) -> Vec<Value> {
        let answer = self.ask_driver("se/log", json!({ "type": "browser" })).await;
        answer.as_array().unwrap_or_else(|| panic!("{answer}")).clone()
    }

    /// Runs `script` in every document that the browser opens from now on, before the document's own scripts.
    pub(crate) async fn run_first(&self, script: &str) {
        self.tell_browser("Page.addScriptToEvaluateOnNewDocument", json!({ "source": script })).await;
    }

    /// Reloads the page.
    pub(crate) async fn reload(&self) {
        within("the page", self.client.refresh()).await.expect("the page");
    }

    /// Opens the page, with its first panel, in another window, because a tab in the background is not drawn.
    pub(crate) async fn open_window(&self) {
        let mut address = within("the address", self.client.current_url()).await.expect("an address");
        address.set_fragment(None);
        let window = within("a window", self.client.new_window(false)).await.expect("a window");
        within("the window", self.client.switch_to_window(window.handle)).await.expect("the window");
        within("the page", self.client.goto(address.as_str())).await.expect("the page");
    }

    /// Sends the browser a command of its DevTools protocol, and returns the answer.
    pub(crate) async fn tell_browser(&self, command: &str, params: Value) -> Value {
        self.ask_driver("goog/cdp/execute", json!({ "cmd": command, "params": params })).await
    }

    /// Sends the driver a command that is not part of WebDriver.
    async fn ask_driver(&self, command: &str, body: Value) -> Value {
        let address = format!("http://127.0.0.1:{}/session/{}/{command}", self.driver_port, self.session);
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let response = within(command, client.post(address).body(body.to_string()).send()).await;
        let text = within(command, response.expect("an answer").text()).await.expect("a body");
        let mut answer: Value = serde_json::from_str(&text).expect(&text);
        answer["value"].take()
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // If the driver were killed, the browser would survive it. So the driver is asked to close it, also when a test
        // fails.
        let end = || -> io::Result<()> {
            let mut driver = TcpStream::connect(("127.0.0.1", self.driver_port))?;
            driver.set_read_timeout(Some(WAIT))?;
            write!(
                driver,
                "DELETE /session/{} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n\r\n",
                self.session, self.driver_port
            )?;
            // The driver answers once the browser has exited.
            driver.read(&mut [0; 1]).map(drop)
        };
        if let Err(error) = end() {
            let _ = writeln!(io::stderr(), "the browser of a test could not be closed: {error}");
        }
    }
}

/// Starts the driver on a port of its choice, and returns the port.
async fn start_driver(browser: Browser, files: &TempDir) -> (Child, u16) {
    let (program, arguments) = browser.driver();
    let mut driver = Command::new(program);
    // The profile of a killed browser is left behind; it is deleted with the folder.
    driver
        .args(arguments)
        .env("TMPDIR", files.path())
        .env("HOME", files.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let mut driver = driver.spawn().expect("the driver");
    let mut lines = BufReader::new(driver.stdout.take().expect("piped")).lines();
    let port = loop {
        let line = lines.next_line().await.expect("text").expect("the driver says its port");
        if let Some(port) = browser.port(&line) {
            break port;
        }
    };
    // Reads on, so that the driver never blocks on its output.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    (driver, port)
}
