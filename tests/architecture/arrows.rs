//! Do dependencies go one way, between packages and between the modules of each package?

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::sources::Source;

/// The packages of the service, and those that simulate and fuzz it, with their folders. Each may only use those before it.
const PACKAGES: [(&str, &str); 6] = [
    ("domain", "domain"),
    ("application", "application"),
    ("adapters", "adapters"),
    ("autoupdate", "."),
    ("simulation", "simulation"),
    ("fuzz", "fuzz"),
];

/// For each module, the modules that it uses, with a file that does.
type Arrows = BTreeMap<String, BTreeMap<String, String>>;

fn sources(folder: &str) -> Vec<Source> {
    Source::all(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).expect("the sources of the package")
}

/// The dependencies between the modules of a package.
fn arrows(sources: &[Source]) -> Arrows {
    let modules: BTreeSet<&str> = sources.iter().filter_map(Source::top_module).collect();
    let re_exported_at_root = re_exported_at_root(sources);
    let mut arrows = Arrows::new();
    for source in sources {
        let Some(from) = source.top_module() else { continue };
        for path in source.inner_paths() {
            let Some(first) = path.first() else { continue };
            let to = re_exported_at_root.get(first).unwrap_or(first);
            if modules.contains(&**to) && to != from {
                arrows.entry(from.to_owned()).or_default().entry(to.clone()).or_insert_with(|| source.path.clone());
            }
        }
    }
    arrows
}

/// What the root of the package re-exports, and from which module: with `pub use words::{ids}`, `crate::ids` is
/// `crate::words::ids`.
fn re_exported_at_root(sources: &[Source]) -> BTreeMap<String, String> {
    let root = sources.iter().filter(|source| source.top_module().is_none());
    let shown = root.flat_map(Source::re_exported).filter(|path| path.len() == 2);
    shown.map(|mut path| (path.remove(1), path.remove(0))).collect()
}

/// A cycle between modules, if there is one: its steps, with the files.
fn cycle(arrows: &Arrows) -> Option<Vec<String>> {
    arrows.keys().find_map(|module| way_back(arrows, module, module, &mut BTreeSet::new()))
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

/// The files that use a package which they must not.
fn wrong_arrows(package: &str, sources: &[Source]) -> Vec<String> {
    let later = PACKAGES.iter().map(|(name, _)| *name).skip_while(|name| *name != package).skip(1);
    let wrong = later.flat_map(|later| {
        let named = sources.iter().filter(move |source| source.names_package(later));
        named.map(move |source| format!("{} names {later}", source.path))
    });
    wrong.collect()
}

#[test]
fn modules_do_not_form_cycles() {
    for (package, folder) in PACKAGES {
        let arrows = arrows(&sources(folder));
        assert_eq!(cycle(&arrows), None, "a cycle between modules of {package}");
    }
}

#[test]
fn packages_use_only_those_before_them() {
    for (package, folder) in PACKAGES {
        assert_eq!(wrong_arrows(package, &sources(folder)), Vec::<String>::new(), "{package}");
    }
}

/// Types for shared state and waiting. They belong to `application`.
const SHARED: [&str; 7] = ["Mutex", "RwLock", "Condvar", "OnceLock", "LazyLock", "OnceCell", "thread_local"];

#[test]
fn the_domain_has_no_shared_state() {
    for source in sources("domain") {
        let found: Vec<_> = SHARED.into_iter().filter(|name| source.uses(name)).collect();
        assert!(found.is_empty(), "domain/src/{} uses {found:?}", source.path);
    }
}

/// Only the adapter that created a position knows what its numbers mean.
#[test]
fn only_adapters_read_the_numbers_of_a_position() {
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

/// Guards against the tests above passing because they find nothing.
#[test]
fn dependencies_are_found_in_every_package() {
    let named = |folder: &str| arrows(&sources(folder)).len();
    assert!(named("domain") >= 5 && named("application") >= 5 && named("adapters") >= 3 && named(".") >= 3);
}

#[track_caller]
fn check_cycle(files: &[(&str, &str)], expected: Option<&[&str]>) {
    let sources: Vec<_> = files.iter().map(|(path, text)| Source::new(path, text)).collect();
    let found = cycle(&arrows(&sources));
    assert_eq!(
        found.as_deref(),
        expected.map(|way| way.iter().map(|step| (*step).to_owned()).collect::<Vec<_>>()).as_deref()
    );
}

#[test]
fn a_cycle_is_found_through_several_modules_and_through_re_exports() {
    let element = ("element/mod.rs", "use crate::ids::Id;");
    let meeting = ("meeting/build.rs", "use super::Meeting;\nuse crate::element::Element;");
    let root = ("lib.rs", "mod words;\npub use words::{ids, json};");
    check_cycle(&[root, element, meeting, ("words/ids.rs", "")], None);
    let back = [
        "element -> words (element/mod.rs)",
        "words -> meeting (words/ids.rs)",
        "meeting -> element (meeting/build.rs)",
    ];
    check_cycle(&[root, element, meeting, ("words/ids.rs", "use crate::meeting::Meeting;")], Some(&back));
    let of_tests = "#[cfg(test)]\nmod tests {\n    use crate::meeting::Meeting;\n}";
    check_cycle(&[root, element, meeting, ("words/ids.rs", of_tests)], None);
}

#[test]
fn a_dependency_in_the_wrong_direction_is_found() {
    let check = |package: &str, text: &str, expected: &[&str]| {
        assert_eq!(wrong_arrows(package, &[Source::new("a.rs", text)]), expected, "{package}: {text}");
    };
    check("application", "use domain::meeting::Meeting;", &[]);
    check("domain", "use application::delivery;", &["a.rs names application"]);
    check("application", "fn f() { adapters::http::route::path() }", &["a.rs names adapters"]);
    check("adapters", "// autoupdate::main\nuse autoupdate::wiring;", &["a.rs names autoupdate"]);
}
