//! What may a rule ask about the viewer's access profile, and what did it ask?

use std::cell::RefCell;

use super::viewer::AccessProfile;
use crate::ids::GroupId;
use crate::permission::{Permission, PermissionSet};
use crate::reach::DecidingConfig;

/// A question that a rule asked about the viewer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Question {
    /// Does the viewer have this permission? (spec: restriction.md#has)
    Permission(Permission),
    /// Does the viewer have one of these permissions, which the element names?
    OneOf {
        /// The field of the element that names them, or says why they count.
        field: &'static str,
        /// None if the element names nobody.
        permissions: PermissionSet,
    },
    /// Is the viewer in one of these groups, which the element names? (spec: restriction.md#in)
    Groups {
        /// The field of the element that names them.
        field: &'static str,
        /// In the order of the field.
        groups: Box<[GroupId]>,
    },
    /// Is this configuration value true? (spec: restriction.md#configuration)
    Configuration(DecidingConfig),
    /// Is the viewer logged in?
    LoggedIn,
    /// Is the viewer a superadmin? (spec: restriction.md#superadmin)
    Superadmin,
    /// Is the viewer one of the users whom the element is about?
    OneOfItsUsers,
    /// Did one of the users whom the element is about delegate their vote to the viewer?
    VotesForOneOfItsUsers,
}

/// A question and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What the rule asked.
    pub question: Question,
    /// Whether it is so.
    pub is_yes: bool,
}

/// The questions of one decision with their answers, in the order in which the rule asked. They are only kept while the
/// decision is being explained; otherwise a note costs one comparison.
#[derive(Debug)]
pub(super) struct Trace(Option<RefCell<Vec<Answer>>>);

impl Trace {
    /// Keeps nothing.
    pub(super) const OFF: &'static Self = &Self(None);

    /// Keeps every answer.
    pub(super) fn on() -> Self {
        Self(Some(RefCell::default()))
    }

    /// Notes that `question` was answered by `is_yes`, and returns `is_yes`.
    pub(super) fn note(&self, is_yes: bool, question: impl FnOnce() -> Question) -> bool {
        if let Some(answers) = &self.0 {
            answers.borrow_mut().push(Answer { question: question(), is_yes });
        }
        is_yes
    }

    /// Returns what was noted.
    pub(super) fn answers(self) -> Vec<Answer> {
        self.0.map(RefCell::into_inner).unwrap_or_default()
    }
}

/// What every rule may ask about the viewer: the access profile, and so never who exactly it is.
pub(super) struct Rights<'a> {
    profile: &'a AccessProfile,
    trace: &'a Trace,
}

impl<'a> Rights<'a> {
    pub(super) const fn of(profile: &'a AccessProfile, trace: &'a Trace) -> Self {
        Self { profile, trace }
    }

    /// Returns whether the viewer has the permission.
    pub(super) fn has(&self, permission: Permission) -> bool {
        self.trace.note(self.profile.has(permission), || Question::Permission(permission))
    }

    /// Returns whether the viewer has one of these permissions, which `field` of the element names.
    pub(super) fn has_one_of(&self, field: &'static str, permissions: PermissionSet) -> bool {
        self.trace.note(self.profile.has_one_of(permissions), || Question::OneOf { field, permissions })
    }

    /// Returns whether the viewer is in one of these groups, which `field` of the element names.
    pub(super) fn is_in(&self, field: &'static str, groups: &[GroupId]) -> bool {
        self.trace.note(self.profile.is_in(groups), || Question::Groups { field, groups: groups.into() })
    }

    /// Returns whether the configuration shows the notes of speakers to everybody.
    pub(super) fn shows_all_notes(&self) -> bool {
        let config = DecidingConfig::SpeakerNoteForEveryone;
        self.trace.note(self.profile.speaker_note_for_everyone, || Question::Configuration(config))
    }

    /// Returns whether the viewer is a logged-in user.
    pub(super) fn is_logged_in(&self) -> bool {
        self.trace.note(self.profile.logged_in, || Question::LoggedIn)
    }

    /// Returns whether the viewer is a superadmin.
    pub(super) fn is_superadmin(&self) -> bool {
        self.trace.note(self.profile.superadmin, || Question::Superadmin)
    }
}
