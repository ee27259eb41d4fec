//! What does a projector show of the meeting? One function per slide (spec: projector.md#projector-elements).
//!
//! A slide is a pure function of the meeting, its projector, and its entry in the projector's `elements`. It reads the
//! meeting only through `lookup::Lookup`, which records what it depends on.

mod agenda;
mod assignments;
mod core;
pub mod dependencies;
mod error;
mod lookup;
mod mediafiles;
mod motions;
mod node;
mod polls;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod text;
mod topics;
mod users;

use std::borrow::Cow;
use std::fmt;

use crate::collection::Collection;
use crate::ids::ElementKey;
use crate::json::{Fields, inside, string_literal};
use crate::meeting::Meeting;
use dependencies::Dependencies;
use error::{SlideError, Trail};
use lookup::Lookup;
use node::Node;
use text::{Object, quoted};

wire_names! {
    /// A kind of slide.
    pub enum SlideName {
        ItemList = "agenda/item-list",
        ListOfSpeakers = "agenda/list-of-speakers",
        CurrentListOfSpeakers = "agenda/current-list-of-speakers",
        CurrentListOfSpeakersOverlay = "agenda/current-list-of-speakers-overlay",
        CurrentSpeakerChyron = "agenda/current-speaker-chyron",
        Assignment = "assignments/assignment",
        AssignmentPoll = "assignments/assignment-poll",
        Countdown = "core/countdown",
        ProjectorMessage = "core/projector-message",
        Clock = "core/clock",
        Mediafile = "mediafiles/mediafile",
        Motion = "motions/motion",
        MotionBlock = "motions/motion-block",
        MotionPoll = "motions/motion-poll",
        Topic = "topics/topic",
        User = "users/user",
    }
}

impl fmt::Display for SlideName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl SlideName {
    /// Returns whether the same entry may look different on another projector.
    pub(crate) fn reads_its_projector(self) -> bool {
        matches!(self, Self::CurrentListOfSpeakers | Self::CurrentListOfSpeakersOverlay | Self::CurrentSpeakerChyron)
    }

    fn data(self, slide: &Slide<'_, '_>) -> Result<String, SlideError> {
        match self {
            Self::ItemList => agenda::item_list::item_list(slide),
            Self::ListOfSpeakers => agenda::list_of_speakers::list_of_speakers(slide),
            Self::CurrentListOfSpeakers => agenda::current::current_list_of_speakers(slide),
            Self::CurrentListOfSpeakersOverlay => agenda::current::current_list_of_speakers(slide),
            Self::CurrentSpeakerChyron => agenda::current::current_speaker_chyron(slide),
            Self::Assignment => assignments::assignment(slide),
            Self::AssignmentPoll => assignments::poll(slide),
            Self::Countdown => core::countdown(slide),
            Self::ProjectorMessage => core::projector_message(slide),
            Self::Clock => core::clock(),
            Self::Mediafile => mediafiles::mediafile(slide),
            Self::Motion => motions::motion::motion(slide),
            Self::MotionBlock => motions::block::block(slide),
            Self::MotionPoll => motions::poll::poll(slide),
            Self::Topic => topics::topic(slide),
            Self::User => users::user(slide),
        }
    }
}

/// What a slide is rendered from.
struct Slide<'a, 'm> {
    lookup: &'a Lookup<'m>,
    /// The projector it is shown on.
    projector: ElementKey,
    entry: &'a Fields<'a>,
}

/// A slide as it is shown, and what it depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderedSlide {
    /// `{"data":…,"element":…}`: compact ASCII JSON.
    pub json: Box<str>,
    /// What it depends on.
    pub dependencies: Dependencies,
    /// Why it shows `Internal error`: what was missing or wrong, and by which chain of references it was needed. For
    /// the log; names keys and fields, never values.
    pub diagnostic: Option<String>,
}

/// Returns which slide an entry of a projector's `elements` asks for; `None` if there is no such slide.
#[must_use]
pub fn slide_name(entry: &str) -> Option<SlideName> {
    named(&Fields::of(entry)?).ok()
}

/// Renders the slide that `entry` asks for: the text of an entry in the `elements` of `projector`, in wire form.
///
/// Cannot fail: an error is shown inside the slide (spec: projector.md#slide-internal-error).
#[must_use]
pub fn render_slide(meeting: &Meeting, projector: ElementKey, entry: &str) -> RenderedSlide {
    let lookup = Lookup::new(meeting);
    let data = match Fields::of(entry) {
        Some(fields) => {
            let slide = Slide { lookup: &lookup, projector, entry: &fields };
            named(&fields).and_then(|name| name.data(&slide))
        }
        None => Err(unknown_slide("None")),
    };
    let (data, diagnostic) = match data {
        Ok(data) => (data, None),
        Err(SlideError::Shown(text)) => (error_data(&text), None),
        Err(SlideError::Internal(diagnostic)) => (error_data(SlideError::INTERNAL), Some(diagnostic)),
    };
    RenderedSlide { json: slide_json(&data, entry), dependencies: lookup.into_dependencies(), diagnostic }
}

/// Returns the slide for an entry that is not rendered.
pub(crate) fn refused_slide(entry: &str) -> RenderedSlide {
    RenderedSlide {
        json: slide_json(&error_data(SlideError::INTERNAL), entry),
        dependencies: Dependencies::default(),
        diagnostic: None,
    }
}

fn slide_json(data: &str, entry: &str) -> Box<str> {
    Object::new().with("data", data).with("element", entry).finish().into()
}

fn error_data(text: &str) -> String {
    Object::new().with("error", &quoted(text)).finish()
}

fn named(entry: &Fields<'_>) -> Result<SlideName, SlideError> {
    let raw = entry.get("name").and_then(inside).filter(|name| !name.is_empty());
    let raw = raw.ok_or_else(|| unknown_slide("None"))?;
    let name: Option<Cow<'_, str>> = serde_json::from_str(&quoted(raw)).ok();
    name.and_then(|name| SlideName::from_name(&name)).ok_or_else(|| unknown_slide(raw))
}

fn unknown_slide(name: &str) -> SlideError {
    // The spelling is prescribed by the protocol.
    SlideError::Shown(format!("unknwown slide {name}"))
}

impl<'m> Slide<'_, 'm> {
    /// Returns the element that the entry's `id` names. `what` appears in the error if there is no id.
    fn element(&self, collection: Collection, what: impl fmt::Display) -> Result<Node<'m>, SlideError> {
        let missing = |id: &str| SlideError::Shown(format!("{collection} with id {id} does not exist"));
        let Some(json) = self.entry.get("id") else {
            return Err(SlideError::Shown(format!("id is required for {what} slide")));
        };
        if let Some(text) = inside(json) {
            return Err(missing(text));
        }
        let digits = json.strip_prefix('-').unwrap_or(json);
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(SlideError::Internal("field `id` of the entry is neither an integer nor a string".to_owned()));
        }
        match json.parse() {
            Ok(0) => Err(SlideError::Shown(format!("id is required for {what} slide"))),
            // An id that does not fit into 64 bits names no element.
            Err(_) => Err(missing(json)),
            Ok(id) => self.lookup.find_id(collection, id, Trail::default())?.ok_or_else(|| missing(json)),
        }
    }

    /// Returns the element of the collection that has the slide's own name.
    fn named_element(&self, name: SlideName, collection: Collection) -> Result<Node<'m>, SlideError> {
        self.element(collection, name)
    }

    /// Returns a boolean option of the entry; missing or null is false.
    fn option_is_true(&self, option: &str) -> Result<bool, SlideError> {
        self.entry.boolean(option).map_err(|error| SlideError::Internal(format!("the entry: {error}")))
    }
}

/// Returns the text of `title_information` with `_agenda_item_number` added.
fn with_item_number(node: &Node<'_>, item: &Node<'_>) -> Result<String, SlideError> {
    const NUMBER: &str = "_agenda_item_number";
    let mut object = Object::new();
    for (name, value) in node.object("title_information")?.iter().flat_map(Fields::iter) {
        if name != NUMBER {
            object.add(inside(&string_literal(name)).unwrap_or_default(), value);
        }
    }
    object.add(NUMBER, item_number(item));
    Ok(object.finish())
}

/// Returns the `item_number` of an agenda item.
fn item_number<'m>(item: &Node<'m>) -> &'m str {
    match item.copied("item_number") {
        "null" => "\"\"",
        number => number,
    }
}
