//! Who sees the motions and what belongs to them? (Their polls: `polls`.)

use super::rule::{About, Subject, Ties};
use super::view::View;
use super::viewer::Standing;
use super::whole_if;
use crate::element::facts::{Facts, MotionFacts};
use crate::permission::Permission;

/// (spec: restriction.md#motion-settings)
pub(super) fn of_all_motions(standing: &Standing, _: &Subject<'_>) -> View {
    whole_if(standing.has(Permission::MotionsCanSee))
}

/// Whom a motion is about: its submitters, if its state opens it to them.
pub(super) fn submitters_with_access(facts: &Facts) -> About<'_> {
    let Facts::Motion(motion) = facts else {
        return About::NOBODY;
    };
    if motion.opened_to_submitters { About::Users(&motion.submitters) } else { About::NOBODY }
}

/// (spec: restriction.md#motions, restriction.md#motion-comments)
pub(super) fn motion(standing: &Standing, subject: &Subject<'_>, ties: &Ties<'_>) -> View {
    let Facts::Motion(motion) = subject.facts else {
        return View::Hidden;
    };
    if !standing.has(Permission::MotionsCanSee) || !(is_open(standing, motion) || ties.is_own()) {
        return View::Hidden;
    }
    let Some(comments) = &motion.comments else {
        return View::Comments(Box::default());
    };
    let kept: Box<[u32]> =
        (0..).zip(comments).filter(|(_, groups)| standing.is_in(groups)).map(|(place, _)| place).collect();
    if kept.len() == comments.len() { View::Whole } else { View::Comments(kept) }
}

fn is_open(standing: &Standing, motion: &MotionFacts) -> bool {
    motion.unrestricted || standing.has(Permission::MotionsCanManage) || standing.has_one_of(motion.opened_by)
}

/// (spec: restriction.md#motion-blocks)
pub(super) fn block_or_change_recommendation(standing: &Standing, subject: &Subject<'_>) -> View {
    let Facts::Internal { internal } = subject.facts else {
        return View::Hidden;
    };
    whole_if(standing.has(Permission::MotionsCanSee) && (!internal || standing.has(Permission::MotionsCanManage)))
}

/// (spec: restriction.md#comment-sections)
pub(super) fn comment_section(standing: &Standing, subject: &Subject<'_>) -> View {
    let Facts::CommentSection { read_groups } = subject.facts else {
        return View::Hidden;
    };
    whole_if(
        standing.has(Permission::MotionsCanSee)
            && (standing.has(Permission::MotionsCanManage) || standing.is_in(read_groups)),
    )
}
