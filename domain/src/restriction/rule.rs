//! What may a rule decide by: the access profile alone, or also whom the element is about?

use super::rights::{Question, Rights, Trace};
use super::view::View;
use super::viewer::Viewer;
use crate::element::rule_inputs::RuleInputs;
use crate::ids::UserId;
use crate::permission::PermissionSet;

/// How an element is restricted, and where the specification says so.
pub(super) struct Rule<'a> {
    /// The anchor of the rule in `docs/spec/restriction.md`.
    pub(super) anchor: &'static str,
    pub(super) decides: Decides<'a>,
}

/// The function of a rule, and what it may base its decision on.
///
/// Text rendered for one viewer is shared with everybody whom the element is not about. So a rule is not given a
/// [`Viewer`]: it can find out who the viewer is only through [`Ties`], which are made from the users that it declares.
pub(super) enum Decides<'a> {
    /// Decides by the viewer's rights, regardless of who the viewer is.
    ByProfile(fn(&Rights<'_>, &Subject<'_>) -> View),
    /// Also decides by whether the viewer is one of these users, or votes for one.
    ByUser(About<'a>, fn(&Rights<'_>, &Subject<'_>, &Ties<'_>) -> View),
}

impl<'a> Rule<'a> {
    /// Creates the rule of `anchor`, which decides by what the viewer may do.
    pub(super) const fn by_profile(anchor: &'static str, decides: fn(&Rights<'_>, &Subject<'_>) -> View) -> Self {
        Self { anchor, decides: Decides::ByProfile(decides) }
    }

    /// Creates the rule of `anchor`, which also decides by whom the element is `about`.
    pub(super) const fn by_user(
        anchor: &'static str,
        about: About<'a>,
        decides: fn(&Rights<'_>, &Subject<'_>, &Ties<'_>) -> View,
    ) -> Self {
        Self { anchor, decides: Decides::ByUser(about, decides) }
    }

    /// Returns what the rule decides for `viewer`; every question that it asks is noted in `trace`.
    pub(super) fn decide(&self, viewer: &Viewer, subject: &Subject<'_>, trace: &Trace) -> View {
        let rights = Rights::of(viewer.profile(), trace);
        match self.decides {
            Decides::ByProfile(decide) => decide(&rights, subject),
            Decides::ByUser(about, decide) => decide(&rights, subject, &Ties::of(viewer, about, trace)),
        }
    }
}

/// What a rule reads of an element.
pub(super) struct Subject<'a> {
    pub(super) inputs: &'a RuleInputs,
    /// For a user, the permissions that make the user visible (spec: restriction.md#required-users).
    pub(super) required_by: PermissionSet,
}

/// The users whom an element is about. For everybody else, only the access profile decides.
#[derive(Clone, Copy, Debug)]
pub(crate) enum About<'a> {
    /// These, in ascending order.
    Users(&'a [UserId]),
    /// One or the other, if they exist.
    Either([Option<UserId>; 2]),
}

impl About<'_> {
    /// No users.
    pub(crate) const NOBODY: Self = Self::Users(&[]);

    /// Iterates over the users, in any order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = UserId> {
        let (many, few) = match self {
            Self::Users(users) => (*users, [None; 2]),
            Self::Either(users) => (&[][..], *users),
        };
        many.iter().copied().chain(few.into_iter().flatten())
    }

    fn contains(&self, user: UserId) -> bool {
        match self {
            Self::Users(users) => users.binary_search(&user).is_ok(),
            Self::Either(users) => users.contains(&Some(user)),
        }
    }
}

/// What ties a viewer to an element: whether the viewer is one of the users whom it is about, and which of these
/// delegated their vote to the viewer.
pub(super) struct Ties<'a> {
    about: About<'a>,
    viewer: &'a Viewer,
    trace: &'a Trace,
}

impl<'a> Ties<'a> {
    pub(super) const fn of(viewer: &'a Viewer, about: About<'a>, trace: &'a Trace) -> Self {
        Self { about, viewer, trace }
    }

    /// Returns the viewer if the element is about them. Anonymous is nobody.
    pub(super) fn own(&self) -> Option<UserId> {
        let own = self.viewer.user().filter(|user| self.about.contains(*user));
        self.trace.note(own.is_some(), || Question::OneOfItsUsers);
        own
    }

    /// Returns whether the element is about the viewer.
    pub(super) fn is_own(&self) -> bool {
        self.own().is_some()
    }

    /// Returns the users whom the element is about and who delegated their vote to the viewer, in the order of the
    /// viewer's field.
    pub(super) fn delegators(&self) -> impl Iterator<Item = UserId> {
        let delegators = || self.viewer.delegated_from().iter().copied().filter(|user| self.about.contains(*user));
        self.trace.note(delegators().next().is_some(), || Question::VotesForOneOfItsUsers);
        delegators()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ids::ChangeId;
    use crate::meeting::Meeting;
    use crate::testing::oracle::Elements;
    use crate::testing::strategies::snapshot;

    /// User 5, to whom 9, 7 and 9 again delegated, and anonymous, before an element about these users.
    #[track_caller]
    fn check(about: About<'_>, own: bool, delegators: &[u64]) {
        let user = json!({ "id": 5, "vote_delegated_from_users_id": [9, 7, 9] });
        let elements = Elements::from([("users/user:5".to_owned(), user)]);
        let meeting = Meeting::load(snapshot(&elements, ChangeId(1_000)), None).meeting;
        let viewer = Viewer::resolve(&meeting, Some(UserId(5)));
        let ties = Ties::of(&viewer, about, Trace::OFF);
        assert_eq!((ties.own(), ties.is_own()), (own.then_some(UserId(5)), own), "{about:?}");
        assert!(ties.delegators().eq(delegators.iter().copied().map(UserId)), "{about:?}");
        let anonymous = Viewer::resolve(&meeting, None);
        let ties = Ties::of(&anonymous, about, Trace::OFF);
        assert_eq!((ties.own(), ties.delegators().next()), (None, None), "{about:?}");
    }

    #[test]
    fn a_viewer_has_ties_to_what_is_about_it_or_its_delegators() {
        check(About::NOBODY, false, &[]);
        check(About::Either([None, None]), false, &[]);
        check(About::Users(&[UserId(4), UserId(5)]), true, &[]);
        check(About::Users(&[UserId(7), UserId(9)]), false, &[9, 7, 9]);
        check(About::Either([None, Some(UserId(5))]), true, &[]);
        check(About::Either([Some(UserId(7)), Some(UserId(5))]), true, &[7]);
    }

    #[test]
    fn every_user_whom_an_element_is_about_is_declared() {
        let users = |about: About<'_>| about.iter().map(|user| user.0).collect::<Vec<_>>();
        assert!(users(About::NOBODY).is_empty());
        assert_eq!(users(About::Users(&[UserId(4), UserId(5)])), [4, 5]);
        assert_eq!(users(About::Either([None, Some(UserId(5))])), [5]);
        assert_eq!(users(About::Either([Some(UserId(6)), Some(UserId(5))])), [6, 5]);
    }
}
