//! Who sees the chat?

use super::rights::Rights;
use super::rule::Subject;
use super::view::View;
use super::whole_if;
use crate::element::rule_inputs::RuleInputs;
use crate::permission::Permission;

/// (spec: restriction.md#chat)
pub(super) fn group_or_message(rights: &Rights<'_>, subject: &Subject<'_>) -> View {
    let RuleInputs::Chat { groups } = subject.inputs else {
        return View::Hidden;
    };
    whole_if(rights.has(Permission::ChatCanManage) || rights.is_in("read_groups_id, write_groups_id", groups))
}
