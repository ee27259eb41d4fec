#!/usr/bin/env bash
# How many worlds does it take to detect a broken service? Breaks a copy of the sources in one way after another, and
# simulates up to SEEDS worlds with each. Usage: simulation/teeth.sh [SEEDS]
set -euo pipefail
cd "$(dirname "$0")/.."
seeds=${1:-300}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
git ls-files -z | xargs -0 tar -c | tar -x -C "$scratch"
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target/teeth} CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=none

# name:file:a Perl expression that breaks the file
mutants=(
    'a gap in the stream is applied:application/src/ingest/mod.rs:s/Ok\(_\) => is_complete = false,/Ok(change) => versions.push(logged(newest.apply(change))),/'
    'an unreadable entry is skipped:application/src/ingest/mod.rs:s/(reading the elements from Redis instead"\s*\);\n\s*)is_complete = false;/$1/'
    'a rebuilt cache is not noticed:application/src/ingest/mod.rs:s/bounds\.lowest != known\.lowest/false/; s/changed\.bounds\.lowest != current\.bounds\(\)\.lowest/false/'
    'going back is not noticed:application/src/ingest/mod.rs:s/bounds\.highest < known\.highest \|\| stream_went_back/false/'
    'nothing is compared with the store:application/src/ingest/mod.rs:s/if bounds\.highest > known\.highest/if false/'
    'lost elements are not noticed:application/src/ingest/mod.rs:s/changed\.count < meeting\.len\(\) as u64/false/'
    'rights are not evaluated again:application/src/publishing/cursor.rs:s/if is_decided \{/if false {/'
    'the id last sent stays behind:application/src/publishing/cursor.rs:s/(\};\n\s*)self\.sent = current\.change_id\(\);/$1/'
    'a change of own rights does not wake the stream:application/src/publishing/cursor.rs:s/&& !diff\.may_affect\(self\.user\)\n\s*&& !diff\.may_affect\(seen\.viewer\.user\(\)\)//'
    'ids assigned twice are trusted:domain/src/difference/resume.rs:s/ \|\| history\.is_ambiguous\(change_id\)//'
    'different rights in between are forgotten:domain/src/difference/resume.rs:s/if is_uncertain\(history, from, viewer\.user\(\)\)/if false/'
    'elements that are hidden now stay:domain/src/difference/resume.rs:s/deleted\.push\(key\);//'
    'keys of required users affect nothing:domain/src/difference/resume.rs:s/viewer\.profile\(\)\.has\(permission\) && [^\n]*/false/'
    'a client that is ahead gets nothing:domain/src/difference/resume.rs:s/return Resumption::IsAhead;/return Resumption::Known(FirstLine::Difference(None));/'
    'a logout ends no stream:application/src/streams/registry.rs:s/slot\.signal\(StreamSignals::REVOKED\);//'
    'a change wakes every second stream:application/src/streams/registry.rs:s/if slot\.is_concerned\(news\) \{/if slot.is_concerned(news) \&\& std::sync::Arc::as_ptr(\&slot) as usize % 128 < 64 {/'
    'a catch-up reads one round:adapters/src/redis/element_store.rs:s/if new\.is_empty\(\) \{/if new.is_empty() || round.values.len() == known.len() {/'
    'loops continue after the end:src/wiring.rs:s/info!\(cut_connections/background.detach_all();\n    info!(cut_connections/'
)
for mutant in "${mutants[@]}"; do
    IFS=: read -r name file change <<<"$mutant"
    cp "$file" "$scratch/$file"
    perl -0pi -e "$change" "$scratch/$file"
    if cmp -s "$file" "$scratch/$file"; then
        printf '%-45s changes nothing: mend simulation/teeth.sh\n' "$name"
        continue
    fi
    if ! (cd "$scratch" && cargo build --quiet -p simulation 2>"$scratch/log"); then
        printf '%-45s does not compile\n' "$name"
    elif "$CARGO_TARGET_DIR/debug/simulation" simulate --seeds "$seeds" >"$scratch/log" 2>/dev/null; then
        printf '%-45s not found in %s worlds\n' "$name" "$seeds"
    else
        printf '%-45s found: %s\n' "$name" "$(grep -E -A1 '^seed' "$scratch/log" | tr -s '\n ' ' ' | cut -c1-150)"
    fi
    cp "$file" "$scratch/$file"
    touch "$scratch/$file"
done
