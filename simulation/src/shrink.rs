//! What of a failing world is needed for it to fail? Leaves out events as long as it still does.

use crate::plan::Plan;
use crate::world::run;

/// Returns the plan without what is not needed for it to fail.
#[must_use]
pub fn shrink(plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    let mut size = plan.events.len() / 2;
    while size > 0 {
        let mut begin = 0;
        while begin < plan.events.len() {
            let mut smaller = plan.clone();
            smaller.events.drain(begin..(begin + size).min(plan.events.len()));
            if fails(&smaller) {
                plan = smaller;
            } else {
                begin += size;
            }
        }
        size /= 2;
    }
    plan
}

fn fails(plan: &Plan) -> bool {
    !run(plan, false).violations.is_empty()
}
