//! What does the slide of a topic show? (spec: projector.md#topic)

use super::error::SlideError;
use super::text::Object;
use super::{Slide, SlideName, item_number};
use crate::collection::Collection;

pub(super) fn topic(slide: &Slide<'_, '_>) -> Result<String, SlideError> {
    let topic = slide.named_element(SlideName::Topic, Collection::Topic)?;
    let item = slide.lookup.follow(&topic, "agenda_item_id", Collection::AgendaItem)?;
    let mut data = Object::new();
    topic.copy_to(&mut data, &["title", "text"]);
    data.add("item_number", item.as_ref().map_or("\"\"", item_number));
    Ok(data.finish())
}
