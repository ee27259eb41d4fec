//! Who sees the chat?

use super::rule::Subject;
use super::view::View;
use super::viewer::AccessProfile;
use super::whole_if;
use crate::element::rule_inputs::RuleInputs;
use crate::permission::Permission;

/// (spec: restriction.md#chat)
pub(super) fn group_or_message(profile: &AccessProfile, subject: &Subject<'_>) -> View {
    let RuleInputs::Chat { groups } = subject.inputs else {
        return View::Hidden;
    };
    whole_if(profile.has(Permission::ChatCanManage) || profile.is_in(groups))
}
