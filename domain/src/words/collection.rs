//! Which collections are there? This is the only place with their names (spec: restriction.md#unknown-collections).

use std::fmt;

wire_names! {
    /// A kind of element. The variants are in alphabetical order of their names, which is the order of collections in a
    /// line (spec: stream.md#sorted).
    pub enum Collection {
        AgendaItem = "agenda/item",
        ListOfSpeakers = "agenda/list-of-speakers",
        Assignment = "assignments/assignment",
        AssignmentOption = "assignments/assignment-option",
        AssignmentPoll = "assignments/assignment-poll",
        AssignmentVote = "assignments/assignment-vote",
        ChatGroup = "chat/chat-group",
        ChatMessage = "chat/chat-message",
        Config = "core/config",
        Countdown = "core/countdown",
        ProjectionDefault = "core/projection-default",
        Projector = "core/projector",
        ProjectorMessage = "core/projector-message",
        Tag = "core/tag",
        Mediafile = "mediafiles/mediafile",
        Category = "motions/category",
        Motion = "motions/motion",
        MotionBlock = "motions/motion-block",
        MotionChangeRecommendation = "motions/motion-change-recommendation",
        MotionCommentSection = "motions/motion-comment-section",
        MotionOption = "motions/motion-option",
        MotionPoll = "motions/motion-poll",
        MotionVote = "motions/motion-vote",
        State = "motions/state",
        StatuteParagraph = "motions/statute-paragraph",
        Workflow = "motions/workflow",
        Topic = "topics/topic",
        Group = "users/group",
        PersonalNote = "users/personal-note",
        User = "users/user",
    }
}

impl fmt::Display for Collection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::Collection;

    #[test]
    fn the_thirty_collections_stand_in_the_order_of_their_names() {
        assert_eq!(Collection::ALL.len(), 30);
        let names = Collection::ALL.map(Collection::name);
        assert!(names.is_sorted());
        assert!(Collection::ALL.is_sorted());
    }

    #[test]
    fn names_lead_back_to_their_collection() {
        for collection in Collection::ALL {
            assert_eq!(Collection::from_name(collection.name()), Some(collection));
        }
        assert_eq!(Collection::from_name("agenda/Item"), None);
    }
}
