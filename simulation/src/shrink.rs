//! Which events does a failing world need to fail? Leaves events out as long as it still fails.

use crate::plan::Plan;
use crate::world::run;

/// Returns the plan reduced to what it needs to fail.
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
