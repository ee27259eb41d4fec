//! Which modules does a source file use? Read from its text, without tests.

use std::path::Path;
use std::{fs, io};

/// A source file of a package.
pub(crate) struct Source {
    /// Relative to the package's `src`, such as `meeting/build.rs`.
    pub(crate) path: String,
    /// The text without comments and tests.
    code: String,
}

impl Source {
    /// Creates the file `path` with this text.
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let mut code = String::new();
        let mut lines = text.lines().peekable();
        while let Some(line) = lines.next() {
            // Tests are at the end of a file, or in their own file.
            let is_test_module = lines.peek().is_some_and(|next| next.starts_with("mod ") && next.ends_with('{'));
            if line == "#[cfg(test)]" && is_test_module {
                break;
            }
            if !line.trim_start().starts_with("//") {
                code.push_str(line);
                code.push('\n');
            }
        }
        Self { path: path.to_owned(), code }
    }

    /// Reads all files of a package except tests.
    pub(crate) fn all(package: &Path) -> io::Result<Vec<Self>> {
        let mut found = Vec::new();
        collect(&package.join("src"), "", &mut found)?;
        Ok(found)
    }

    /// The path of the file's module, such as `["meeting", "build"]`; empty for the root.
    fn module(&self) -> Vec<&str> {
        let mut parts: Vec<&str> = self.path.trim_end_matches(".rs").split('/').collect();
        if parts.last() == Some(&"mod") || ["lib", "main"].contains(&parts[0]) {
            parts.pop();
        }
        parts
    }

    /// The top-level module that the file belongs to; `None` for the root.
    pub(crate) fn top_module(&self) -> Option<&str> {
        self.module().first().copied()
    }

    /// The paths inside the package that the file uses, up to two segments: `["meeting", "Meeting"]`.
    pub(crate) fn inner_paths(&self) -> Vec<Vec<String>> {
        let module = self.module();
        let from_root = self.after("crate").into_iter();
        let from_parents = self.after("super").into_iter().filter_map(|mut path| {
            let ups = 1 + path.iter().take_while(|part| *part == "super").count();
            path.drain(..ups - 1);
            let kept = module.len().checked_sub(ups)?;
            Some(module[..kept].iter().map(|part| (*part).to_owned()).chain(path).collect())
        });
        from_root.chain(from_parents).collect()
    }

    /// The paths that the file re-exports with `pub use`.
    pub(crate) fn re_exported(&self) -> Vec<Vec<String>> {
        self.code
            .match_indices("pub use ")
            .flat_map(|(place, found)| paths(&self.code[place + found.len()..]))
            .collect()
    }

    /// Whether the file uses anything of this package.
    pub(crate) fn names_package(&self, package: &str) -> bool {
        !self.after(package).is_empty()
    }

    /// Whether the file uses this name anywhere.
    pub(crate) fn uses(&self, name: &str) -> bool {
        self.code.split(|character: char| !character.is_alphanumeric() && character != '_').any(|word| word == name)
    }

    /// The paths after `first::`, with groups expanded.
    fn after(&self, first: &str) -> Vec<Vec<String>> {
        let start = format!("{first}::");
        let is_name = |character: char| character.is_alphanumeric() || character == '_' || character == ':';
        let places = self.code.match_indices(&start).filter(|(place, _)| !self.code[..*place].ends_with(is_name));
        places.flat_map(|(place, _)| paths(&self.code[place + start.len()..])).collect()
    }
}

/// The paths at the start of `text`: one, or those of a group.
fn paths(text: &str) -> Vec<Vec<String>> {
    if let Some(group) = text.strip_prefix('{') {
        return members(group).into_iter().flat_map(paths).collect();
    }
    let length = text.find(|character: char| !character.is_alphanumeric() && character != '_').unwrap_or(text.len());
    let (name, rest) = text.split_at(length);
    let Some(rest) = rest.strip_prefix("::").filter(|rest| !rest.starts_with('<')) else {
        return vec![vec![name.to_owned()]];
    };
    let longer = paths(rest).into_iter();
    longer.map(|path| std::iter::once(name.to_owned()).chain(path).collect()).collect()
}

/// The members of a group; `text` begins after the opening brace.
fn members(text: &str) -> Vec<&str> {
    let (mut depth, mut first, mut members) = (0, 0, Vec::new());
    for (place, character) in text.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            '}' | ',' if depth == 0 => {
                members.push(text[first..place].trim());
                first = place + 1;
                if character == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    members.retain(|member| !member.is_empty());
    members
}

fn collect(folder: &Path, prefix: &str, found: &mut Vec<Source>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        if entry.file_type()?.is_dir() {
            if !["tests", "testing"].contains(&&*name) {
                collect(&entry.path(), &format!("{path}/"), found)?;
            }
        } else if name.ends_with(".rs") && !name.ends_with("tests.rs") && name != "test_support.rs" {
            found.push(Source::new(&path, &fs::read_to_string(entry.path())?));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, text: &str, expected: &[&str]) {
        let found: Vec<_> = Source::new(path, text).inner_paths().iter().map(|path| path.join("::")).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn paths_are_found_everywhere() {
        check("a/b.rs", "use crate::meeting::Meeting;", &["meeting::Meeting"]);
        check("a/b.rs", "use crate::{ids::{A, B}, json};", &["ids::A", "ids::B", "json"]);
        check("a/b.rs", "fn f() { crate::json::text::<u8>(1) }", &["json::text"]);
        check("a/b.rs", "use super::super::d::E;", &["d::E"]);
        check("a/mod.rs", "use super::d::E;", &["d::E"]);
        check("a.rs", "pub(super) use super::d;", &["d"]);
    }

    #[test]
    fn comments_and_tests_do_not_count() {
        check("a.rs", "/// See [`crate::b`].\nuse other_crate::c;\nuse a::crate_::d;", &[]);
        check(
            "a.rs",
            "#[cfg(test)]\nmod tests;\nuse crate::b;\n#[cfg(test)]\nmod more {\n    use crate::c;\n}",
            &["b"],
        );
    }
}
