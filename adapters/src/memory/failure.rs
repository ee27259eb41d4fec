//! How does memory fail, if a test wants it to?

use domain::ports::Unavailable;
use domain::ports::element_store::{Loss, MeetingPart};

/// What log lines and answers call it.
pub(super) const SYSTEM: &str = "the memory";

/// Returns the error of a call that fails on demand.
pub(super) fn silent(cause: &str) -> Unavailable {
    Unavailable::Silent { system: SYSTEM, cause: cause.to_owned() }
}

/// Describes the loss of a part. Only elements can be lost here, all together or the configuration alone.
pub(super) const fn loss(part: MeetingPart) -> Loss {
    let text = match part {
        MeetingPart::Elements => "the meeting in memory has no element",
        MeetingPart::Configuration => "the meeting in memory has no configuration, `core/config`",
        MeetingPart::ChangeIds | MeetingPart::LowestChangeId => "the meeting in memory has no change ids",
    };
    Loss { part, text, advice: "write a whole meeting" }
}
