//! What does a change of an element affect, other than the element itself?

use super::collection::Collection;
use super::permission::Permission;

/// What may look different when an element changes, other than the element itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Nothing.
    Itself,
    /// What the user of that id sees.
    ItsUser,
    /// What everybody sees.
    Everybody,
    /// What everybody sees, if it holds a [`DecidingConfig`].
    Configuration,
    /// Users: everybody with the permission sees those whom the element names (spec: restriction.md#required-users).
    Required(Permission, Named),
}

wire_names! {
    /// A configuration value that the rules or the access check read. They cannot read any other
    /// ([`Meeting::is_true`]), because clients would not be notified when it changes.
    ///
    /// [`Meeting::is_true`]: crate::meeting::Meeting::is_true
    pub enum DecidingConfig {
        SpeakerNoteForEveryone = "agenda_list_of_speakers_speaker_note_for_everyone",
        EnableAnonymous = "general_system_enable_anonymous",
    }
}

/// Which users an element names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// `speakers[].user_id`
    Speakers,
    /// `submitters[].user_id` and `supporters_id`
    SubmittersAndSupporters,
    /// `voted_id`, once the poll is published with names
    Voters,
    /// `assignment_related_users[].user_id`
    Candidates,
    /// `user_id`
    User,
}

/// Returns what a change of an element of the collection may affect.
#[must_use]
pub const fn reach(collection: Collection) -> Reach {
    use Collection as C;
    match collection {
        C::Group => Reach::Everybody,
        C::User => Reach::ItsUser,
        C::Config => Reach::Configuration,
        C::ListOfSpeakers => Reach::Required(Permission::AgendaCanSeeListOfSpeakers, Named::Speakers),
        C::Motion => Reach::Required(Permission::MotionsCanSee, Named::SubmittersAndSupporters),
        C::MotionPoll => Reach::Required(Permission::MotionsCanSee, Named::Voters),
        C::Assignment => Reach::Required(Permission::AssignmentsCanSee, Named::Candidates),
        C::AssignmentOption => Reach::Required(Permission::AssignmentsCanSee, Named::User),
        C::AssignmentPoll => Reach::Required(Permission::AssignmentsCanSee, Named::Voters),
        C::AgendaItem
        | C::AssignmentVote
        | C::Category
        | C::ChatGroup
        | C::ChatMessage
        | C::Countdown
        | C::Mediafile
        | C::MotionBlock
        | C::MotionChangeRecommendation
        | C::MotionCommentSection
        | C::MotionOption
        | C::MotionVote
        | C::PersonalNote
        | C::ProjectionDefault
        | C::Projector
        | C::ProjectorMessage
        | C::State
        | C::StatuteParagraph
        | C::Tag
        | C::Topic
        | C::Workflow => Reach::Itself,
    }
}
