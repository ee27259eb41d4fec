//! How is the real program run by these tests? As a demo, which needs nothing else.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::built::PROGRAM;

/// A running demo with low limits. Killed when dropped.
pub(crate) struct Demo {
    child: Child,
    pub(crate) address: String,
}

impl Demo {
    /// Starts it on a free port, and waits until it listens.
    pub(crate) fn start() -> Self {
        let mut child = Command::new(&*PROGRAM)
            .arg("demo")
            .env_clear()
            .envs([("AUTOUPDATE_HOST", "127.0.0.1"), ("AUTOUPDATE_PORT", "0"), ("LOG_FORMAT", "json")])
            // The attackers have another address, the canary this one.
            .envs([("TRUSTED_PROXIES", "127.0.0.1"), ("CONNECTIONS_PER_ADDRESS_MAX", "50"), ("CONNECTIONS_MAX", "55")])
            // The canary sends less than ten a second.
            .envs([("STREAMS_PER_USER_MAX", "40"), ("SENDS_PER_MINUTE_MAX", "600"), ("CLAPS_PER_MINUTE_MAX", "60")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut log = BufReader::new(child.stderr.take().expect("piped")).lines().map_while(Result::ok);
        let line = log.find(|line| line.contains("\"message\":\"listening\"")).expect("it listens");
        let line: serde_json::Value = serde_json::from_str(&line).expect("a line of the log is JSON");
        let address = line["addresses"].as_str().expect("addresses").trim_matches(['[', ']']).to_owned();
        // Read to the end, so that it never waits for a reader.
        std::thread::spawn(move || log.for_each(drop));
        Self { child, address }
    }

    /// Returns its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
