//! What has the peer told to remember?
//!
//! RFC 7541, sections 2.3.2 and 4: the newest entry comes first; the oldest are evicted for it.

use std::collections::VecDeque;
use std::sync::Arc;

use super::static_table::StaticField;

/// What an entry counts beside its bytes.
const ENTRY_OVERHEAD_BYTES: usize = 32;

/// The entries of one connection. Without any it owns no memory, since most connections are idle most of the time.
pub(super) struct DynamicTable {
    /// The newest first.
    entries: VecDeque<Entry>,
    /// The sizes of all entries, as the protocol counts them.
    bytes: usize,
    bytes_max: usize,
}

/// A field that was entered.
pub(super) struct Entry {
    name: Name,
    value: Box<[u8]>,
}

/// The name of an entry.
///
/// It is never copied from one entry to the next: the peer may refer to a name of 4 kB with two bytes, thousands of
/// times a block.
#[derive(Clone)]
pub(super) enum Name {
    Static(&'static StaticField),
    Sent(Arc<[u8]>),
}

impl DynamicTable {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { entries: VecDeque::new(), bytes: 0, bytes_max }
    }

    pub(super) fn bytes_max(&self) -> usize {
        self.bytes_max
    }

    pub(super) fn set_bytes_max(&mut self, bytes: usize) {
        self.bytes_max = bytes;
        self.evict_to(bytes);
    }

    /// The entry of an index, which begin here with 0 for the newest.
    pub(super) fn get(&self, index: usize) -> Option<&Entry> {
        self.entries.get(index)
    }

    /// Enters a field. One that is larger than the table is not entered but, by the protocol, evicts everything.
    pub(super) fn insert(&mut self, name: Name, value: &[u8]) {
        let entry_bytes = size(name.as_bytes(), value);
        let Some(left_bytes) = self.bytes_max.checked_sub(entry_bytes) else {
            self.evict_to(0);
            return;
        };
        self.evict_to(left_bytes);
        self.entries.push_front(Entry { name, value: value.into() });
        self.bytes += entry_bytes;
    }

    fn evict_to(&mut self, bytes: usize) {
        while self.bytes > bytes
            && let Some(oldest) = self.entries.pop_back()
        {
            self.bytes -= size(oldest.name(), oldest.value());
        }
        if self.entries.is_empty() {
            self.entries = VecDeque::new();
        }
    }
}

impl Entry {
    pub(super) fn name(&self) -> &[u8] {
        self.name.as_bytes()
    }

    pub(super) fn shared_name(&self) -> Name {
        self.name.clone()
    }

    pub(super) fn value(&self) -> &[u8] {
        &self.value
    }
}

impl Name {
    pub(super) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Static((name, _)) => name.as_bytes(),
            Self::Sent(name) => name,
        }
    }
}

/// What an entry counts.
fn size(name: &[u8], value: &[u8]) -> usize {
    name.len() + value.len() + ENTRY_OVERHEAD_BYTES
}

#[cfg(test)]
impl DynamicTable {
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The entries, the newest first. Checks what always holds.
    pub(super) fn contents(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let contents: Vec<_> =
            self.entries.iter().map(|entry| (entry.name().to_vec(), entry.value().to_vec())).collect();
        let bytes: usize = contents.iter().map(|(name, value)| name.len() + value.len() + 32).sum();
        assert_eq!(bytes, self.bytes, "the size is that of the entries");
        assert!(bytes <= self.bytes_max, "{bytes} bytes are more than {}", self.bytes_max);
        assert!(!contents.is_empty() || self.entries.capacity() == 0, "no entries, no memory");
        contents
    }
}
