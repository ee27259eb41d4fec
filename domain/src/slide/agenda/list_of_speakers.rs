//! What does the slide of a list of speakers show? (spec: projector.md#list-of-speakers)

use std::borrow::Cow;

use super::instant::instant;
use crate::collection::Collection;
use crate::json::{FieldError, Fields, inside};
use crate::slide::error::{SlideError, Trail};
use crate::slide::lookup::Lookup;
use crate::slide::node::Node;
use crate::slide::text::{Object, boolean, list, quoted};
use crate::slide::users::{full_name_of, named_user};
use crate::slide::{Slide, with_item_number};

pub(in crate::slide) fn list_of_speakers(slide: &Slide<'_, '_>) -> Result<String, SlideError> {
    let speakers = slide.element(Collection::ListOfSpeakers, "list of speakers")?;
    list_of_speakers_data(slide.lookup, &speakers)
}

/// Returns who is speaking according to the list of speakers `node`: has begun and not ended; the last of several.
pub(super) fn current_speaker<'m>(node: &Node<'m>) -> Result<Option<Fields<'m>>, SlideError> {
    Ok(node.objects("speakers")?.into_iter().rfind(|speaker| stage(speaker) == Stage::Current))
}

/// Returns the user who is a speaker.
pub(super) fn speaking_user<'m>(
    lookup: &Lookup<'m>,
    node: &Node<'_>,
    speaker: &Fields<'_>,
) -> Result<Node<'m>, SlideError> {
    let id = speaker.integer("user_id").map_err(|error| node.wrong(&error))?;
    named_user(lookup, id, node.trail_by("speakers"))
}

pub(super) fn list_of_speakers_data(lookup: &Lookup<'_>, node: &Node<'_>) -> Result<String, SlideError> {
    let speakers = node.objects("speakers")?;
    let shown = |speakers: &[&Fields<'_>]| -> Result<String, SlideError> {
        let speakers: Result<Vec<_>, _> = speakers.iter().map(|speaker| formatted(lookup, node, speaker)).collect();
        speakers.map(list)
    };
    let content = node.object("content_object")?;

    let mut data = Object::new();
    data.add("waiting", &shown(&waiting(lookup, node, &speakers)?)?);
    data.add(
        "current",
        &match current_speaker(node)? {
            Some(speaker) => formatted(lookup, node, &speaker)?,
            None => "null".to_owned(),
        },
    );
    data.add("finished", &shown(&finished(lookup, node, &speakers)?)?);
    let collection = content.as_ref().and_then(|content| content.raw("collection"));
    data.add("content_object_collection", collection.unwrap_or("null"));
    data.add("title_information", &title_information(lookup, node, content.as_ref())?);
    data.add("closed", node.copied("closed"));
    Ok(data.finish())
}

#[derive(PartialEq, Eq)]
enum Stage {
    Waiting,
    Current,
    Finished,
}

fn stage(speaker: &Fields<'_>) -> Stage {
    match (speaker.get("begin_time"), speaker.get("end_time")) {
        (_, Some(_)) => Stage::Finished,
        (Some(_), None) => Stage::Current,
        (None, None) => Stage::Waiting,
    }
}

/// Returns the next speakers, as many as the configuration says.
fn waiting<'a, 'm>(
    lookup: &Lookup<'_>,
    node: &Node<'_>,
    speakers: &'a [Fields<'m>],
) -> Result<Vec<&'a Fields<'m>>, SlideError> {
    let mut waiting = Vec::new();
    for speaker in speakers.iter().filter(|speaker| stage(speaker) == Stage::Waiting) {
        let weight = speaker.integer("weight").map_err(|error| node.wrong(&error))?.unwrap_or_default();
        waiting.push((weight, speaker));
    }
    waiting.sort_by_key(|(weight, _)| *weight);
    // A negative number means all of them.
    if let Ok(shown) = usize::try_from(lookup.config_integer("agenda_show_next_speakers", -1)?) {
        waiting.truncate(shown);
    }
    Ok(waiting.into_iter().map(|(_, speaker)| speaker).collect())
}

/// Returns the last speakers, as many as the configuration says.
fn finished<'a, 'm>(
    lookup: &Lookup<'_>,
    node: &Node<'_>,
    speakers: &'a [Fields<'m>],
) -> Result<Vec<&'a Fields<'m>>, SlideError> {
    let shown = usize::try_from(lookup.config_integer("agenda_show_last_speakers", 0)?).unwrap_or_default();
    if shown == 0 {
        return Ok(Vec::new());
    }
    let mut finished = Vec::new();
    for speaker in speakers.iter().filter(|speaker| stage(speaker) == Stage::Finished) {
        let end = speaker.get("end_time").and_then(inside).and_then(instant);
        let end = end.ok_or_else(|| node.wrong(&FieldError::new("end_time", "is not a time")))?;
        finished.push((end, speaker));
    }
    finished.sort_by_key(|(end, _)| *end);
    let hidden = finished.len().saturating_sub(shown);
    Ok(finished.into_iter().skip(hidden).map(|(_, speaker)| speaker).collect())
}

fn formatted(lookup: &Lookup<'_>, node: &Node<'_>, speaker: &Fields<'_>) -> Result<String, SlideError> {
    let wrong = |error| node.wrong(&error);
    let user = speaking_user(lookup, node, speaker)?;
    let pro_speech = match speaker.get("pro_speech") {
        None => "null",
        Some(_) => boolean(speaker.boolean("pro_speech").map_err(wrong)?),
    };
    let weight = match speaker.integer("weight").map_err(wrong)? {
        None => Cow::Borrowed("null"),
        Some(weight) => Cow::Owned(weight.to_string()),
    };
    Ok(Object::new()
        .with("user", &quoted(&full_name_of(&user)?))
        .with("marked", speaker.raw("marked").unwrap_or("null"))
        .with("point_of_order", boolean(speaker.boolean("point_of_order").map_err(wrong)?))
        .with("pro_speech", pro_speech)
        .with("weight", &weight)
        .with("end_time", speaker.raw("end_time").unwrap_or("null"))
        .finish())
}

fn title_information(lookup: &Lookup<'_>, node: &Node<'_>, content: Option<&Fields<'_>>) -> Result<String, SlideError> {
    let item = match content {
        Some(content) => agenda_item(lookup, node, content)?,
        None => None,
    };
    match item {
        Some(item) => with_item_number(node, &item),
        None => Ok(node.copied("title_information").to_owned()),
    }
}

/// Returns the agenda item of the content object.
fn agenda_item<'m>(lookup: &Lookup<'m>, node: &Node<'_>, content: &Fields<'_>) -> Result<Option<Node<'m>>, SlideError> {
    let wrong = |error| node.wrong(&error);
    let collection = content.string("collection").map_err(wrong)?;
    let id = content.integer("id").map_err(wrong)?;
    let (Some(collection), Some(id)) = (collection.as_deref().and_then(Collection::from_name), id) else {
        return Ok(None);
    };
    let trail: Trail = node.trail_by("content_object");
    match lookup.find_id(collection, id, trail)? {
        Some(content) => lookup.follow_if_exists(&content, "agenda_item_id", Collection::AgendaItem),
        None => Ok(None),
    }
}
