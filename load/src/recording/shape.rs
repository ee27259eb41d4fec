//! Which texts of a meeting are not somebody's words, but part of its structure? Only those are kept, and only in the
//! fields and the form that the server gives them.

use domain::collection::Collection;

/// The form of a text that may be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// A word that the server knows: `named`, `YNA`, `motions_workflow`.
    Word,
    /// A permission: `motions.can_see`, or `is_submitter`.
    Permission,
    /// A number with decimals: `1.000000`.
    Decimal,
    /// A moment: `2026-11-21T09:00:00.000000+01:00`.
    Moment,
    /// A color: `#317796`.
    Color,
    /// The name of a collection.
    Collection,
    /// The name of a slide: `core/clock`.
    Slide,
    /// A media type: `application/pdf`.
    MediaType,
}

/// The longest text that is kept.
const LENGTH_MAX: usize = 64;

/// Fields that are kept in every known collection.
const EVERYWHERE: &[(&str, Shape)] = &[
    ("collection", Shape::Collection),
    ("yes", Shape::Decimal),
    ("no", Shape::Decimal),
    ("abstain", Shape::Decimal),
    ("weight", Shape::Decimal),
    ("vote_weight", Shape::Decimal),
    ("votesvalid", Shape::Decimal),
    ("votesinvalid", Shape::Decimal),
    ("votescast", Shape::Decimal),
    ("amount_global_yes", Shape::Decimal),
    ("amount_global_no", Shape::Decimal),
    ("amount_global_abstain", Shape::Decimal),
    ("begin_time", Shape::Moment),
    ("end_time", Shape::Moment),
    ("timestamp", Shape::Moment),
    ("create_timestamp", Shape::Moment),
    ("created", Shape::Moment),
    ("last_modified", Shape::Moment),
    ("creation_time", Shape::Moment),
    ("last_email_send", Shape::Moment),
];

/// Returns the fields that are kept in this collection besides.
const fn fields(collection: Collection) -> &'static [(&'static str, Shape)] {
    match collection {
        Collection::AssignmentPoll | Collection::MotionPoll => &[
            ("pollmethod", Shape::Word),
            ("type", Shape::Word),
            ("onehundred_percent_base", Shape::Word),
            ("majority_method", Shape::Word),
        ],
        Collection::Config => &[("key", Shape::Word)],
        Collection::ProjectionDefault => &[("name", Shape::Word)],
        Collection::Projector => &[
            ("color", Shape::Color),
            ("background_color", Shape::Color),
            ("header_background_color", Shape::Color),
            ("header_font_color", Shape::Color),
            ("header_h1_color", Shape::Color),
            ("chyron_background_color", Shape::Color),
            ("chyron_font_color", Shape::Color),
        ],
        Collection::Mediafile => &[("mimetype", Shape::MediaType)],
        Collection::Motion => &[("state_restriction", Shape::Permission)],
        Collection::State => &[("restriction", Shape::Permission), ("css_class", Shape::Word)],
        Collection::Group => &[("permissions", Shape::Permission)],
        Collection::User => &[("auth_type", Shape::Word)],
        Collection::AgendaItem
        | Collection::ListOfSpeakers
        | Collection::Assignment
        | Collection::AssignmentOption
        | Collection::AssignmentVote
        | Collection::ChatGroup
        | Collection::ChatMessage
        | Collection::Countdown
        | Collection::ProjectorMessage
        | Collection::Tag
        | Collection::Category
        | Collection::MotionBlock
        | Collection::MotionChangeRecommendation
        | Collection::MotionCommentSection
        | Collection::MotionOption
        | Collection::MotionVote
        | Collection::StatuteParagraph
        | Collection::Workflow
        | Collection::Topic
        | Collection::PersonalNote => &[],
    }
}

/// The fields of a projector that hold its slides.
const SLIDES: [&str; 3] = ["elements", "elements_preview", "elements_history"];

/// Returns whether a text is kept: in `field`, inside of the element's field `outer` (the same if it is not inside of
/// another one).
pub(super) fn is_kept(collection: Collection, outer: &str, field: &str, text: &str) -> bool {
    if collection == Collection::Projector && SLIDES.contains(&outer) {
        return match field {
            "name" => has(Shape::Slide, text),
            "mode" => has(Shape::Word, text),
            _ => false,
        };
    }
    let kept = EVERYWHERE.iter().chain(fields(collection)).find(|(name, _)| *name == field);
    kept.is_some_and(|(_, shape)| has(*shape, text))
}

/// Returns whether a text can be a value that the server offers for a configuration.
pub(super) fn is_word(text: &str) -> bool {
    has(Shape::Word, text)
}

fn has(shape: Shape, text: &str) -> bool {
    let all = |text: &str, allowed: fn(u8) -> bool| !text.is_empty() && text.bytes().all(allowed);
    let is_lower = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    let in_two = |separator: char, allowed: fn(u8) -> bool| {
        text.split_once(separator).is_some_and(|(one, other)| all(one, allowed) && all(other, allowed))
    };
    text.len() <= LENGTH_MAX
        && match shape {
            Shape::Word => all(text, |byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'),
            Shape::Permission => all(text, is_lower) || in_two('.', is_lower),
            Shape::Decimal => {
                let number = text.strip_prefix('-').unwrap_or(text);
                let is_digit = |byte: u8| byte.is_ascii_digit();
                number.split_once('.').is_some_and(|(one, other)| all(one, is_digit) && all(other, is_digit))
            }
            Shape::Moment => {
                text.len() >= 19
                    && text.as_bytes()[10] == b'T'
                    && all(text, |byte| byte.is_ascii_digit() || b"-:.+TZ".contains(&byte))
            }
            Shape::Color => text.strip_prefix('#').is_some_and(|digits| all(digits, |byte| byte.is_ascii_hexdigit())),
            Shape::Collection => Collection::from_name(text).is_some(),
            Shape::Slide => in_two('/', |byte| byte.is_ascii_lowercase() || byte == b'-'),
            Shape::MediaType => in_two('/', |byte| byte.is_ascii_alphanumeric() || b"-.+".contains(&byte)),
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_form_in_the_right_field_is_kept() {
        let check = |collection, outer, field, text, expected| {
            assert_eq!(is_kept(collection, outer, field, text), expected, "{collection} {outer} {field} {text}");
        };
        check(Collection::Projector, "elements", "name", "core/clock", true);
        check(Collection::Projector, "elements", "name", "Saal A", false);
        check(Collection::Projector, "name", "name", "core/clock", false);
        check(Collection::Group, "permissions", "permissions", "motions.can_see", true);
        check(Collection::Group, "permissions", "permissions", "Ada Example", false);
        check(Collection::Group, "name", "name", "staff", false);
        check(Collection::User, "vote_weight", "vote_weight", "-1.000000", true);
        check(Collection::User, "vote_weight", "vote_weight", "Ada", false);
        check(Collection::User, "number", "number", "1.5", false);
        check(Collection::ListOfSpeakers, "speakers", "begin_time", "2026-11-21T09:00:00.000000+01:00", true);
        check(Collection::ListOfSpeakers, "speakers", "begin_time", "2026", false);
        check(Collection::ListOfSpeakers, "content_object", "collection", "motions/motion", true);
        check(Collection::ListOfSpeakers, "content_object", "collection", "secret/thing", false);
        check(Collection::Projector, "color", "color", "#317796", true);
        check(Collection::Mediafile, "mimetype", "mimetype", "application/pdf", true);
        check(Collection::Mediafile, "path", "path", "a/b", false);
    }
}
