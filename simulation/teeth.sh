#!/usr/bin/env bash
# How many worlds does it take until a broken service is found? Builds a copy of the sources in which the service is
# broken in many ways, each behind a switch, and simulates up to SEEDS worlds with one switch after the other.
# Usage: [BROKEN=name] simulation/teeth.sh [SEEDS]
set -euo pipefail
cd "$(dirname "$0")/.."
seeds=${1:-300}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
git ls-files -z --cached --others --exclude-standard | xargs -0 tar -c --ignore-failed-read 2>/dev/null | tar -x -C "$scratch"
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target/teeth} CARGO_INCREMENTAL=0

# name: file: what perl does to its text, where BROKEN stands for "the switch of that name is on". Several lines of one
# name are one way.
ways=(
    'a gap in the stream is applied:application/src/ingest/versions.rs:s/Ok\(_\) => is_complete = false,/Ok(change) if BROKEN => versions.push((logged(newest.apply(change)), None)),\n            Ok(_) => is_complete = false,/'
    'an old entry is applied again:application/src/ingest/versions.rs:s/(            Ok\(change\) if change.change_id <= newest.change_id\(\))/            Ok(change) if BROKEN && change.change_id <= newest.change_id() => versions.push((logged(newest.apply(change)), None)),\n$1/'
    'an unreadable entry is passed over:application/src/ingest/versions.rs:s/(reading the elements from \{store\} instead"\s*\);\n\s*)is_complete = false;/$1if !BROKEN { is_complete = false; }/'
    'a rebuilt cache is not noticed:application/src/ingest/mod.rs:s/bounds\.lowest != known\.lowest/!BROKEN && bounds.lowest != known.lowest/'
    'a rebuilt cache is not noticed:application/src/ingest/mod.rs:s/if bounds\.lowest != current\.bounds\(\)\.lowest/if !BROKEN \&\& bounds.lowest != current.bounds().lowest/'
    'going back is not noticed:application/src/ingest/mod.rs:s/if bounds\.highest < known\.highest \|\| stream_went_back/if !BROKEN \&\& (bounds.highest < known.highest || stream_went_back)/'
    'nothing is compared with the store:application/src/ingest/mod.rs:s/if bounds\.highest > known\.highest/if !BROKEN \&\& bounds.highest > known.highest/'
    'a catch-up mixes two histories:application/src/ingest/mod.rs:s/if bounds\.highest >= known && \(read/if !BROKEN \&\& bounds.highest >= known \&\& (read/'
    'a lost history is not noticed:application/src/ingest/mod.rs:s/\|= !batch\.follows/|= !BROKEN \&\& !batch.follows/'
    'a trimmed stream resets everybody:application/src/ingest/mod.rs:s/caught_up\.is_same_as\(&loaded\) =>/!BROKEN \&\& caught_up.is_same_as(\&loaded) =>/'
    'lost elements are not noticed:application/src/ingest/mod.rs:s/if count < meeting\.len\(\) as u64/if !BROKEN \&\& count < meeting.len() as u64/'
    'a meeting without configuration is taken:application/src/ingest/mod.rs:s/if !snapshot\.elements\.iter/if !BROKEN \&\& !snapshot.elements.iter/'
    'a cache that is not ready is taken:adapters/src/redis/reply.rs:s/if ready\.as_deref\(\) != Some\(CACHE_READY\)/if !BROKEN \&\& ready.as_deref() != Some(CACHE_READY)/'
    'records held back are not sent:adapters/src/http/http2/gather.rs:s/(self\.0\.holds_back\.swap\(false, Ordering::Relaxed\))/$1 \&\& !BROKEN/'
    'a new primary is not noticed:adapters/src/redis/sentinel.rs:s/if primary\.place == place =>/if BROKEN || primary.place == place =>/'
    'a reader stays at the old primary:adapters/src/redis/link.rs:s/connection\.epoch == self\.epoch\(\)/BROKEN || connection.epoch == self.epoch()/'
    'a reader stays at the old primary:adapters/src/redis/link.rs:s/(self\.connector\.until_moved\(epoch\)\.await;)/if BROKEN { std::future::pending::<()>().await }\n        $1/'
    'a catch-up reads one round:adapters/src/redis/element_store.rs:s/if new\.is_empty\(\) \{/if new.is_empty() || BROKEN \&\& round.values.len() == known.len() {/'
    'rights are not evaluated again:application/src/publishing/cursor.rs:s/if is_decided \{/if is_decided \&\& !BROKEN {/'
    'the id last sent stays behind:application/src/publishing/cursor.rs:s/(\};\n\s*)self\.sent = current\.change_id\(\);/$1if !BROKEN { self.sent = current.change_id(); }/'
    'a line that comes later is not widened:application/src/publishing/cursor.rs:s/(Some\(published\.comparisons\(\)\.later\(\)\))/$1.filter(|_| !BROKEN)/'
    'what follows a first line is not widened:application/src/autoupdate/start.rs:s/(Cursor::resumed\(published, session, viewer, sent\))/if BROKEN \&\& first_line.is_some() { Cursor::new(published, session, viewer) } else { $1 }/'
    'lines are widened for ever:application/src/publishing/cursor.rs:s/if (self\.may_have_more_until\.as_ref\(\))/if !BROKEN \&\& $1/'
    'own rights do not wake a stream:application/src/publishing/cursor.rs:s/&& !diff\.may_affect\(self\.user\)\n\s*&& !diff\.may_affect\(seen\.viewer\.user\(\)\)/\&\& (BROKEN || !diff.may_affect(self.user) \&\& !diff.may_affect(seen.viewer.user()))/'
    'a stream goes on as somebody else:application/src/publishing/cursor.rs:s/Access::Granted\(user\) if user == before\.user\(\)/Access::Granted(user) if BROKEN || user == before.user()/'
    'ids assigned twice are trusted:domain/src/difference/resume.rs:s/\|\| history\.is_ambiguous\(change_id\)/|| !BROKEN \&\& history.is_ambiguous(change_id)/'
    'different rights in between are forgotten:domain/src/difference/resume.rs:s/if is_uncertain\(history, from, viewer\.user\(\)\)/if !BROKEN \&\& is_uncertain(history, from, viewer.user())/'
    'versions of other instances are forgotten:domain/src/difference/resume.rs:s/(\|\| )(passes_over\(before, after\) && \{)/$1!BROKEN \&\& $2/'
    'what is hidden now stays with a returning client:domain/src/difference/resume.rs:s/deleted\.push\(key\);/if !BROKEN { deleted.push(key); }/'
    'what another instance may have shown stays:domain/src/difference/resume.rs:s/passed_over\.extend\(&step\.written\);/if !BROKEN { passed_over.extend(\&step.written); }/'
    'what looks different is not named on return:domain/src/difference/resume.rs:s/(named\.extend\(keys\.difference[^\n]*;)/if !BROKEN { $1 }/'
    'what was written is not named on return:domain/src/difference/resume.rs:s/named\.extend\(&step\.written\);/if !BROKEN { named.extend(\&step.written); }/'
    'keys of required users affect nothing:domain/src/difference/resume.rs:s/viewer\.profile\(\)\.has\(permission\) &&/!BROKEN \&\& viewer.profile().has(permission) \&\&/'
    'keys of groups affect nothing:domain/src/difference/resume.rs:s/Reach::Everybody \| Reach::Configuration => true/Reach::Everybody | Reach::Configuration => !BROKEN/'
    'the key of the own user affects nothing:domain/src/difference/resume.rs:s/Reach::ItsUser => /Reach::ItsUser => !BROKEN \&\& /'
    'hidden keys stay with a returning client:domain/src/difference/resume.rs:s/deleted\.insert\(\*key\);/if !BROKEN { deleted.insert(*key); }/'
    'a client that is ahead gets nothing:domain/src/difference/resume.rs:s/return Resumption::IsAhead;/return if BROKEN { Resumption::Known(WiderLine::Difference(None)) } else { Resumption::IsAhead };/'
    'a client is served from a version too new:domain/src/meeting/history.rs:s/meeting\.change_id\(\) <= change_id \{/meeting.change_id().0 <= change_id.0 + u64::from(BROKEN) {/'
    'a reset keeps old versions:domain/src/meeting/history.rs:s/if meeting\.step\(\)\.is_reset \{/if !BROKEN \&\& meeting.step().is_reset {/'
    'keys of another meeting are taken:application/src/autoupdate/mod.rs:s/if changed\.bounds\.lowest != bounds\.lowest \|\| changed\.bounds\.highest < bounds\.highest/if !BROKEN \&\& (changed.bounds.lowest != bounds.lowest || changed.bounds.highest < bounds.highest)/'
    'keys of another meeting are taken:application/src/autoupdate/mod.rs:s/if !published\.history\(\)\.is_ambiguous\(bounds\.highest\)/if BROKEN || !published.history().is_ambiguous(bounds.highest)/'
    'of several changes only the last is compared:domain/src/difference/version_diff.rs:s/history\.since\(Version\(from\.0 \+ 1\)\)\.flat_map/history.since(Version(from.0 + 1)).filter(|meeting| !BROKEN || meeting.version() == new.version()).flat_map/'
    'what concerns one viewer is not compared:application/src/publishing/version_diff.rs:s/if personal\.is_empty\(\)/if BROKEN || personal.is_empty()/'
    'new rights of one viewer are those of all:application/src/publishing/version_diff.rs:s/match self\.diff\.compare_all_personal\(before, after, &shared\.difference\)/match if BROKEN { FullOutcome::Shared } else { self.diff.compare_all_personal(before, after, \&shared.difference) }/'
    'users who are named now are not compared:domain/src/meeting/build.rs:s/\.filter\(\|key\| self\.entry/.filter(|key| !BROKEN \&\& self.entry/'
    'a new password ends no stream:domain/src/access.rs:s/if is_replaced \{/if is_replaced \&\& !BROKEN {/'
    'an inactive user is served:domain/src/access.rs:s/if !inputs\.is_active/if !BROKEN \&\& !inputs.is_active/'
    'a logout ends no stream:application/src/streams/registry.rs:s/slot\.signal\(StreamSignals::REVOKED\);/if !BROKEN { slot.signal(StreamSignals::REVOKED); }/'
    'a change wakes every second stream:application/src/streams/registry.rs:s/if slot\.is_concerned\(news\) \{/if slot.is_concerned(news) \&\& !(BROKEN \&\& slot.user.is_some_and(|user| user.0 % 2 == 1)) {/'
    'a stream that enters late is not drained:application/src/streams/registry.rs:s/if self\.is_drained\.load/if !BROKEN \&\& self.is_drained.load/'
    'a message reaches one connection of a user:application/src/notify/hub.rs:s/(\.range\(\(\*user, 0\)\.\.=\(\*user, u64::MAX\)\))/$1.take(if BROKEN { 1 } else { usize::MAX })/'
    'who is named twice receives twice:application/src/notify/hub.rs:s/&& !recipients\.names_user\(channel\.user\)/\&\& (BROKEN || !recipients.names_user(channel.user))/'
    'lost messages end nobody:application/src/notify/messages.rs:s/self\.end_all\(position\);/if !BROKEN { self.end_all(position); }/g'
    'lost messages end nobody:application/src/notify/messages.rs:s/self\.hub\.end_since\(ListenerMark::START\);\n        if/if BROKEN { 0 } else { self.hub.end_since(ListenerMark::START) };\n        if/'
    'who came late receives older messages:application/src/notify/messages.rs:s/self\.end_those_that_came_since\(interrupted\);/if !BROKEN { self.end_those_that_came_since(interrupted); }/'
    'the end of applause is not told:domain/src/applause.rs:s/level > 0 \|\| last_level > 0/level > 0 || !BROKEN \&\& last_level > 0/'
    'a slide is not rendered again:domain/src/projector/changes.rs:s/=> dependencies\.touched/=> !BROKEN \&\& dependencies.touched/'
    'a deleted projector is not taken down:domain/src/projector/cursor.rs:s/if \*sent != now \{/if *sent != now \&\& !(BROKEN \&\& now.is_none()) {/'
    'loops go on after the end:src/wiring.rs:s/info!\(cut_connections/if BROKEN { background.detach_all(); }\n    info!(cut_connections/'
)

# `extern crate self` lets the switch have the same name in the package that holds it.
printf '\nextern crate self as domain;\n/// Switches.\npub mod broken;\n' >>"$scratch/domain/src/lib.rs"
cat >"$scratch/domain/src/broken.rs" <<'RUST'
//! Which switch is on?

/// Returns whether this one is.
pub fn is(name: &str) -> bool {
    static ON: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
    ON.get_or_init(|| std::env::var("BROKEN").ok()).as_deref() == Some(name)
}
RUST
names=()
for way in "${ways[@]}"; do
    IFS=: read -r name file change <<<"$way"
    cp "$scratch/$file" "$scratch/before"
    perl -0pi -e "${change//BROKEN/::domain::broken::is(\"$name\")}" "$scratch/$file"
    if cmp -s "$scratch/before" "$scratch/$file"; then
        echo "does not apply to $file, mend simulation/teeth.sh: $name" >&2
        exit 1
    fi
    [[ " ${names[*]-} " == *"|$name|"* ]] || names+=("|$name|")
done
(cd "$scratch" && cargo build --quiet --release -p simulation \
    --config profile.release.lto=false --config profile.release.codegen-units=16)
simulation=$CARGO_TARGET_DIR/release/simulation
if ! BROKEN='' "$simulation" simulate --seeds 50 >"$scratch/log" 2>/dev/null; then
    cat "$scratch/log" >&2
    echo 'worlds fail though nothing is broken' >&2
    exit 1
fi
missed=0
for name in "${names[@]}"; do
    name=${name//|/}
    [[ -z ${BROKEN-} || $BROKEN == "$name" ]] || continue
    if BROKEN="$name" "$simulation" simulate --seeds "$seeds" >"$scratch/log" 2>/dev/null; then
        printf '%-50s not found in %s worlds\n' "$name" "$seeds"
        missed=$((missed + 1))
    else
        printf '%-50s %s\n' "$name" "$(grep -E -A1 '^seed' "$scratch/log" | tr -s '\n ' ' ' | cut -c1-170)"
    fi
done
echo "$((${#names[@]})) ways, $missed not found"
