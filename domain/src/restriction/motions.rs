//! Who sees the motions and what belongs to them? (Their polls: `polls`.)

use super::rights::Rights;
use super::rule::{About, Subject, Ties};
use super::view::View;
use super::whole_if;
use crate::element::rule_inputs::{MotionInputs, RuleInputs};
use crate::permission::Permission;

/// (spec: restriction.md#motion-settings)
pub(super) fn of_all_motions(rights: &Rights<'_>, _: &Subject<'_>) -> View {
    whole_if(rights.has(Permission::MotionsCanSee))
}

/// Returns whom a motion is about: its submitters, if its state opens it to them.
pub(super) fn submitters_with_access(inputs: &RuleInputs) -> About<'_> {
    let RuleInputs::Motion(motion) = inputs else {
        return About::NOBODY;
    };
    if motion.opened_to_submitters { About::Users(&motion.submitters) } else { About::NOBODY }
}

/// (spec: restriction.md#motions, restriction.md#motion-comments)
pub(super) fn motion(rights: &Rights<'_>, subject: &Subject<'_>, ties: &Ties<'_>) -> View {
    let RuleInputs::Motion(motion) = subject.inputs else {
        return View::Hidden;
    };
    if !rights.has(Permission::MotionsCanSee) || !(is_open(rights, motion) || ties.is_own()) {
        return View::Hidden;
    }
    let Some(comments) = &motion.comments else {
        return View::Comments(Box::default());
    };
    let kept: Box<[u32]> = (0..)
        .zip(comments)
        .filter(|(_, groups)| rights.is_in("comments[].read_groups_id", groups))
        .map(|(place, _)| place)
        .collect();
    if kept.len() == comments.len() { View::Whole } else { View::Comments(kept) }
}

fn is_open(rights: &Rights<'_>, motion: &MotionInputs) -> bool {
    motion.unrestricted
        || rights.has(Permission::MotionsCanManage)
        || rights.has_one_of("state_restriction", motion.opened_by)
}

/// (spec: restriction.md#motion-blocks)
pub(super) fn block_or_change_recommendation(rights: &Rights<'_>, subject: &Subject<'_>) -> View {
    let RuleInputs::Internal { internal } = subject.inputs else {
        return View::Hidden;
    };
    whole_if(rights.has(Permission::MotionsCanSee) && (!internal || rights.has(Permission::MotionsCanManage)))
}

/// (spec: restriction.md#comment-sections)
pub(super) fn comment_section(rights: &Rights<'_>, subject: &Subject<'_>) -> View {
    let RuleInputs::CommentSection { read_groups } = subject.inputs else {
        return View::Hidden;
    };
    whole_if(
        rights.has(Permission::MotionsCanSee)
            && (rights.has(Permission::MotionsCanManage) || rights.is_in("read_groups_id", read_groups)),
    )
}
