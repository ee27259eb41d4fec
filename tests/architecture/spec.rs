//! Does every pointer to the specification lead somewhere, and does a test name every rule? (docs/spec/README.md)

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// The folders that contain sources.
const FOLDERS: [&str; 12] = [
    "adapters/src",
    "application/benches",
    "application/src",
    "application/tests",
    "domain/src",
    "domain/tests",
    "fuzz/src",
    "load/src",
    "load/tests",
    "simulation/src",
    "simulation/tests",
    "src",
];
/// The documents outside `docs/` whose links are checked as well.
const TEXTS: [&str; 5] = ["CHANGELOG.md", "CONTRIBUTING.md", "README.md", "SECURITY.md", "fixtures/traces/README.md"];

/// The anchors of each page of `docs/spec/`.
type Anchors = BTreeMap<String, BTreeSet<String>>;

/// The references to the specification in a source file.
#[derive(Debug, Default, PartialEq, Eq)]
struct Pointers {
    /// `page.md#anchor`, from code and from tests.
    all: BTreeSet<String>,
    /// Those from tests only.
    of_tests: BTreeSet<String>,
    /// Pages that are named without an anchor.
    without_anchor: Vec<String>,
}

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// All files below `folder` whose names end with `end`, as paths from the root.
fn files(folder: &str, end: &str) -> Vec<String> {
    let entries = fs::read_dir(Path::new(ROOT).join(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let found = entries.flat_map(|entry| {
        let entry = entry.expect("an entry");
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.file_type().expect("a type").is_dir() {
            files(&path, end)
        } else {
            Vec::from_iter(path.ends_with(end).then_some(path))
        }
    });
    found.collect()
}

fn anchors_of(text: &str) -> BTreeSet<String> {
    text.split("<a id=\"").skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
}

fn anchors() -> Anchors {
    let pages = files("docs/spec", ".md").into_iter().filter(|path| !path.ends_with("README.md"));
    pages.map(|path| (path["docs/spec/".len()..].to_owned(), anchors_of(&read(&path)))).collect()
}

/// Whether the whole file is part of tests.
fn is_of_tests(path: &str) -> bool {
    path.ends_with("tests.rs") || path.split('/').any(|part| ["tests", "testing"].contains(&part))
}

/// Splits a file into its code and the tests at its end.
fn split<'a>(path: &str, text: &'a str) -> (&'a str, &'a str) {
    if is_of_tests(path) {
        return ("", text);
    }
    let marks = text.match_indices("#[cfg(test)]\nmod ");
    let tests = marks
        .map(|(place, _)| place)
        .find(|place| text[*place..].lines().nth(1).is_some_and(|line| line.ends_with('{')));
    text.split_at(tests.unwrap_or(text.len()))
}

/// The lines of a comment joined, because a pointer may continue on the next line.
fn joined(text: &str) -> String {
    let lines = text.lines().map(|line| line.trim_start().trim_start_matches(['/', '!']).trim());
    lines.collect::<Vec<_>>().join(" ")
}

fn named(text: &str) -> impl Iterator<Item = &str> {
    let ends = text.split("(spec: ").skip(1).filter_map(|rest| rest.split(')').next());
    ends.flat_map(|list| list.split(',').map(str::trim))
}

fn pointers(pages: &Anchors, path: &str, text: &str) -> Pointers {
    let (code, tests) = split(path, text);
    let (code, tests) = (joined(code), joined(tests));
    let of_tests: BTreeSet<_> = named(&tests).map(str::to_owned).collect();
    let all = named(&code).map(str::to_owned).chain(of_tests.iter().cloned()).collect();
    let words = [&code, &tests].into_iter().flat_map(|text| text.split([' ', '(', ')', '`', '"']));
    let without_anchor = words
        .map(|word| word.trim_end_matches(['.', ',', ';', ':', '?', '!']))
        .filter(|word| pages.contains_key(*word))
        .map(str::to_owned);
    Pointers { without_anchor: without_anchor.collect(), all, of_tests }
}

/// The broken pointers in these files, and the rules that no test names.
fn problems(pages: &Anchors, sources: &[(String, String)]) -> Vec<String> {
    let mut problems = Vec::new();
    let mut tested = BTreeSet::new();
    for (path, text) in sources {
        let found = pointers(pages, path, text);
        problems
            .extend(found.without_anchor.into_iter().map(|page| format!("{path}: {page} is named without an anchor")));
        let leads = |pointer: &&String| {
            let (page, anchor) = pointer.split_once('#').unwrap_or((pointer, ""));
            pages.get(page).is_some_and(|anchors| anchors.contains(anchor))
        };
        problems
            .extend(found.all.iter().filter(|pointer| !leads(pointer)).map(|pointer| format!("{path}: no {pointer}")));
        tested.extend(found.of_tests);
    }
    let rules = pages.iter().flat_map(|(page, anchors)| anchors.iter().map(move |anchor| format!("{page}#{anchor}")));
    problems.extend(rules.filter(|rule| !tested.contains(rule)).map(|rule| format!("no test names {rule}")));
    problems
}

#[test]
fn pointers_lead_to_rules_and_rules_are_named_by_tests() {
    let own = file!().replace('\\', "/");
    let paths = FOLDERS.iter().chain(&["tests"]).flat_map(|folder| files(folder, ".rs"));
    // The samples in this file lead nowhere on purpose.
    let sources: Vec<_> = paths.filter(|path| !own.ends_with(path)).map(|path| (path.clone(), read(&path))).collect();
    let problems = problems(&anchors(), &sources);
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

/// The anchor that forges such as GitHub generate for a heading.
fn heading_anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    kept.chars()
        .filter(|character| character.is_alphanumeric() || [' ', '-', '_'].contains(character))
        .map(|character| if character == ' ' { '-' } else { character })
        .collect()
}

/// The targets of a text's links, except those that leave the project.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets.filter(|target| !target.contains("://") && !target.contains(char::is_whitespace))
}

/// Why `link` in the file `from` is broken; `None` if it is not.
fn broken(from: &str, link: &str) -> Option<String> {
    let (target, anchor) = link.split_once('#').unwrap_or((link, ""));
    let path = match target {
        "" => Path::new(ROOT).join(from),
        _ => Path::new(ROOT).join(from).parent()?.join(target),
    };
    if anchor.is_empty() {
        return (!path.exists()).then(|| format!("{from}: no {target}"));
    }
    let Ok(text) = fs::read_to_string(&path) else { return Some(format!("{from}: no {target}")) };
    let mut headings = text.lines().filter(|line| line.starts_with('#')).map(heading_anchor);
    let is_there = anchors_of(&text).contains(anchor) || headings.any(|heading| heading == anchor);
    (!is_there).then(|| format!("{from}: no #{anchor} in {link}"))
}

#[test]
fn links_between_documents_lead_somewhere() {
    let texts = files("docs", ".md").into_iter().chain(TEXTS.map(str::to_owned));
    let broken: Vec<_> =
        texts.flat_map(|from| links(&read(&from)).filter_map(|link| broken(&from, link)).collect::<Vec<_>>()).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[track_caller]
fn check(path: &str, text: &str, expected: &[&str]) {
    let rules = ["one", "two"].map(str::to_owned).into();
    let pages = BTreeMap::from([("page.md".to_owned(), rules)]);
    assert_eq!(problems(&pages, &[(path.to_owned(), text.to_owned())]), expected, "{text}");
}

#[test]
fn broken_pointers_and_untested_rules_are_found() {
    let (one, two) = ("no test names page.md#one", "no test names page.md#two");
    check("a/tests.rs", "//! Why? (spec: page.md#one, page.md#two)", &[]);
    check("a/tests/b.rs", "//! Why? (spec: page.md#one,\n//! page.md#two)", &[]);
    check("a.rs", "/// (spec: page.md#one)\nfn a() {}", &[one, two]);
    check("a.rs", "#[cfg(test)]\nmod tests {\n    /// (spec: page.md#two)\n", &[one]);
    check("a.rs", "#[cfg(test)]\nmod tests;\n/// (spec: page.md#two)", &[one, two]);
    check("tests/a.rs", "// (spec: page.md#one) (spec: page.md#three)", &["tests/a.rs: no page.md#three", two]);
    check("tests/a.rs", "// (spec: page.md#one, other.md#two)", &["tests/a.rs: no other.md#two", two]);
    check("a.rs", "// See page.md, Rules.", &["a.rs: page.md is named without an anchor", one, two]);
}

#[test]
fn broken_links_are_found() {
    let of = |link| broken("docs/spec/README.md", link);
    assert_eq!(links("[a](b.md#c) [d](https://e) `x[](y z)`").collect::<Vec<_>>(), ["b.md#c"]);
    assert_eq!(of("stream.md#promise"), None);
    assert_eq!(of("stream.md#the-promise"), None);
    assert!(of("stream.md#threat").is_some() && of("dream.md").is_some() && of("dream.md#promise").is_some());
}
