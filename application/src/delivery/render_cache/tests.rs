//! Are blocks that many viewers see kept, whatever the limit and whatever else is requested?

use std::collections::BTreeMap;

use super::*;
use domain::ids::{ChangeId, GroupId, UserId};
use domain::meeting::Meeting;
use domain::testing::generator::{Generated, Plan};

const ROOM_FOR_ALL: u64 = 64 * 1024 * 1024;

/// A meeting whose users repeatedly request everything.
struct Case {
    meeting: Meeting,
    /// The blocks of the meeting.
    blocks: Vec<Arc<Block>>,
    /// One user from each group.
    one_each: Vec<UserId>,
    delegates: Vec<UserId>,
}

impl Case {
    fn new() -> Self {
        let made = Generated::new(Plan { seed: 1, elements: 3_000, users: 400 });
        let one_each: BTreeMap<_, _> = made.users().iter().map(|(user, group)| (*group, *user)).collect();
        let delegates = made.users().iter().filter(|(_, group)| *group == GroupId(3)).map(|(user, _)| *user);
        let meeting = Meeting::load(made.snapshot(ChangeId(1)), None).meeting;
        // The ids of blocks decide where in the tables they are kept. They depend on which tests ran before, so
        // renumber them, or different entries would be evicted in each run.
        let blocks = meeting.blocks().zip(0..).map(|((_, block), number)| Arc::new(block.renamed(number))).collect();
        Self { meeting, blocks, one_each: one_each.into_values().collect(), delegates: delegates.collect() }
    }

    /// Returns how many blocks were rendered in the last of several rounds in which all these users request everything.
    fn misses(&self, render_cache: &RenderCache, users: &[UserId]) -> u64 {
        const ROUNDS: usize = 8;
        let mut before = 0;
        for _ in 0..ROUNDS {
            before = render_cache.usage().misses;
            for user in users {
                let viewer = Viewer::resolve(&self.meeting, Some(*user));
                for block in &self.blocks {
                    render_cache.all(block, &viewer);
                }
            }
        }
        render_cache.usage().misses - before
    }
}

#[test]
fn what_one_viewer_alone_gets_does_not_push_out_what_is_shared() {
    let case = Case::new();
    let render_cache = RenderCache::new(ROOM_FOR_ALL, Arc::default());
    // Each is affected individually by different blocks, so that together they have seen the shared text of every
    // block.
    case.misses(&render_cache, &case.delegates[..20]);
    let own = case.misses(&render_cache, &case.one_each);
    // Single elements have their own table.
    let shared = || render_cache.by_profile.weight() + render_cache.by_views.weight();
    let kept = shared();
    assert!(case.misses(&render_cache, &case.delegates[20..60]) > 40);
    assert_eq!(shared(), kept);
    assert_eq!(case.misses(&render_cache, &case.one_each), own);
}

#[test]
fn a_text_shared_by_many_access_profiles_counts_once() {
    let case = Case::new();
    let render_cache = RenderCache::new(ROOM_FOR_ALL, Arc::default());
    let texts = |render_cache: &RenderCache| {
        render_cache.by_views.iter().map(|(_, rendered)| rendered.plain().len() as u64).sum::<u64>()
    };
    case.misses(&render_cache, &case.one_each);
    let all_alike = texts(&render_cache) / case.meeting.text_bytes() as u64;
    assert!(all_alike < case.one_each.len() as u64 / 2, "{all_alike} times the meeting");
    assert!(render_cache.usage().bytes > texts(&render_cache));
}

/// Checks how few lookups miss when `users` ask in turn. Each wants what was used longest ago, so a plain queue would
/// always miss.
#[track_caller]
fn check(case: &Case, users: &[UserId], room_percent: u64, misses_percent_max: u64) {
    let nothing_kept = case.misses(&RenderCache::new(0, Arc::default()), users);
    let render_cache = RenderCache::new(ROOM_FOR_ALL, Arc::default());
    case.misses(&render_cache, users);
    let bytes_max = render_cache.usage().bytes * room_percent / 100;
    let render_cache = RenderCache::new(bytes_max, Arc::default());
    let misses = case.misses(&render_cache, users);
    assert!(misses * 100 < nothing_kept * misses_percent_max, "{misses} of {nothing_kept}");
    assert!(render_cache.by_views.weight() + render_cache.by_profile.weight() <= bytes_max);
}

#[test]
fn with_too_little_room_most_lookups_still_hit() {
    let case = Case::new();
    check(&case, &case.one_each, 90, 25);
    check(&case, &case.one_each, 50, 50);
    let many_delegates = [&*case.one_each, &case.delegates[..20]].concat();
    check(&case, &many_delegates, 50, 25);
    check(&case, &many_delegates, 25, 50);
}

#[test]
fn the_limit_can_be_changed_and_the_cache_cleared() {
    let case = Case::new();
    let render_cache = RenderCache::new(0, Arc::default());
    let nothing = case.misses(&render_cache, &case.one_each);
    assert_eq!(render_cache.usage().bytes, 0);
    render_cache.set_bytes_max(ROOM_FOR_ALL);
    assert!(case.misses(&render_cache, &case.one_each) < nothing / 4);
    render_cache.begin(&Arc::new(case.meeting.clone()));
    assert_eq!((render_cache.usage().bytes, render_cache.by_profile.weight()), (0, 0));
}
