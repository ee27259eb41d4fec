//! What of a block is told to a viewer?

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
    /// One view an entry of the block; hidden ones are not part of the selection.
    pub views: Arc<[View]>,
    /// Is it one of few who see the block like this, because it is named there? Then it is not worth being kept.
    pub is_personal: bool,
}

impl Selection {
    /// Everything of the block that the viewer sees.
    #[must_use]
    pub fn all(block: &Arc<Block>, viewer: &Viewer) -> Self {
        Self {
            block: Arc::clone(block),
            views: block.entries().iter().map(|entry| view_entry(viewer, entry)).collect(),
            is_personal: viewer.is_among(block.affected_users()),
        }
    }

    /// Is nothing of the block selected?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.views.iter().all(View::is_hidden)
    }

    /// The elements as JSON, separated by commas.
    #[must_use]
    pub fn render(&self) -> String {
        self.render_by(|_, element, view, out| view.render(element, out))
    }

    /// The same, where `render` appends the text of an element, given its place in the block.
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

    /// About how many bytes it is rendered.
    #[must_use]
    pub fn bytes_about(&self) -> usize {
        let seen = self.block.entries().iter().zip(&*self.views).filter(|(_, view)| !view.is_hidden());
        seen.map(|(entry, _)| entry.element.json().len()).sum()
    }
}

/// The blocks that hold these elements, and of them just these.
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
