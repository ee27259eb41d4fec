//! What does the slide of the agenda show? (spec: projector.md#item-list)

use std::collections::BTreeMap;

use crate::collection::Collection;
use crate::slide::error::SlideError;
use crate::slide::node::Node;
use crate::slide::text::{Object, list};
use crate::slide::{Slide, with_item_number};

/// The `type` of the items that everybody may see.
const COMMON: i64 = 1;

struct Item<'m> {
    id: i64,
    weight: i64,
    /// 0: none
    parent: i64,
    node: Node<'m>,
}

pub(in crate::slide) fn item_list(slide: &Slide<'_, '_>) -> Result<String, SlideError> {
    let only_main_items = slide.option_is_true("only_main_items")?;
    let mut items = Vec::new();
    for node in slide.lookup.all(Collection::AgendaItem)? {
        if node.integer("type")? == Some(COMMON) {
            items.push(Item {
                id: i64::try_from(node.key().id.0).unwrap_or(i64::MAX),
                weight: node.integer("weight")?.unwrap_or_default(),
                parent: node.integer("parent_id")?.unwrap_or_default(),
                node,
            });
        }
    }
    items.sort_by_key(|item| (item.weight, item.id));

    let entries: Result<Vec<String>, SlideError> = if only_main_items {
        items.iter().filter(|item| item.parent == 0).map(|item| entry(&item.node, None)).collect()
    } else {
        depth_first(&items).into_iter().map(|(item, depth)| entry(&item.node, Some(depth))).collect()
    };
    Ok(Object::new().with("items", &list(entries?)).finish())
}

/// Starts with the items without a parent. An item that hangs on something else, or on itself, is never reached.
fn depth_first<'a, 'm>(items: &'a [Item<'m>]) -> Vec<(&'a Item<'m>, usize)> {
    let mut children: BTreeMap<i64, Vec<&Item<'m>>> = BTreeMap::new();
    for item in items {
        children.entry(item.parent).or_default().push(item);
    }
    let mut flat = Vec::with_capacity(items.len());
    // What is still to be shown, the next one last. There is no recursion, because a tree may be as deep as it has
    // items.
    let mut ahead: Vec<(&Item<'m>, usize)> = Vec::new();
    let put = |ahead: &mut Vec<_>, children: Option<Vec<&'a Item<'m>>>, depth: usize| {
        ahead.extend(children.into_iter().flatten().rev().map(|item| (item, depth)));
    };
    put(&mut ahead, children.remove(&0), 0);
    while let Some((item, depth)) = ahead.pop() {
        flat.push((item, depth));
        put(&mut ahead, children.remove(&item.id), depth + 1);
    }
    flat
}

fn entry(item: &Node<'_>, depth: Option<usize>) -> Result<String, SlideError> {
    let content = item.object("content_object")?;
    let collection = content.and_then(|content| content.raw("collection")).unwrap_or("null");
    let mut entry =
        Object::new().with("title_information", &with_item_number(item, item)?).with("collection", collection);
    if let Some(depth) = depth {
        entry.add("depth", &depth.to_string());
    }
    Ok(entry.finish())
}
