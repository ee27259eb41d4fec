//! Where does the secret come from that sessions are signed with? (spec: auth.md)

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit, Mac};
use sha1::{Digest, Sha1};

use crate::file::read_limited;

/// The name before the value in the file.
const SECRET_NAME: &str = "DJANGO_SECRET_KEY";
/// What the server derives the key of its sessions from, before the secret.
const KEY_SALT: &[u8] = b"openslides.utils.sessions.SessionStore";

/// The key that the server signs sessions with, derived from its secret. Never printed.
#[derive(Clone)]
pub struct DjangoSecret {
    key: [u8; 20],
}

impl DjangoSecret {
    /// The key that belongs to the server's `secret`.
    #[must_use]
    pub fn new(secret: &str) -> Self {
        let key = Sha1::new().chain_update(KEY_SALT).chain_update(secret).finalize();
        Self { key: key.into() }
    }

    /// Reads the secret from the text of the secret file: the first line with `DJANGO_SECRET_KEY='…'` or `"…"`.
    ///
    /// # Errors
    /// There is no such line, or its value is empty: everybody could sign with that.
    pub fn parse(text: &str) -> Result<Self, DjangoSecretError> {
        let value = text.lines().find_map(value_of_line).ok_or(DjangoSecretError::NoSuchLine)?;
        if value.is_empty() { Err(DjangoSecretError::Empty) } else { Ok(Self::new(value)) }
    }

    /// Reads the secret from the file at `path`.
    ///
    /// # Errors
    /// The file cannot be read, or [`DjangoSecret::parse`] fails. The text says how to create the file.
    pub fn from_file(path: &Path) -> Result<Self, DjangoSecretFileError> {
        let fail = |problem| DjangoSecretFileError { path: path.to_owned(), problem };
        let text = read_text(path).map_err(|error| fail(DjangoSecretError::Unreadable(error.to_string())))?;
        Self::parse(&text).map_err(fail)
    }

    /// The signature of `data`, in lower-case hexadecimal digits.
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

/// The text of the secret file does not hold a secret. Never shows the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DjangoSecretError {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(String),
    /// No line of the expected form.
    #[error("has no line {SECRET_NAME}='…'")]
    NoSuchLine,
    /// The line is there, but between its quotes there is nothing.
    #[error("has an empty {SECRET_NAME}")]
    Empty,
}

/// The secret file holds no secret; says how to create it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the secret file {path} {problem}. It must hold the same secret as the OpenSlides server; create it with: \
     mkdir -p {directory} && echo \"DJANGO_SECRET_KEY='MY_SECRET'\" > {path} (or name another file by SECRET_FILE)",
    path = path.display(),
    directory = path.parent().unwrap_or(Path::new(".")).display()
)]
pub struct DjangoSecretFileError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: DjangoSecretError,
}

/// The value in a line that has one: from the first quote after `=` to the last quote on the line.
fn value_of_line(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once(SECRET_NAME)?;
    let value = rest.trim_start().strip_prefix('=')?.trim_start().strip_prefix(['\'', '"'])?;
    value.rfind(['\'', '"']).map(|end| &value[..end])
}

fn read_text(path: &Path) -> io::Result<String> {
    String::from_utf8(read_limited(path)?).map_err(|_| io::Error::other("not a text in UTF-8"))
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
        check("# comment\nA='b'\nexport DJANGO_SECRET_KEY='te st'\nDJANGO_SECRET_KEY='second'", Ok("te st"));
        check("DJANGO_SECRET_KEY='it's \"=\" quoted'", Ok("it's \"=\" quoted"));
        check("DJANGO_SECRET_KEY='Grüße'", Ok("Grüße"));
        check("DJANGO_SECRET_KEY=\nDJANGO_SECRET_KEY='test'", Ok("test"));
        for text in [
            "",
            "test",
            "DJANGO_SECRET_KEY=test",
            "DJANGO_SECRET_KEY='test",
            "DJANGO_SECRET_KEY: 'test'",
            "DJANGO_SECRET_KEY=\n'test'",
            "SECRET='test'",
        ] {
            check(text, Err(DjangoSecretError::NoSuchLine));
        }
        check("DJANGO_SECRET_KEY=''", Err(DjangoSecretError::Empty));
    }

    #[test]
    fn a_file_without_a_secret_is_explained() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("django");
        let missing = DjangoSecret::from_file(&path).expect_err("no file").to_string();
        assert!(missing.contains("cannot be read"), "{missing}");
        assert!(missing.contains(&format!("mkdir -p {}", directory.path().display())), "{missing}");
        for content in [b"geheim".to_vec(), b"\xff\xfe geheim".to_vec(), vec![b'x'; 2 << 20]] {
            std::fs::write(&path, content).expect("a file");
            let error = DjangoSecret::from_file(&path).expect_err("no secret").to_string();
            assert!(error.contains("echo \"DJANGO_SECRET_KEY='MY_SECRET'\""), "{error}");
            assert!(!error.contains("geheim"), "{error}");
        }
        std::fs::write(&path, "DJANGO_SECRET_KEY='test'").expect("a file");
        let secret = DjangoSecret::from_file(&path).expect("a secret");
        assert_eq!(secret.key, DjangoSecret::new("test").key);
    }

    #[test]
    fn a_secret_is_never_printed() {
        assert_eq!(format!("{:?}", DjangoSecret::new("test")), "DjangoSecret(…)");
    }
}
