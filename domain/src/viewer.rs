//! Who is looking? Everything the restriction rules read of the one who asks, resolved once.

use std::sync::Arc;

use crate::facts::Facts;
use crate::ids::{ElementKey, GroupId, UserId};
use crate::meeting::Meeting;
use crate::permission::{Permission, PermissionSet};
use crate::reach::{DecidingConfig, Reach, reach};

/// Everything that a rule reads of the one who asks: two equal viewers see the same of every element.
///
/// Spec: restriction.md, Terms.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Viewer {
    user: Option<UserId>,
    standing: Arc<Standing>,
    /// `vote_delegated_from_users_id` of the user, in its order.
    delegated_from: Arc<[UserId]>,
}

/// What a viewer may see as one of many: all that the rules read except who exactly it is. Nothing in here may tell two
/// users apart who are not to share what is rendered.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Standing {
    /// Is it a logged-in user?
    pub logged_in: bool,
    /// Member of the group that sees everything.
    pub superadmin: bool,
    /// Union of the groups' permissions.
    pub permissions: PermissionSet,
    /// Ascending, each once.
    pub groups: Box<[GroupId]>,
    /// The configuration [`DecidingConfig::SpeakerNoteForEveryone`].
    pub speaker_note_for_everyone: bool,
}

impl Viewer {
    /// The viewer that `user` is in `meeting`; `None`: anonymous.
    #[must_use]
    pub fn resolve(meeting: &Meeting, user: Option<UserId>) -> Self {
        let (groups, delegated_from): (Box<[GroupId]>, Arc<[UserId]>) = match user {
            None => (Box::new([GroupId::DEFAULT]), Arc::default()),
            Some(id) => match meeting.get(ElementKey::user(id)).map(|element| element.facts()) {
                Some(Facts::User(user)) => (user.groups.clone(), (&*user.delegated_from).into()),
                // A user that does not exist, or cannot be read, is in no group at all.
                _ => (Box::default(), Arc::default()),
            },
        };
        let permissions =
            groups.iter().map(|group| meeting.permissions(*group)).fold(PermissionSet::EMPTY, PermissionSet::union);
        Self {
            user,
            standing: Arc::new(Standing {
                logged_in: user.is_some(),
                superadmin: user.is_some() && groups.contains(&GroupId::ADMIN),
                permissions,
                groups,
                speaker_note_for_everyone: meeting.is_true(DecidingConfig::SpeakerNoteForEveryone),
            }),
            delegated_from,
        }
    }

    /// One of this viewer's standing whom no element names.
    pub(crate) fn stranger(&self) -> Self {
        // Ids are positive, so nobody is user 0.
        Self {
            user: self.user.map(|_| UserId(0)),
            standing: Arc::clone(&self.standing),
            delegated_from: Arc::default(),
        }
    }

    /// The user; `None`: anonymous.
    #[must_use]
    pub fn user(&self) -> Option<UserId> {
        self.user
    }

    /// What it may see as one of many.
    #[must_use]
    pub fn standing(&self) -> &Arc<Standing> {
        &self.standing
    }

    /// The users who delegated their vote to it, in the order of the field.
    #[must_use]
    pub fn delegated_from(&self) -> &[UserId] {
        &self.delegated_from
    }

    /// Does one of `named` (ascending) decide what this viewer sees beyond its standing: itself, or one who delegated
    /// the vote to it?
    #[must_use]
    pub fn is_named_in(&self, named: &[UserId]) -> bool {
        self.user.iter().chain(&*self.delegated_from).any(|user| named.binary_search(user).is_ok())
    }

    /// Whose [`Viewer`], or right to be served at all, does this element of `meeting` decide?
    #[must_use]
    pub fn deciding(meeting: &Meeting, key: ElementKey) -> Deciding {
        match reach(key.collection) {
            Reach::Everybody => Deciding::Everybody,
            Reach::ItsUser => Deciding::User(UserId(key.id.0)),
            Reach::Configuration => match meeting.get(key).map(|element| element.facts()) {
                Some(Facts::Config { key: Some(key), .. }) if DecidingConfig::from_name(key).is_some() => {
                    Deciding::Everybody
                }
                _ => Deciding::Nobody,
            },
            Reach::Itself | Reach::Required(..) => Deciding::Nobody,
        }
    }
}

impl Standing {
    /// `has(P)`
    #[must_use]
    pub fn has(&self, permission: Permission) -> bool {
        self.superadmin || self.permissions.contains(permission)
    }

    /// `has(P)` for one of these.
    #[must_use]
    pub fn has_one_of(&self, permissions: PermissionSet) -> bool {
        !permissions.is_empty() && (self.superadmin || self.permissions.intersects(permissions))
    }

    /// `in(G)`
    #[must_use]
    pub fn is_in(&self, groups: &[GroupId]) -> bool {
        self.superadmin || groups.iter().any(|group| self.groups.contains(group))
    }
}

/// Whose [`Viewer`] an element decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deciding {
    /// Nobody's
    Nobody,
    /// Just this user's
    User(UserId),
    /// Possibly everybody's
    Everybody,
}
