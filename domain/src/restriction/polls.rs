//! Who sees the polls of motions and elections, their options and their votes?

use super::rights::Rights;
use super::rule::{About, Subject, Ties};
use super::view::{PollView, View, Voter};
use crate::element::rule_inputs::{PollState, RuleInputs};
use crate::permission::Permission;

/// What differs between the polls of motions and those of elections.
pub(super) struct PollKind {
    see: Permission,
    manage: Permission,
    /// What is withheld from everybody but managers before publication: without and with `votescast`.
    withheld: [&'static [&'static str]; 2],
}

pub(super) const MOTIONS: PollKind = PollKind {
    see: Permission::MotionsCanSee,
    manage: Permission::MotionsCanManagePolls,
    withheld: [&["voted_id", "votesvalid", "votesinvalid"], &["voted_id", "votesvalid", "votesinvalid", "votescast"]],
};

pub(super) const ASSIGNMENTS: PollKind = PollKind {
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

/// Returns whom a poll is about: those who voted.
pub(super) fn voters(inputs: &RuleInputs) -> About<'_> {
    let RuleInputs::Poll { voted, .. } = inputs else {
        return About::NOBODY;
    };
    About::Users(voted)
}

/// (spec: restriction.md#polls)
pub(super) fn poll(rights: &Rights<'_>, subject: &Subject<'_>, ties: &Ties<'_>, kind: &PollKind) -> View {
    let RuleInputs::Poll { state, .. } = subject.inputs else {
        return View::Hidden;
    };
    if !rights.has(kind.see) {
        return View::Hidden;
    }
    let sees_cast = rights.has(Permission::AgendaCanManageListOfSpeakers);
    View::Poll(PollView {
        voter: rights
            .is_logged_in()
            .then(|| Voter { has_voted: ties.is_own(), has_voted_for: ties.delegators().collect() }),
        counts_votes: *state == PollState::Open,
        without: match (state, rights.has(kind.manage)) {
            (PollState::Published, _) | (PollState::Finished, true) => &[],
            (PollState::Open, true) => &["voted_id", "votesvalid", "votesinvalid"],
            (PollState::Open | PollState::Finished, false) => kind.withheld[usize::from(!sees_cast)],
        },
    })
}

/// (spec: restriction.md#options)
pub(super) fn option(rights: &Rights<'_>, subject: &Subject<'_>, kind: &PollKind) -> View {
    let RuleInputs::Option { poll_state } = subject.inputs else {
        return View::Hidden;
    };
    if !rights.has(kind.see) {
        View::Hidden
    } else if rights.has(kind.manage) || *poll_state == PollState::Published {
        View::Whole
    } else {
        View::Without(&["yes", "no", "abstain"])
    }
}

/// Returns whom a vote is about: the user who cast it, and the user it was cast for.
pub(super) fn users_of_vote(inputs: &RuleInputs) -> About<'_> {
    let RuleInputs::Vote { user, delegated_user, .. } = inputs else {
        return About::NOBODY;
    };
    About::Either([*user, *delegated_user])
}

/// (spec: restriction.md#votes)
pub(super) fn vote(rights: &Rights<'_>, subject: &Subject<'_>, ties: &Ties<'_>, kind: &PollKind) -> View {
    let RuleInputs::Vote { poll_state, .. } = subject.inputs else {
        return View::Hidden;
    };
    if !rights.has(kind.see) {
        return View::Hidden;
    }
    let manages = rights.has(kind.manage);
    if *poll_state == PollState::Published || manages && *poll_state == PollState::Finished {
        View::Whole
    } else if manages || ties.is_own() {
        View::Without(&["user_token"])
    } else {
        View::Hidden
    }
}
