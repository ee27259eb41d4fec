//! Did a world repeat itself exactly? Hashes everything that clients saw, in order and with its time.

use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};
use tokio::time::Instant;

/// What happened in a world. Clones write to the same trace.
#[derive(Clone, Debug)]
pub(crate) struct Trace {
    start: Instant,
    hash: Arc<Mutex<(Sha256, Option<Vec<String>>)>>,
}

impl Trace {
    /// Creates an empty trace. With `keeps_text` it also keeps a description of what happened.
    pub(crate) fn new(keeps_text: bool) -> Self {
        Self { start: Instant::now(), hash: Arc::new(Mutex::new((Sha256::new(), keeps_text.then(Vec::new)))) }
    }

    /// Records that `what` happened to `who` now.
    pub(crate) fn add(&self, who: &str, what: &str) {
        let milliseconds = self.start.elapsed().as_millis();
        let mut guard = self.hash.lock().unwrap_or_else(PoisonError::into_inner);
        let text = format!("{milliseconds:>8} {who}: {what}");
        guard.0.update(text.as_bytes());
        guard.0.update(b"\n");
        if let Some(lines) = &mut guard.1 {
            lines.push(text);
        }
    }

    /// Returns the hash of everything so far, in hexadecimal.
    pub(crate) fn hash(&self) -> String {
        let guard = self.hash.lock().unwrap_or_else(PoisonError::into_inner);
        guard.0.clone().finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }

    /// Returns the description of what happened, if it was kept.
    pub(crate) fn text(&self) -> Vec<String> {
        let guard = self.hash.lock().unwrap_or_else(PoisonError::into_inner);
        guard.1.clone().unwrap_or_default()
    }
}
