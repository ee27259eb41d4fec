//! Who sees the polls of motions and elections, their options and their votes?

use super::view::{PollView, View, Voter};
use crate::element::facts::{Facts, PollState};
use crate::ids::UserId;
use crate::permission::Permission;
use crate::restriction::viewer::Viewer;

/// What differs between the polls of motions and those of elections.
pub(super) struct Kind {
    see: Permission,
    manage: Permission,
    /// What neither managers nor the public see before publication: without and with `votescast`.
    withheld: [&'static [&'static str]; 2],
}

pub(super) const MOTIONS: Kind = Kind {
    see: Permission::MotionsCanSee,
    manage: Permission::MotionsCanManagePolls,
    withheld: [&["voted_id", "votesvalid", "votesinvalid"], &["voted_id", "votesvalid", "votesinvalid", "votescast"]],
};

pub(super) const ASSIGNMENTS: Kind = Kind {
    see: Permission::AssignmentsCanSee,
    manage: Permission::AssignmentsCanManage,
    withheld: [
        &["voted_id", "votesvalid", "votesinvalid", "amount_global_yes", "amount_global_no", "amount_global_abstain"],
        &[
            "voted_id",
            "votesvalid",
            "votesinvalid",
            "amount_global_yes",
            "amount_global_no",
            "amount_global_abstain",
            "votescast",
        ],
    ],
};

/// Spec: restriction.md, Polls: `…-poll`.
pub(super) fn poll(viewer: &Viewer, facts: &Facts, kind: &Kind) -> View {
    let Facts::Poll { state, voted } = facts else {
        return View::Hidden;
    };
    if !viewer.has(kind.see) {
        return View::Hidden;
    }
    let has_voted = |user: &UserId| voted.binary_search(user).is_ok();
    let sees_cast = viewer.has(Permission::AgendaCanManageListOfSpeakers);
    View::Poll(PollView {
        voter: viewer.user().map(|user| Voter {
            has_voted: has_voted(&user),
            has_voted_for: viewer.delegated_from().iter().copied().filter(has_voted).collect(),
        }),
        counts_votes: *state == PollState::Open,
        without: match (state, viewer.has(kind.manage)) {
            (PollState::Published, _) | (PollState::Finished, true) => &[],
            (PollState::Open, true) => &["voted_id", "votesvalid", "votesinvalid"],
            (PollState::Open | PollState::Finished, false) => kind.withheld[usize::from(!sees_cast)],
        },
    })
}

/// Spec: restriction.md, Polls: `…-option`.
pub(super) fn option(viewer: &Viewer, facts: &Facts, kind: &Kind) -> View {
    let Facts::Option { poll_state } = facts else {
        return View::Hidden;
    };
    if !viewer.has(kind.see) {
        View::Hidden
    } else if viewer.has(kind.manage) || *poll_state == PollState::Published {
        View::Whole
    } else {
        View::Without(&["yes", "no", "abstain"])
    }
}

/// Spec: restriction.md, Polls: `…-vote`.
pub(super) fn vote(viewer: &Viewer, facts: &Facts, kind: &Kind) -> View {
    let Facts::Vote { poll_state, user, delegated_user } = facts else {
        return View::Hidden;
    };
    if !viewer.has(kind.see) {
        return View::Hidden;
    }
    let manages = viewer.has(kind.manage);
    if *poll_state == PollState::Published || manages && *poll_state == PollState::Finished {
        View::Whole
    } else if manages || viewer.is(*user) || viewer.is(*delegated_user) {
        View::Without(&["user_token"])
    } else {
        View::Hidden
    }
}
