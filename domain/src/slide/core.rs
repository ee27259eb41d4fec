//! What do the slides of countdowns, messages and the clock show?
//! (spec: projector.md#countdown, projector.md#projector-message, projector.md#clock)

use super::error::SlideError;
use super::text::Object;
use super::{Slide, SlideName};
use crate::collection::Collection;

pub(super) fn countdown(slide: &Slide<'_, '_>) -> Result<String, SlideError> {
    let countdown = slide.named_element(SlideName::Countdown, Collection::Countdown)?;
    let mut data = Object::new();
    countdown.copy_to(&mut data, &["description", "running", "countdown_time"]);
    data.add("warning_time", slide.lookup.config("agenda_countdown_warning_time"));
    Ok(data.finish())
}

pub(super) fn projector_message(slide: &Slide<'_, '_>) -> Result<String, SlideError> {
    let message = slide.named_element(SlideName::ProjectorMessage, Collection::ProjectorMessage)?;
    Ok(message.json().to_owned())
}

pub(super) fn clock() -> Result<String, SlideError> {
    Ok(Object::new().finish())
}
