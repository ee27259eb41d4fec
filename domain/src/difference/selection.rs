//! Which elements of a block are sent to a viewer?

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::element::Element;
use crate::ids::ElementKey;
use crate::meeting::block::{Block, BlockKey};
use crate::meeting::{Meeting, view_entry};
use crate::restriction::view::View;
use crate::restriction::viewer::Viewer;

/// Some elements of a block, each as one viewer sees it.
#[derive(Clone, Debug)]
pub struct Selection {
    /// The block.
    pub block: Arc<Block>,
    /// One view per entry of the block; hidden entries are not part of the selection.
    pub views: Arc<[View]>,
    /// Whether only few viewers see the block like this, because it affects them individually. Then it is not worth
    /// caching.
    pub is_personal: bool,
}

impl Selection {
    /// Selects everything of the block that the viewer sees.
    #[must_use]
    pub fn all(block: &Arc<Block>, viewer: &Viewer) -> Self {
        Self {
            block: Arc::clone(block),
            views: block.entries().iter().map(|entry| view_entry(viewer, entry)).collect(),
            is_personal: viewer.is_among(block.affected_users()),
        }
    }

    /// Returns whether nothing of the block is selected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.views.iter().all(View::is_hidden)
    }

    /// Returns the elements as JSON, separated by commas.
    #[must_use]
    pub fn render(&self) -> String {
        self.render_by(|_, element, view, out| view.render(element, out))
    }

    /// Does the same, with `render` appending the text of an element, given its position in the block.
    #[must_use]
    pub fn render_by(&self, mut render: impl FnMut(usize, &Element, &View, &mut String)) -> String {
        let mut text = String::new();
        for (place, (entry, view)) in self.block.entries().iter().zip(&*self.views).enumerate() {
            if !view.is_hidden() {
                if !text.is_empty() {
                    text.push(',');
                }
                render(place, &entry.element, view, &mut text);
            }
        }
        text
    }

    /// Returns the approximate size when rendered, in bytes.
    #[must_use]
    pub fn bytes_about(&self) -> usize {
        let seen = self.block.entries().iter().zip(&*self.views).filter(|(_, view)| !view.is_hidden());
        seen.map(|(entry, _)| entry.element.json().len()).sum()
    }
}

/// Returns the blocks that hold these elements, with only these selected.
pub(super) fn select(meeting: &Meeting, viewer: &Viewer, views: BTreeMap<ElementKey, View>) -> Vec<Selection> {
    let mut views = views.into_iter().peekable();
    let mut selections = Vec::new();
    while let Some((first, _)) = views.peek() {
        let block_key = BlockKey::of(*first);
        let mut of_block = BTreeMap::new();
        while let Some((key, view)) = views.next_if(|(key, _)| BlockKey::of(*key) == block_key) {
            of_block.insert(key, view);
        }
        if let Some(block) = meeting.block(block_key) {
            let views = block.entries().iter();
            let views = views.map(|entry| of_block.remove(&entry.element.key()).unwrap_or(View::Hidden)).collect();
            let is_personal = viewer.is_among(block.affected_users());
            selections.push(Selection { block: Arc::clone(block), views, is_personal });
        }
    }
    selections.retain(|selection| !selection.is_empty());
    selections
}
