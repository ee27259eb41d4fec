//! Who sees the motions and what belongs to them? (Their polls: `polls`.)

use super::view::View;
use super::whole_if;
use crate::element::facts::{Facts, MotionFacts};
use crate::permission::Permission;
use crate::restriction::viewer::Viewer;

/// Spec: restriction.md, Rules by collection.
pub(super) fn of_all_motions(viewer: &Viewer) -> View {
    whole_if(viewer.has(Permission::MotionsCanSee))
}

/// Spec: restriction.md, motions/motion.
pub(super) fn motion(viewer: &Viewer, facts: &Facts) -> View {
    let Facts::Motion(motion) = facts else {
        return View::Hidden;
    };
    if !viewer.has(Permission::MotionsCanSee) || !is_open(viewer, motion) {
        return View::Hidden;
    }
    let Some(comments) = &motion.comments else {
        return View::Comments(Box::default());
    };
    let kept: Box<[u32]> =
        (0..).zip(comments).filter(|(_, groups)| viewer.is_in(groups)).map(|(place, _)| place).collect();
    if kept.len() == comments.len() { View::Whole } else { View::Comments(kept) }
}

fn is_open(viewer: &Viewer, motion: &MotionFacts) -> bool {
    motion.unrestricted
        || viewer.has(Permission::MotionsCanManage)
        || viewer.has_one_of(motion.opened_by)
        || motion.opened_to_submitters
            && viewer.user().is_some_and(|user| motion.submitters.binary_search(&user).is_ok())
}

/// Spec: restriction.md, motions/motion-block, motions/motion-change-recommendation.
pub(super) fn block_or_change_recommendation(viewer: &Viewer, facts: &Facts) -> View {
    let Facts::Internal { internal } = facts else {
        return View::Hidden;
    };
    whole_if(viewer.has(Permission::MotionsCanSee) && (!internal || viewer.has(Permission::MotionsCanManage)))
}

/// Spec: restriction.md, motions/motion-comment-section.
pub(super) fn comment_section(viewer: &Viewer, facts: &Facts) -> View {
    let Facts::CommentSection { read_groups } = facts else {
        return View::Hidden;
    };
    whole_if(
        viewer.has(Permission::MotionsCanSee)
            && (viewer.has(Permission::MotionsCanManage) || viewer.is_in(read_groups)),
    )
}
