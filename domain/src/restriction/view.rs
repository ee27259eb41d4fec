//! What is seen of an element? A small value that can be compared, and how it becomes bytes.

use crate::element::Element;
use crate::ids::UserId;
use crate::json::{Fields, push_object};

/// What one viewer sees of one element. Equal views of the same element are equal texts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum View {
    /// Nothing, not even that it exists.
    Hidden,
    /// The element as it is.
    Whole,
    /// The element without these fields.
    Without(&'static [&'static str]),
    /// A list of speakers with only this speaker's notes.
    NotesOf(Option<UserId>),
    /// A motion with only these entries of `comments`, by position.
    Comments(Box<[u32]>),
    /// A user with exactly these fields.
    User(&'static [&'static str]),
    /// A poll.
    Poll(PollView),
}

/// What is seen of a poll (spec: restriction.md#polls).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PollView {
    /// The fields that are removed.
    pub without: &'static [&'static str],
    /// Whether `votescast` is set to the number of those who voted.
    pub counts_votes: bool,
    /// Whose vote it reports; `None` for anonymous.
    pub voter: Option<Voter>,
}

/// What a poll shows its viewer about the viewer's own votes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Voter {
    /// `user_has_voted`
    pub has_voted: bool,
    /// `user_has_voted_for_delegations`
    pub has_voted_for: Box<[UserId]>,
}

impl View {
    /// Returns whether nothing is seen.
    #[must_use]
    pub fn is_hidden(&self) -> bool {
        *self == Self::Hidden
    }

    /// Returns whether the text that `other` shows of an element follows from the text that this view shows: then two
    /// elements that look the same in this view look the same in `other`. May return false where it would be true.
    #[must_use]
    pub fn includes(&self, other: &Self) -> bool {
        // The notes of nobody are left when those of a speaker are removed.
        matches!((self, other), (Self::NotesOf(_), Self::NotesOf(None)))
    }

    /// Appends the JSON text of `element` as this view shows it; nothing if it is hidden.
    ///
    /// Unchanged values keep their bytes (spec: restriction.md#user-fields).
    pub fn render(&self, element: &Element, out: &mut String) {
        let fields = || Fields::of(element.json());
        match self {
            Self::Hidden => {}
            Self::Whole => out.push_str(element.json()),
            Self::Without(names) => {
                let fields = fields();
                let kept = fields.iter().flat_map(Fields::iter).filter(|(name, _)| !names.contains(name));
                push_object(out, kept);
            }
            Self::NotesOf(speaker) => render_speakers(element, *speaker, out),
            Self::Comments(kept) => render_comments(element, kept, out),
            Self::User(names) => {
                let fields = fields();
                let text = |name| fields.as_ref().and_then(|fields| fields.raw(name)).unwrap_or("null");
                push_object(out, names.iter().map(|name| (*name, text(name))));
            }
            Self::Poll(poll) => poll.render(element, out),
        }
    }
}

impl PollView {
    fn render(&self, element: &Element, out: &mut String) {
        let fields = Fields::of(element.json());
        let voted = fields.as_ref().and_then(|fields| fields.users("voted_id").ok()).unwrap_or_default();
        let voted_sorted = sorted(voted);
        let mut added: Vec<(&str, String)> = Vec::new();
        if let Some(voter) = &self.voter {
            added.push(("user_has_voted", voter.has_voted.to_string()));
            added.push(("user_has_voted_for_delegations", id_list(&voter.has_voted_for)));
        }
        if self.counts_votes && !self.without.contains(&"votescast") {
            added.push(("votescast", voted_sorted.len().to_string()));
        }
        if !self.without.contains(&"voted_id") {
            added.push(("voted_id", id_list(&voted_sorted)));
        }
        let kept = fields
            .iter()
            .flat_map(Fields::iter)
            .filter(|(name, _)| !self.without.contains(name) && added.iter().all(|(added, _)| added != name));
        push_object(out, kept.chain(added.iter().map(|(name, text)| (*name, text.as_str()))));
    }
}

fn render_speakers(element: &Element, speaker: Option<UserId>, out: &mut String) {
    let Some(fields) = Fields::of(element.json()) else {
        return;
    };
    let mut speakers = String::from("[");
    for (index, entry) in fields.objects("speakers").unwrap_or_default().iter().enumerate() {
        if index > 0 {
            speakers.push(',');
        }
        let is_own = || speaker.is_some() && entry.user("user_id") == Ok(speaker);
        // Whose entry it is matters only if it has a note.
        push_object(&mut speakers, entry.iter().filter(|(name, _)| *name != "note" || is_own()));
    }
    speakers.push(']');
    push_object(
        out,
        fields.iter().map(|(name, text)| match (name, text) {
            // What is null stays null.
            ("speakers", text) if text != "null" => (name, speakers.as_str()),
            _ => (name, text),
        }),
    );
}

fn render_comments(element: &Element, kept: &[u32], out: &mut String) {
    let Some(fields) = Fields::of(element.json()) else {
        return;
    };
    let all: Vec<&serde_json::value::RawValue> =
        fields.get("comments").and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let comments = list_text(kept.iter().filter_map(|place| all.get(*place as usize)).map(|entry| entry.get()));
    // In their original position: a motion whose comments are all hidden must look exactly like one without any, or
    // viewers who may not see a comment would be sent the motion again when somebody writes one.
    let is_there = fields.iter().any(|(name, _)| name == "comments");
    let missing = (!is_there).then_some(("comments", comments.as_str()));
    let replaced = fields.iter().map(|(name, text)| (name, if name == "comments" { comments.as_str() } else { text }));
    push_object(out, replaced.chain(missing));
}

/// Returns the users in ascending order.
fn sorted(mut users: Vec<UserId>) -> Vec<UserId> {
    users.sort_unstable();
    users
}

fn id_list(users: &[UserId]) -> String {
    list_text(users.iter().map(ToString::to_string))
}

fn list_text<T: AsRef<str>>(entries: impl Iterator<Item = T>) -> String {
    let mut text = String::from("[");
    for (index, entry) in entries.enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(entry.as_ref());
    }
    text.push(']');
    text
}
