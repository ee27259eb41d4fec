//! Which browsers do tests drive, and how is each started?

use std::env;
use std::path::PathBuf;

use serde_json::{Map, Value, json};

use crate::harness::WAIT;

/// A browser that a test can drive.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Browser {
    /// Debian's `chromium`, with its `chromedriver`.
    Chromium,
    /// Debian's `firefox-esr`, with `geckodriver`.
    Firefox,
}

impl Browser {
    /// Returns the driver's program, with the arguments that make it choose a port.
    pub(crate) const fn driver(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::Chromium => ("chromedriver", &["--port=0"]),
            Self::Firefox => ("geckodriver", &["--port", "0"]),
        }
    }

    /// Returns the port from the line with which the driver tells it; `None` from any other line.
    pub(crate) fn port(self, line: &str) -> Option<u16> {
        let before = match self {
            Self::Chromium => "was started successfully on port ",
            Self::Firefox => "Listening on 127.0.0.1:",
        };
        let (_, port) = line.split_once(before)?;
        port.trim_end_matches('.').parse().ok()
    }

    /// Returns what a session asks for: no window, English, little motion, any certificate.
    pub(crate) fn capabilities(self) -> Map<String, Value> {
        let (name, options) = match self {
            Self::Chromium => {
                let arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"];
                let look = ["--lang=en-US", "--window-size=1200,900", "--force-prefers-reduced-motion"];
                let arguments = [arguments.as_slice(), &look].concat();
                ("goog:chromeOptions", json!({ "args": arguments }))
            }
            Self::Firefox => {
                let arguments = ["-headless", "--width=1200", "--height=900"];
                let settings = json!({ "intl.accept_languages": "en-US", "ui.prefersReducedMotion": 1 });
                let program = program("firefox-esr");
                ("moz:firefoxOptions", json!({ "binary": program, "args": arguments, "prefs": settings }))
            }
        };
        let mut capabilities = Map::new();
        capabilities.insert("acceptInsecureCerts".to_owned(), json!(true));
        capabilities.insert("timeouts".to_owned(), json!({ "script": WAIT.as_millis() as u64 }));
        capabilities.insert(name.to_owned(), options);
        if matches!(self, Self::Chromium) {
            capabilities.insert("goog:loggingPrefs".to_owned(), json!({ "browser": "ALL" }));
        }
        capabilities
    }
}

/// Finds a program: some drivers want its path.
fn program(name: &str) -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).map(|folder| folder.join(name)).find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("{name} is not on the PATH"))
}
