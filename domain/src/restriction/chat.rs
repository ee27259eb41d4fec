//! Who sees the chat?

use super::rule::Subject;
use super::view::View;
use super::viewer::Standing;
use super::whole_if;
use crate::element::facts::Facts;
use crate::permission::Permission;

/// (spec: restriction.md#chat)
pub(super) fn group_or_message(standing: &Standing, subject: &Subject<'_>) -> View {
    let Facts::Chat { groups } = subject.facts else {
        return View::Hidden;
    };
    whole_if(standing.has(Permission::ChatCanManage) || standing.is_in(groups))
}
