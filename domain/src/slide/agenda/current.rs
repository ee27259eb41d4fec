//! Which list of speakers is the current one of a projector, and who is speaking? (spec:
//! projector.md#current-list-of-speakers, projector.md#chyron)

use serde_json::value::RawValue;

use super::list_of_speakers::{current_speaker, list_of_speakers_data, speaking_user};
use crate::collection::Collection;
use crate::ids::ElementKey;
use crate::json::{FieldError, Fields};
use crate::slide::Slide;
use crate::slide::error::{SlideError, Trail};
use crate::slide::lookup::Lookup;
use crate::slide::node::Node;
use crate::slide::text::{Object, quoted};
use crate::slide::users::name_of;

pub(in crate::slide) fn current_list_of_speakers(slide: &Slide<'_, '_>) -> Result<String, SlideError> {
    let projector = own_projector(slide)?;
    match current(slide.lookup, &projector)? {
        Some(speakers) => list_of_speakers_data(slide.lookup, &speakers),
        None => Ok(Object::new().finish()),
    }
}

pub(in crate::slide) fn current_speaker_chyron(slide: &Slide<'_, '_>) -> Result<String, SlideError> {
    let lookup = slide.lookup;
    let projector = own_projector(slide)?;
    let mut data = Object::new()
        .with("background_color", projector.copied("chyron_background_color"))
        .with("font_color", projector.copied("chyron_font_color"));
    if let Some(speakers) = current(lookup, &projector)?
        && let Some(speaker) = current_speaker(&speakers)?
    {
        let user = speaking_user(lookup, &speakers, &speaker)?;
        data.add("current_speaker_name", &quoted(&name_of(&user)?));
        let level = user.text("structure_level")?;
        if !level.is_empty() {
            data.add("current_speaker_level", &quoted(level));
        }
    }
    Ok(data.finish())
}

fn own_projector<'m>(slide: &Slide<'_, 'm>) -> Result<Node<'m>, SlideError> {
    let ElementKey { collection, id } = slide.projector;
    let node = slide.lookup.find(slide.projector, Trail::default())?;
    node.ok_or_else(|| SlideError::missing(format_args!("{collection}:{id}"), &Trail::default()))
}

/// Returns the list of speakers of what the reference projector shows first.
fn current<'m>(lookup: &Lookup<'m>, projector: &Node<'m>) -> Result<Option<Node<'m>>, SlideError> {
    const REFERENCE: &str = "reference_projector_id";
    let reference = match projector.integer(REFERENCE)? {
        None | Some(0) => projector.clone(),
        Some(id) => lookup.require(Collection::Projector, id, projector.trail_by(REFERENCE))?,
    };
    // Every id is checked before the first element is read: one that is not a number is an error wherever it is.
    let mut shown = Vec::new();
    for entry in entries(&reference)? {
        shown.extend(named_element(&entry)?);
    }
    for key in shown {
        if let Some(element) = lookup.find(key, reference.trail_by("elements"))?
            && let Some(speakers) =
                lookup.follow_if_exists(&element, "list_of_speakers_id", Collection::ListOfSpeakers)?
        {
            return Ok(Some(speakers));
        }
    }
    Ok(None)
}

/// Returns the entries of a projector that are objects.
fn entries<'m>(projector: &Node<'m>) -> Result<Vec<Fields<'m>>, SlideError> {
    const ELEMENTS: &str = "elements";
    let entries: Vec<&'m RawValue> = match projector.copied(ELEMENTS) {
        "null" => Vec::new(),
        json => serde_json::from_str(json).map_err(|_| projector.wrong(&FieldError::new(ELEMENTS, "is not a list")))?,
    };
    Ok(entries.into_iter().filter_map(|entry| Fields::of(entry.get())).collect())
}

/// Returns the element that an entry names, if it has an id and the collection exists.
fn named_element(entry: &Fields<'_>) -> Result<Option<ElementKey>, SlideError> {
    let Some(id) = entry.get("id") else {
        return Ok(None);
    };
    let digits = id.strip_prefix('-').unwrap_or(id);
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(SlideError::Shown("elements.id is not an int.".to_owned()));
    }
    let name = entry.string("name").ok().flatten();
    let collection = name.as_deref().and_then(Collection::from_name);
    // An id that is not positive, or does not fit into 64 bits, names no element.
    let id = id.parse().ok().filter(|id| *id > 0);
    Ok(collection.zip(id).map(|(collection, id)| ElementKey::new(collection, id)))
}
