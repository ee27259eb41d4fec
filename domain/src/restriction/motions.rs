//! Who sees the motions and what belongs to them? (Their polls: `polls`.)

use super::rule::{About, Subject, Ties};
use super::view::View;
use super::viewer::AccessProfile;
use super::whole_if;
use crate::element::rule_inputs::{MotionInputs, RuleInputs};
use crate::permission::Permission;

/// (spec: restriction.md#motion-settings)
pub(super) fn of_all_motions(profile: &AccessProfile, _: &Subject<'_>) -> View {
    whole_if(profile.has(Permission::MotionsCanSee))
}

/// Whom a motion is about: its submitters, if its state opens it to them.
pub(super) fn submitters_with_access(inputs: &RuleInputs) -> About<'_> {
    let RuleInputs::Motion(motion) = inputs else {
        return About::NOBODY;
    };
    if motion.opened_to_submitters { About::Users(&motion.submitters) } else { About::NOBODY }
}

/// (spec: restriction.md#motions, restriction.md#motion-comments)
pub(super) fn motion(profile: &AccessProfile, subject: &Subject<'_>, ties: &Ties<'_>) -> View {
    let RuleInputs::Motion(motion) = subject.inputs else {
        return View::Hidden;
    };
    if !profile.has(Permission::MotionsCanSee) || !(is_open(profile, motion) || ties.is_own()) {
        return View::Hidden;
    }
    let Some(comments) = &motion.comments else {
        return View::Comments(Box::default());
    };
    let kept: Box<[u32]> =
        (0..).zip(comments).filter(|(_, groups)| profile.is_in(groups)).map(|(place, _)| place).collect();
    if kept.len() == comments.len() { View::Whole } else { View::Comments(kept) }
}

fn is_open(profile: &AccessProfile, motion: &MotionInputs) -> bool {
    motion.unrestricted || profile.has(Permission::MotionsCanManage) || profile.has_one_of(motion.opened_by)
}

/// (spec: restriction.md#motion-blocks)
pub(super) fn block_or_change_recommendation(profile: &AccessProfile, subject: &Subject<'_>) -> View {
    let RuleInputs::Internal { internal } = subject.inputs else {
        return View::Hidden;
    };
    whole_if(profile.has(Permission::MotionsCanSee) && (!internal || profile.has(Permission::MotionsCanManage)))
}

/// (spec: restriction.md#comment-sections)
pub(super) fn comment_section(profile: &AccessProfile, subject: &Subject<'_>) -> View {
    let RuleInputs::CommentSection { read_groups } = subject.inputs else {
        return View::Hidden;
    };
    whole_if(
        profile.has(Permission::MotionsCanSee)
            && (profile.has(Permission::MotionsCanManage) || profile.is_in(read_groups)),
    )
}
