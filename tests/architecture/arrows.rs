//! Do the arrows go one way: between packages, and between the rooms of each package?

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::sources::Source;

/// The packages of the service, and the one that simulates it. Each may name those before it, and no other.
const PACKAGES: [(&str, &str); 5] = [
    ("domain", "domain"),
    ("application", "application"),
    ("adapters", "adapters"),
    ("autoupdate", "."),
    ("simulation", "simulation"),
];

/// Which room names which, and the file that does.
type Arrows = BTreeMap<String, BTreeMap<String, String>>;

fn sources(folder: &str) -> Vec<Source> {
    Source::all(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).expect("the sources of the package")
}

/// The arrows between the rooms of a package.
fn arrows(sources: &[Source]) -> Arrows {
    let rooms: BTreeSet<&str> = sources.iter().filter_map(Source::room).collect();
    let shown_at_root = shown_at_root(sources);
    let mut arrows = Arrows::new();
    for source in sources {
        let Some(from) = source.room() else { continue };
        for path in source.inner_paths() {
            let Some(first) = path.first() else { continue };
            let to = shown_at_root.get(first).unwrap_or(first);
            if rooms.contains(&**to) && to != from {
                arrows.entry(from.to_owned()).or_default().entry(to.clone()).or_insert_with(|| source.path.clone());
            }
        }
    }
    arrows
}

/// What the root of the package shows of its rooms, and of which: `pub use words::{ids}` makes `crate::ids` of
/// `crate::words::ids`.
fn shown_at_root(sources: &[Source]) -> BTreeMap<String, String> {
    let root = sources.iter().filter(|source| source.room().is_none());
    let shown = root.flat_map(Source::shown).filter(|path| path.len() == 2);
    shown.map(|mut path| (path.remove(1), path.remove(0))).collect()
}

/// A way from a room back to itself: the rooms, with the file that names the next one.
fn circle(arrows: &Arrows) -> Option<Vec<String>> {
    arrows.keys().find_map(|room| way_back(arrows, room, room, &mut BTreeSet::new()))
}

fn way_back(arrows: &Arrows, from: &str, goal: &str, seen: &mut BTreeSet<String>) -> Option<Vec<String>> {
    for (to, file) in arrows.get(from)? {
        let step = format!("{from} -> {to} ({file})");
        if to == goal {
            return Some(vec![step]);
        }
        if seen.insert(to.clone())
            && let Some(way) = way_back(arrows, to, goal, seen)
        {
            return Some(std::iter::once(step).chain(way).collect());
        }
    }
    None
}

/// The files of the package that name a package which does not stand before it.
fn wrong_arrows(package: &str, sources: &[Source]) -> Vec<String> {
    let later = PACKAGES.iter().map(|(name, _)| *name).skip_while(|name| *name != package).skip(1);
    let wrong = later.flat_map(|later| {
        let named = sources.iter().filter(move |source| source.names_package(later));
        named.map(move |source| format!("{} names {later}", source.path))
    });
    wrong.collect()
}

#[test]
fn no_room_is_in_a_circle_with_another() {
    for (package, folder) in PACKAGES {
        let arrows = arrows(&sources(folder));
        assert_eq!(circle(&arrows), None, "a circle between rooms of {package}");
    }
}

#[test]
fn packages_name_only_those_before_them() {
    for (package, folder) in PACKAGES {
        assert_eq!(wrong_arrows(package, &sources(folder)), Vec::<String>::new(), "{package}");
    }
}

/// What keeps something for later, or makes others wait. It belongs to `application`.
const SHARED: [&str; 7] = ["Mutex", "RwLock", "Condvar", "OnceLock", "LazyLock", "OnceCell", "thread_local"];

#[test]
fn the_domain_keeps_nothing_for_later() {
    for source in sources("domain") {
        let found: Vec<_> = SHARED.into_iter().filter(|name| source.uses(name)).collect();
        assert!(found.is_empty(), "domain/src/{} uses {found:?}", source.path);
    }
}

/// What a position is made of is known to the adapter that gave it.
#[test]
fn only_adapters_look_into_a_position() {
    for folder in ["domain", "application"] {
        let sources = sources(folder);
        let others = sources.iter().filter(|source| source.path != "ports/message_bus.rs");
        let found: Vec<_> = others.filter(|source| source.uses("to_numbers")).map(|source| &source.path).collect();
        assert!(found.is_empty(), "{folder}/src: {found:?} use `to_numbers`");
    }
}

/// What a store or a transport is called, and what it calls its parts, is known to its adapter, also in the texts for
/// operators and clients: another technology needs no change to the rules and the use cases.
#[test]
fn only_adapters_name_a_technology() {
    const TECHNOLOGIES: [&str; 6] = ["Redis", "redis", "Sentinel", "HTTP", "TLS", "full_data"];
    for folder in ["domain", "application"] {
        for source in sources(folder) {
            let found: Vec<_> = TECHNOLOGIES.into_iter().filter(|name| source.uses(name)).collect();
            assert!(found.is_empty(), "{folder}/src/{} names {found:?}", source.path);
        }
    }
}

/// Without this the tests above would pass on nothing at all.
#[test]
fn arrows_are_found_in_every_package() {
    let named = |folder: &str| arrows(&sources(folder)).len();
    assert!(named("domain") >= 5 && named("application") >= 5 && named("adapters") >= 3 && named(".") >= 3);
}

#[track_caller]
fn check_circle(files: &[(&str, &str)], expected: Option<&[&str]>) {
    let sources: Vec<_> = files.iter().map(|(path, text)| Source::new(path, text)).collect();
    let found = circle(&arrows(&sources));
    assert_eq!(
        found.as_deref(),
        expected.map(|way| way.iter().map(|step| (*step).to_owned()).collect::<Vec<_>>()).as_deref()
    );
}

#[test]
fn a_circle_is_found_through_several_rooms_and_through_what_the_root_shows() {
    let element = ("element/mod.rs", "use crate::ids::Id;");
    let meeting = ("meeting/build.rs", "use super::Meeting;\nuse crate::element::Element;");
    let root = ("lib.rs", "mod words;\npub use words::{ids, json};");
    check_circle(&[root, element, meeting, ("words/ids.rs", "")], None);
    let back = [
        "element -> words (element/mod.rs)",
        "words -> meeting (words/ids.rs)",
        "meeting -> element (meeting/build.rs)",
    ];
    check_circle(&[root, element, meeting, ("words/ids.rs", "use crate::meeting::Meeting;")], Some(&back));
    let of_tests = "#[cfg(test)]\nmod tests {\n    use crate::meeting::Meeting;\n}";
    check_circle(&[root, element, meeting, ("words/ids.rs", of_tests)], None);
}

#[test]
fn an_arrow_that_goes_the_wrong_way_is_found() {
    let check = |package: &str, text: &str, expected: &[&str]| {
        assert_eq!(wrong_arrows(package, &[Source::new("a.rs", text)]), expected, "{package}: {text}");
    };
    check("application", "use domain::meeting::Meeting;", &[]);
    check("domain", "use application::delivery;", &["a.rs names application"]);
    check("application", "fn f() { adapters::http::route::path() }", &["a.rs names adapters"]);
    check("adapters", "// autoupdate::main\nuse autoupdate::wiring;", &["a.rs names autoupdate"]);
}
