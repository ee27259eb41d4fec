//! How is the meeting read from memory?

use async_trait::async_trait;
use domain::ids::ChangeId;
use domain::ports::element_store::{
    Bounds, ChangedSince, ElementStore, Loss, MeetingPart, RawElement, Snapshot, StoreError,
};
use domain::ports::message_bus::{Channel, Position};

use super::MemoryServer;
use super::failure::{SYSTEM, loss};

/// The meeting of a [`MemoryServer`].
#[derive(Clone, Debug)]
pub struct MemoryElementStore {
    server: MemoryServer,
}

impl MemoryElementStore {
    /// Reads what `server` writes.
    #[must_use]
    pub fn new(server: &MemoryServer) -> Self {
        Self { server: server.clone() }
    }
}

#[async_trait]
impl ElementStore for MemoryElementStore {
    fn name(&self) -> &'static str {
        SYSTEM
    }

    fn loss(&self, part: MeetingPart) -> Loss {
        loss(part)
    }

    async fn load(&self) -> Result<Snapshot, StoreError> {
        let state = self.server.state()?;
        let bounds = state.ready()?;
        let element = |(key, json): (&Vec<u8>, &Vec<u8>)| RawElement { key: key.clone(), json: Some(json.clone()) };
        Ok(Snapshot { bounds, elements: state.elements.iter().map(element).collect() })
    }

    async fn changed_since(&self, since: ChangeId, read: Position) -> Result<ChangedSince, StoreError> {
        let state = self.server.state()?;
        let bounds = state.ready()?;
        let changed = state.changed.iter().filter(|(_, changed)| **changed > since);
        let element = |(key, _): (&Vec<u8>, _)| RawElement { key: key.clone(), json: state.elements.get(key).cloned() };
        let count = state.elements.len() as u64;
        let mut messages = state.stream(Channel::Autoupdate).iter();
        let follows = read == Position::START || messages.any(|message| message.position == read);
        Ok(ChangedSince { bounds, elements: changed.map(element).collect(), count, follows })
    }

    async fn bounds(&self) -> Result<Bounds, StoreError> {
        self.server.state()?.ready()
    }
}
