//! Where does the secret come from that sessions are signed with? (spec: auth.md#secret-file)

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit, Mac};
use sha1::{Digest, Sha1};

use crate::file::{read_limited, remedy};

/// The name before the value in the file.
const SECRET_NAME: &str = "DJANGO_SECRET_KEY";
/// The salt from which the server derives the key of its sessions, before the secret.
const KEY_SALT: &[u8] = b"openslides.utils.sessions.SessionStore";

/// The key with which the server signs sessions, derived from its secret. Never printed.
#[derive(Clone)]
pub struct DjangoSecret {
    key: [u8; 20],
}

impl DjangoSecret {
    /// Derives the key from the server's `secret`.
    #[must_use]
    pub fn new(secret: &str) -> Self {
        let key = Sha1::new().chain_update(KEY_SALT).chain_update(secret).finalize();
        Self { key: key.into() }
    }

    /// Reads the secret from the text of the secret file: the last line that assigns `DJANGO_SECRET_KEY='…'` or `"…"`.
    /// A comment assigns nothing.
    ///
    /// # Errors
    /// There is no such line, or its value is empty, with which everybody could sign. Or the last line has another
    /// form: then an earlier one is not what its author wants.
    pub fn parse(text: &str) -> Result<Self, DjangoSecretError> {
        let assigned = text.lines().enumerate().filter_map(|(index, line)| Some((index + 1, assigned_in_line(line)?)));
        let (line, text) = assigned.last().ok_or(DjangoSecretError::NoSuchLine)?;
        match quoted(text) {
            None => Err(DjangoSecretError::Unquoted { line }),
            Some("") => Err(DjangoSecretError::Empty { line }),
            Some(value) => Ok(Self::new(value)),
        }
    }

    /// Reads the secret from the file at `path`.
    ///
    /// # Errors
    /// The file cannot be read, or [`DjangoSecret::parse`] fails. The text says what to do, and suggests nothing that
    /// would overwrite an existing file.
    pub fn from_file(path: &Path) -> Result<Self, DjangoSecretFileError> {
        let fail = |problem| DjangoSecretFileError { path: path.to_owned(), problem };
        let text = read_text(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound if !path.is_symlink() => fail(DjangoSecretError::Missing),
            io::ErrorKind::InvalidData => fail(DjangoSecretError::Foreign(error.to_string())),
            _ => fail(DjangoSecretError::Unreadable(format!("{error}; {}", remedy(path, &error)))),
        })?;
        Self::parse(&text).map_err(fail)
    }

    /// Returns the signature of `data` in lower-case hexadecimal digits.
    pub(super) fn sign(&self, data: &[u8]) -> String {
        let mut mac = <Hmac<Sha1> as KeyInit>::new_from_slice(&self.key).expect("HMAC takes keys of every length");
        mac.update(data);
        mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl fmt::Debug for DjangoSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("DjangoSecret(…)")
    }
}

/// Why the text of the secret file has no secret. Never shows the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DjangoSecretError {
    /// There is no file.
    #[error("does not exist")]
    Missing,
    /// The file cannot be read; says why and what to do.
    #[error("cannot be read: {0}")]
    Unreadable(String),
    /// It cannot be a file with a secret; says why.
    #[error("cannot be used: {0}")]
    Foreign(String),
    /// No line has the expected form.
    #[error("has no line {SECRET_NAME}='…'")]
    NoSuchLine,
    /// The last line that assigns the secret has no pair of quotes.
    #[error("has a {SECRET_NAME} without quotes around its value in line {line}")]
    Unquoted {
        /// The first is 1.
        line: usize,
    },
    /// The line is there, but there is nothing between its quotes.
    #[error("has an empty {SECRET_NAME} in line {line}")]
    Empty {
        /// The first is 1.
        line: usize,
    },
}

/// Why the secret file has no secret, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the secret file {path} {problem}. It must hold the same secret as the OpenSlides server; {advice} (or name another \
     file by SECRET_FILE)",
    path = path.display(),
    advice = advice(path, problem)
)]
pub struct DjangoSecretFileError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: DjangoSecretError,
}

/// What to do. Commands append to a file and never replace it: it may belong to the server.
fn advice(path: &Path, problem: &DjangoSecretError) -> String {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let (path, directory) = (path.display(), directory.display());
    match problem {
        DjangoSecretError::Missing => {
            format!("create it with: mkdir -p {directory} && (umask 077; echo \"{SECRET_NAME}='MY_SECRET'\" >> {path})")
        }
        // The empty line ends a last line without a line end.
        DjangoSecretError::NoSuchLine => {
            format!("add the line with: (echo; echo \"{SECRET_NAME}='MY_SECRET'\") >> {path}")
        }
        DjangoSecretError::Unquoted { .. } | DjangoSecretError::Empty { .. } => {
            format!("correct that line: {SECRET_NAME}='MY_SECRET'")
        }
        DjangoSecretError::Foreign(_) => "check that it is the file that was meant".to_owned(),
        DjangoSecretError::Unreadable(_) => "its contents need no change".to_owned(),
    }
}

/// Returns what a line assigns to the secret, if it does: everything after `=`.
///
/// Before the name there may be anything, such as `export`, except the beginning of a longer name or a `#`.
fn assigned_in_line(line: &str) -> Option<&str> {
    line.match_indices(SECRET_NAME).find_map(|(start, name)| {
        let before = &line[..start];
        let is_longer = before.ends_with(|last: char| last.is_alphanumeric() || last == '_');
        let value = line[start + name.len()..].trim_start().strip_prefix('=')?;
        (!is_longer && !before.contains('#')).then_some(value)
    })
}

/// Returns what is between the first quote and the last one, or the one that a comment follows.
fn quoted(text: &str) -> Option<&str> {
    let text = text.trim_start();
    let quote = text.chars().next().filter(|first| matches!(first, '\'' | '"'))?;
    let value = &text[1..];
    let before_comment = value.match_indices(quote).find(|(end, _)| {
        let rest = &value[end + 1..];
        rest.starts_with([' ', '\t']) && rest.trim_start().starts_with('#')
    });
    let end = before_comment.map(|(end, _)| end).or_else(|| value.rfind(['\'', '"']))?;
    Some(&value[..end])
}

fn read_text(path: &Path) -> io::Result<String> {
    String::from_utf8(read_limited(path)?).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<&str, DjangoSecretError>) {
        let secret = DjangoSecret::parse(text).map(|secret| secret.key);
        assert_eq!(secret, expected.map(|secret| DjangoSecret::new(secret).key), "{text:?}");
    }

    #[test]
    fn the_secret_stands_between_the_first_and_the_last_quote() {
        check("DJANGO_SECRET_KEY='test'", Ok("test"));
        check("DJANGO_SECRET_KEY=\"test\"\n", Ok("test"));
        check("DJANGO_SECRET_KEY \t=  'test'  \r\n", Ok("test"));
        check("# comment\nA='b'\nexport DJANGO_SECRET_KEY='te st'", Ok("te st"));
        check("DJANGO_SECRET_KEY='it's \"=\" quoted'", Ok("it's \"=\" quoted"));
        check("DJANGO_SECRET_KEY='Grüße#\\'", Ok("Grüße#\\"));
        check("\u{feff}DJANGO_SECRET_KEY='test'\r\n", Ok("test"));
        for text in ["", "test", "DJANGO_SECRET_KEY: 'test'", "DJANGO_SECRET_KEY", "SECRET='test'"] {
            check(text, Err(DjangoSecretError::NoSuchLine));
        }
        for text in
            ["DJANGO_SECRET_KEY=test", "DJANGO_SECRET_KEY='test", "DJANGO_SECRET_KEY=\n'test'", "DJANGO_SECRET_KEY='"]
        {
            check(text, Err(DjangoSecretError::Unquoted { line: 1 }));
        }
        check("\nDJANGO_SECRET_KEY=''", Err(DjangoSecretError::Empty { line: 2 }));
    }

    /// (spec: auth.md#secret-file)
    #[test]
    fn the_last_line_counts() {
        check("DJANGO_SECRET_KEY='first'\nDJANGO_SECRET_KEY='second'\nOTHER='third'", Ok("second"));
        check("DJANGO_SECRET_KEY=\nDJANGO_SECRET_KEY='test'", Ok("test"));
        check("DJANGO_SECRET_KEY='old'\nDJANGO_SECRET_KEY=new", Err(DjangoSecretError::Unquoted { line: 2 }));
        check("DJANGO_SECRET_KEY='old'\nDJANGO_SECRET_KEY=''", Err(DjangoSecretError::Empty { line: 2 }));
    }

    #[test]
    fn a_comment_and_another_name_are_not_the_secret() {
        for other in [
            "#DJANGO_SECRET_KEY='old'",
            " \t# DJANGO_SECRET_KEY='old'",
            "\u{feff}#DJANGO_SECRET_KEY='old'",
            "A='b' # DJANGO_SECRET_KEY='old'",
            "OLD_DJANGO_SECRET_KEY='old'",
            "DJANGO_SECRET_KEY_OLD='old'",
        ] {
            check(&format!("{other}\nDJANGO_SECRET_KEY='test'"), Ok("test"));
            check(&format!("DJANGO_SECRET_KEY='test'\r\n{other}"), Ok("test"));
            check(other, Err(DjangoSecretError::NoSuchLine));
        }
        check("DJANGO_SECRET_KEY='test' # was 'old'", Ok("test"));
        check("DJANGO_SECRET_KEY=\"test\"\t#\"old\"", Ok("test"));
    }

    /// Returns what is said about a file with this content, and whether a suggested command would change a file.
    #[track_caller]
    fn check_explained(path: &Path, expected: &str) {
        let error = DjangoSecret::from_file(path).expect_err("no secret").to_string();
        assert!(error.contains(expected), "{expected} in {error}");
        assert!(!error.contains("geheim"), "{error}");
        // Every `>` is one of two.
        assert_eq!(error.matches('>').count(), 2 * error.matches(">> ").count(), "{error} would overwrite");
    }

    #[test]
    fn a_file_without_a_secret_is_explained() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("django");
        let shown = path.display();
        let creation = format!(
            "mkdir -p {} && (umask 077; echo \"DJANGO_SECRET_KEY='MY_SECRET'\" >> {shown})",
            directory.path().display()
        );
        check_explained(&path, &creation);
        let addition = format!("(echo; echo \"DJANGO_SECRET_KEY='MY_SECRET'\") >> {shown}");
        for (content, expected) in [
            (b"geheim".to_vec(), &*addition),
            (b"#DJANGO_SECRET_KEY='geheim'".to_vec(), &*addition),
            (b"DJANGO_SECRET_KEY=geheim".to_vec(), "correct that line"),
            (
                b"\xff\xfe geheim".to_vec(),
                "not UTF-8. It must hold the same secret as the OpenSlides server; check that",
            ),
            (vec![b'x'; 2 << 20], "larger than"),
        ] {
            std::fs::write(&path, content).expect("a file");
            check_explained(&path, expected);
        }
        check_explained(directory.path(), "it must be a file");
        std::os::unix::fs::symlink("nowhere", directory.path().join("link")).expect("a link");
        check_explained(&directory.path().join("link"), "a link to nowhere");
        std::fs::write(&path, "DJANGO_SECRET_KEY='test'").expect("a file");
        let secret = DjangoSecret::from_file(&path).expect("a secret");
        assert_eq!(secret.key, DjangoSecret::new("test").key);
    }

    #[test]
    fn a_secret_is_never_printed() {
        assert_eq!(format!("{:?}", DjangoSecret::new("test")), "DjangoSecret(…)");
    }
}
