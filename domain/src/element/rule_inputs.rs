//! What do the rules read from an element? It is parsed once, when the element arrives.

use super::references;
use crate::collection::Collection;
use crate::ids::{ElementId, ElementKey, GroupId, UserId};
use crate::json::{FieldError, Fields};
use crate::permission::{Permission, PermissionSet};

/// The inputs of the rule of one element (spec: restriction.md#missing-fields).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleInputs {
    /// The element cannot be read: hidden from everybody.
    Unreadable,
    /// The rule reads nothing of the element.
    None,
    /// `agenda/item`
    AgendaItem {
        /// `is_hidden`
        is_hidden: bool,
        /// `is_internal`
        is_internal: bool,
    },
    /// `agenda/list-of-speakers`
    ListOfSpeakers {
        /// `speakers[].user_id`, ascending, each once.
        speakers: UserSet,
        /// Whether some speaker has a field `note`.
        has_notes: bool,
    },
    /// `motions/motion`
    Motion(Box<MotionInputs>),
    /// `motions/motion-block` and `motions/motion-change-recommendation`
    Internal {
        /// `internal`
        internal: bool,
    },
    /// `motions/motion-comment-section`
    CommentSection {
        /// `read_groups_id`
        read_groups: Box<[GroupId]>,
    },
    /// `mediafiles/mediafile`: `inherited_access_groups_id`
    Mediafile(MediafileAccess),
    /// `…-poll`
    Poll {
        /// `state`
        state: PollState,
        /// `voted_id`, ascending, each once.
        voted: UserSet,
    },
    /// `…-option`
    Option {
        /// `pollstate`
        poll_state: PollState,
    },
    /// `…-vote`
    Vote {
        /// `pollstate`
        poll_state: PollState,
        /// `user_id`
        user: Option<UserId>,
        /// `delegated_user_id`
        delegated_user: Option<UserId>,
    },
    /// `chat/chat-group` and `chat/chat-message`
    Chat {
        /// `read_groups_id` and `write_groups_id`
        groups: Box<[GroupId]>,
    },
    /// `users/user`
    User(Box<UserInputs>),
    /// `users/personal-note`
    PersonalNote {
        /// `user_id`
        user: Option<UserId>,
    },
    /// `users/group`
    Group {
        /// `permissions`
        permissions: PermissionSet,
    },
    /// `core/config`
    Config {
        /// `key`; configuration without a usable key sets no value.
        key: Option<Box<str>>,
        /// The JSON text of `value`.
        value: Box<str>,
    },
}

/// Some users, ascending, each once.
pub type UserSet = Box<[UserId]>;

/// What the rule of `motions/motion` reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MotionInputs {
    /// Whether `state_restriction` is empty.
    pub unrestricted: bool,
    /// The permissions named by `state_restriction` that open the motion.
    pub opened_by: PermissionSet,
    /// Whether `state_restriction` names `is_submitter`.
    pub opened_to_submitters: bool,
    /// `submitters[].user_id`, ascending, each once.
    pub submitters: UserSet,
    /// `comments[].read_groups_id`, one entry per comment, in order; `None` if `comments` is missing or null.
    pub comments: Option<Box<[Box<[GroupId]>]>>,
    /// The motions that its recommendation names (spec: projector.md#motion), so that a slide need not read every
    /// motion.
    pub refers_to: Box<[ElementId]>,
}

/// Who may see a mediafile beyond `mediafiles.can_see`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MediafileAccess {
    /// `true`
    Everybody,
    /// `false`, missing or null
    Nobody,
    /// a list
    Groups(Box<[GroupId]>),
}

/// The state of a poll; anything but the four known numbers counts as not begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PollState {
    /// 1 created, 2 started, or anything unknown
    Open,
    /// 3
    Finished,
    /// 4
    Published,
}

/// What the rules and the authentication read of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserInputs {
    /// `groups_id`, ascending; `[1]` if it is empty or missing.
    pub groups: Box<[GroupId]>,
    /// `vote_delegated_from_users_id`, in its order.
    pub delegated_from: Box<[UserId]>,
    /// False only if `is_active` is false.
    pub is_active: bool,
    /// `is_present`; anything but a boolean counts as not present.
    pub is_present: bool,
    /// `session_auth_hash`
    pub session_auth_hash: Option<Box<str>>,
}

impl RuleInputs {
    /// Reads the inputs that the rule of the element's collection needs.
    ///
    /// # Errors
    /// A field that the rule needs has the wrong type: the element is hidden from everybody.
    pub fn read(key: ElementKey, fields: &Fields<'_>) -> Result<Self, FieldError> {
        use Collection as C;
        Ok(match key.collection {
            C::AgendaItem => Self::AgendaItem {
                is_hidden: fields.boolean("is_hidden")?,
                is_internal: fields.boolean("is_internal")?,
            },
            C::ListOfSpeakers => Self::ListOfSpeakers {
                speakers: users_of_objects(fields, "speakers")?,
                has_notes: fields.objects("speakers")?.iter().any(|speaker| speaker.raw("note").is_some()),
            },
            C::Motion => Self::Motion(Box::new(MotionInputs::read(fields)?)),
            C::MotionBlock | C::MotionChangeRecommendation => Self::Internal { internal: fields.boolean("internal")? },
            C::MotionCommentSection => Self::CommentSection { read_groups: fields.groups("read_groups_id")?.into() },
            C::Mediafile => Self::Mediafile(MediafileAccess::read(fields)?),
            C::AssignmentPoll | C::MotionPoll => {
                Self::Poll { state: PollState::read(fields, "state")?, voted: user_set(fields.users("voted_id")?) }
            }
            C::AssignmentOption | C::MotionOption => Self::Option { poll_state: PollState::read(fields, "pollstate")? },
            C::AssignmentVote | C::MotionVote => Self::Vote {
                poll_state: PollState::read(fields, "pollstate")?,
                user: fields.user("user_id")?,
                delegated_user: fields.user("delegated_user_id")?,
            },
            C::ChatGroup | C::ChatMessage => Self::Chat {
                groups: [fields.groups("read_groups_id")?, fields.groups("write_groups_id")?].concat().into(),
            },
            C::User => Self::User(Box::new(UserInputs::read(fields)?)),
            C::PersonalNote => Self::PersonalNote { user: fields.user("user_id")? },
            C::Group => Self::Group {
                permissions: fields
                    .strings("permissions")?
                    .iter()
                    .filter_map(|name| Permission::from_name(name))
                    .collect(),
            },
            C::Config => Self::Config {
                key: fields.string("key").ok().flatten().map(Into::into),
                value: fields.get("value").unwrap_or("null").into(),
            },
            C::Assignment
            | C::Countdown
            | C::ProjectionDefault
            | C::Projector
            | C::ProjectorMessage
            | C::Tag
            | C::Category
            | C::State
            | C::StatuteParagraph
            | C::Workflow
            | C::Topic => Self::None,
        })
    }
}

impl MotionInputs {
    fn read(fields: &Fields<'_>) -> Result<Self, FieldError> {
        // Only these three open a motion whose state names them; other names in the list open nothing.
        const OPENING: [Permission; 3] =
            [Permission::MotionsCanSeeInternal, Permission::MotionsCanManageMetadata, Permission::MotionsCanManage];
        let restriction = fields.strings("state_restriction")?;
        Ok(Self {
            unrestricted: restriction.is_empty(),
            opened_by: OPENING
                .into_iter()
                .filter(|permission| restriction.iter().any(|name| name == permission.name()))
                .collect(),
            opened_to_submitters: restriction.iter().any(|name| name == "is_submitter"),
            submitters: users_of_objects(fields, "submitters")?,
            comments: match fields.get("comments") {
                None => None,
                Some(_) => Some(
                    fields
                        .objects("comments")?
                        .iter()
                        .map(|comment| comment.groups("read_groups_id").map(Into::into))
                        .collect::<Result<_, _>>()?,
                ),
            },
            refers_to: references::of_fields(fields),
        })
    }
}

impl MediafileAccess {
    fn read(fields: &Fields<'_>) -> Result<Self, FieldError> {
        const FIELD: &str = "inherited_access_groups_id";
        Ok(match fields.get(FIELD) {
            None | Some("false") => Self::Nobody,
            Some("true") => Self::Everybody,
            Some(_) => Self::Groups(
                fields
                    .groups(FIELD)
                    .map_err(|_| FieldError::new(FIELD, "is neither a boolean nor a list of integers"))?
                    .into(),
            ),
        })
    }
}

impl PollState {
    fn read(fields: &Fields<'_>, name: &str) -> Result<Self, FieldError> {
        Ok(match fields.integer(name)? {
            Some(3) => Self::Finished,
            Some(4) => Self::Published,
            _ => Self::Open,
        })
    }
}

impl UserInputs {
    fn read(fields: &Fields<'_>) -> Result<Self, FieldError> {
        let mut groups = fields.groups("groups_id")?;
        if groups.is_empty() {
            groups.push(GroupId::DEFAULT);
        }
        groups.sort_unstable();
        groups.dedup();
        Ok(Self {
            groups: groups.into(),
            delegated_from: fields.users("vote_delegated_from_users_id")?.into(),
            is_active: fields.get("is_active").is_none() || fields.boolean("is_active")?,
            is_present: fields.get("is_present") == Some("true"),
            session_auth_hash: fields.string("session_auth_hash")?.map(Into::into),
        })
    }
}

/// The users in ascending order, each once.
pub(crate) fn user_set(mut users: Vec<UserId>) -> UserSet {
    users.sort_unstable();
    users.dedup();
    users.into()
}

/// `<list>[].user_id` as a set.
pub(crate) fn users_of_objects(fields: &Fields<'_>, list: &str) -> Result<UserSet, FieldError> {
    let users: Result<Vec<_>, _> = fields.objects(list)?.iter().map(|entry| entry.user("user_id")).collect();
    Ok(user_set(users?.into_iter().flatten().collect()))
}
