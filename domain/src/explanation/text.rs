//! How is an explanation put into words?

use std::fmt::Write as _;

use super::{Explanation, FieldChange, Grant, Remedy, Verdict};
use crate::collection::Collection;
use crate::ids::{ElementKey, GroupId};
use crate::json::Fields;
use crate::meeting::Meeting;
use crate::permission::{Permission, PermissionSet};
use crate::restriction::rights::{Answer, Question};

/// How many of the elements that require a user are listed.
const REQUIRING_MAX: usize = 10;

impl Explanation {
    /// Returns the explanation in English, a line each; `meeting` is the one that was explained.
    #[must_use]
    pub fn lines(&self, meeting: &Meeting) -> Vec<String> {
        let mut lines = vec![self.verdict_line(meeting)];
        if !self.answers.is_empty() {
            lines.push(format!("The rule (restriction.md#{}) asked:", self.anchor));
            lines.extend(self.answers.iter().map(|answer| format!("  {}", self.answer_line(meeting, answer))));
        }
        if self.verdict == Verdict::Hidden {
            if self.remedies.is_empty() {
                lines.push("No further right would make it visible.".to_owned());
            }
            lines.extend(remedy_lines(meeting, "It would be visible", &self.remedies));
        }
        for fields in self.fields.chunk_by(|one, other| one.change == other.change && one.remedies == other.remedies) {
            let (change, remedies) = (fields[0].change, &fields[0].remedies);
            let names: Vec<String> = fields.iter().map(|field| format!("`{}`", field.name)).collect();
            let subject = if let [name] = &names[..] {
                format!("The field {name} is")
            } else {
                format!("The fields {} are", names.join(", "))
            };
            lines.push(match change {
                FieldChange::Removed => format!("{subject} removed."),
                FieldChange::Changed => format!("{subject} shown in part or replaced."),
            });
            if remedies.is_empty() {
                lines.push("  No further right would show it.".to_owned());
            }
            lines.extend(remedy_lines(meeting, "  It would be shown", remedies));
        }
        if !self.required_by.is_empty() {
            lines.push("This user is made visible by:".to_owned());
            lines.extend(self.required_by.iter().take(REQUIRING_MAX).map(|required| {
                let has = if required.viewer_has_it { "has" } else { "does not have" };
                format!("  {} to those with {}, which the viewer {has}", required.key, required.permission.name())
            }));
            if let Some(more) = self.required_by.len().checked_sub(REQUIRING_MAX).filter(|more| *more > 0) {
                lines.push(format!("  and {more} more"));
            }
        }
        lines
    }

    fn verdict_line(&self, meeting: &Meeting) -> String {
        let who = self.who(meeting);
        let key = self.key;
        match self.verdict {
            Verdict::Missing => format!("{key} does not exist in this meeting."),
            Verdict::Unreadable => {
                format!("{key} is hidden from everybody: a field that its rule needs has the wrong type (see the log).")
            }
            Verdict::Hidden => format!("{key} is hidden from {who}."),
            Verdict::Partly => format!("{key} is visible in part to {who}."),
            Verdict::Whole => format!("{key} is visible to {who}, with all fields."),
        }
    }

    fn who(&self, meeting: &Meeting) -> String {
        let groups: Vec<String> =
            self.viewer.profile().groups.iter().map(|group| group_name(meeting, *group)).collect();
        let groups = if groups.is_empty() { "no group".to_owned() } else { groups.join(", ") };
        match self.viewer.user() {
            None => format!("anonymous users ({groups})"),
            Some(user) if meeting.get(ElementKey::user(user)).is_none() => {
                format!("user {user}, who does not exist and so is in no group")
            }
            Some(user) => format!("user {user} ({groups})"),
        }
    }

    fn answer_line(&self, meeting: &Meeting, answer: &Answer) -> String {
        let question = match &answer.question {
            Question::Permission(permission) => format!("the permission {}?", permission.name()),
            Question::OneOf { permissions, field } if permissions.is_empty() => {
                format!("a permission that opens it ({field})? It names none.")
            }
            Question::OneOf { permissions, field } => {
                format!("one of {} ({field}{})?", names(*permissions), state_name(meeting, self.key))
            }
            Question::Groups { groups, field } if groups.is_empty() => {
                format!("one of the groups in {field}? It names none.")
            }
            Question::Groups { groups, field } => {
                let groups: Vec<String> = groups.iter().map(|group| group_name(meeting, *group)).collect();
                format!("one of the groups {} ({field})?", groups.join(", "))
            }
            Question::Configuration(config) => format!("is the configuration value {} true?", config.name()),
            Question::LoggedIn => "logged in?".to_owned(),
            Question::Superadmin => "a superadmin?".to_owned(),
            Question::OneOfItsUsers => "one of the users whom the element is about?".to_owned(),
            Question::VotesForOneOfItsUsers => "entitled to vote for one of them?".to_owned(),
        };
        let reason = if answer.is_yes { self.reason(meeting, &answer.question) } else { String::new() };
        format!("{question} {}{reason}", if answer.is_yes { "yes" } else { "no" })
    }

    /// Returns where a right comes from: the groups that grant it, or being a superadmin.
    fn reason(&self, meeting: &Meeting, question: &Question) -> String {
        let profile = self.viewer.profile();
        let wanted = match question {
            Question::Permission(permission) => PermissionSet::of(*permission),
            Question::OneOf { permissions, .. } => *permissions,
            Question::Groups { .. } if profile.superadmin => return ", as superadmin".to_owned(),
            _ => return String::new(),
        };
        if profile.superadmin {
            return ", as superadmin".to_owned();
        }
        let granting = profile.groups.iter().filter(|group| meeting.permissions(**group).intersects(wanted));
        let granting: Vec<String> = granting.map(|group| group_name(meeting, *group)).collect();
        format!(", by {}", granting.join(", "))
    }
}

fn remedy_lines(meeting: &Meeting, what: &str, remedies: &[Remedy]) -> Vec<String> {
    if remedies.is_empty() {
        return Vec::new();
    }
    let each = remedies.iter().map(|remedy| {
        let grants: Vec<String> = remedy.iter().map(|grant| grant_name(meeting, *grant)).collect();
        grants.join(" and ")
    });
    vec![format!("{what} {}.", each.collect::<Vec<_>>().join(", or "))]
}

/// Returns what could be different, as it follows "would be visible".
fn grant_name(meeting: &Meeting, grant: Grant) -> String {
    match grant {
        Grant::Permission(permission) => format!("with {}", permission.name()),
        Grant::Group(group) => format!("with membership in {}", group_name(meeting, group)),
        Grant::Configuration(config) => format!("with the configuration value {} true", config.name()),
        Grant::Being(user) => format!("to user {user}, whom it is about"),
        Grant::VotingFor(user) => format!("to whoever votes for user {user}"),
    }
}

fn names(permissions: PermissionSet) -> String {
    let named = Permission::ALL.into_iter().filter(|permission| permissions.contains(*permission));
    named.map(Permission::name).collect::<Vec<_>>().join(", ")
}

/// Returns the name and the id: `Delegates (3)`.
fn group_name(meeting: &Meeting, group: GroupId) -> String {
    let mut text = name_of(meeting, ElementKey::new(Collection::Group, group.0)).unwrap_or_else(|| "group".to_owned());
    // Writing to a string cannot fail.
    let _ = write!(text, " ({group})");
    text
}

/// Returns the state that restricts it, if it is a motion.
fn state_name(meeting: &Meeting, key: ElementKey) -> String {
    if key.collection != Collection::Motion {
        return String::new();
    }
    let motion = meeting.get(key);
    let fields = motion.and_then(|motion| Fields::of(motion.json()));
    let id = fields.and_then(|fields| fields.integer("state_id").ok().flatten()).and_then(|id| u64::try_from(id).ok());
    let name = id.and_then(|id| name_of(meeting, ElementKey::new(Collection::State, id)));
    name.map(|name| format!(" of the state \"{name}\"")).unwrap_or_default()
}

fn name_of(meeting: &Meeting, key: ElementKey) -> Option<String> {
    Fields::of(meeting.get(key)?.json())?.string("name").ok().flatten()
}
