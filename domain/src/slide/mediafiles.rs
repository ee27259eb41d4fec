//! What does the slide of a mediafile show? (spec: projector.md#mediafile)

use super::error::SlideError;
use super::text::{Object, quoted};
use super::{Slide, SlideName};
use crate::collection::Collection;

pub(super) fn mediafile(slide: &Slide<'_, '_>) -> Result<String, SlideError> {
    let mediafile = slide.named_element(SlideName::Mediafile, Collection::Mediafile)?;
    let mut data = Object::new();
    for name in ["path", "mimetype", "media_url_prefix"] {
        data.add(name, &quoted(mediafile.text(name)?));
    }
    Ok(data.finish())
}
