//! Who is a user in a meeting, and which elements affect that?

use std::sync::Arc;

use super::Meeting;
use crate::element::rule_inputs::RuleInputs;
use crate::ids::{ElementKey, GroupId, UserId};
use crate::permission::PermissionSet;
use crate::reach::{DecidingConfig, Reach, reach};
use crate::restriction::viewer::{AccessProfile, Viewer};

impl Viewer {
    /// Returns the viewer that `user` is in `meeting`; `None`: anonymous.
    #[must_use]
    pub fn resolve(meeting: &Meeting, user: Option<UserId>) -> Self {
        let (groups, delegated_from): (Box<[GroupId]>, Arc<[UserId]>) = match user {
            None => (Box::new([GroupId::DEFAULT]), Arc::default()),
            Some(id) => match meeting.get(ElementKey::user(id)).map(|element| element.rule_inputs()) {
                Some(RuleInputs::User(user)) => (user.groups.clone(), (&*user.delegated_from).into()),
                // A user that does not exist, or cannot be read, is in no group at all.
                _ => (Box::default(), Arc::default()),
            },
        };
        let permissions =
            groups.iter().map(|group| meeting.permissions(*group)).fold(PermissionSet::EMPTY, PermissionSet::union);
        let profile = AccessProfile {
            logged_in: user.is_some(),
            superadmin: user.is_some() && groups.contains(&GroupId::ADMIN),
            permissions,
            groups,
            speaker_note_for_everyone: meeting.is_true(DecidingConfig::SpeakerNoteForEveryone),
        };
        Self::new(user, profile, delegated_from)
    }

    /// Returns whose [`Viewer`], or right to be served at all, this element of `meeting` affects.
    #[must_use]
    pub fn affected_by(meeting: &Meeting, key: ElementKey) -> AffectedViewers {
        match reach(key.collection) {
            Reach::Everybody => AffectedViewers::Everybody,
            Reach::ItsUser => AffectedViewers::User(UserId(key.id.0)),
            Reach::Configuration => match meeting.get(key).map(|element| element.rule_inputs()) {
                Some(RuleInputs::Config { key: Some(key), .. }) if DecidingConfig::from_name(key).is_some() => {
                    AffectedViewers::Everybody
                }
                _ => AffectedViewers::Nobody,
            },
            Reach::Itself | Reach::Required(..) => AffectedViewers::Nobody,
        }
    }
}

/// The users whose [`Viewer`] depends on an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AffectedViewers {
    /// No user's
    Nobody,
    /// Only this user's
    User(UserId),
    /// Possibly everybody's
    Everybody,
}
