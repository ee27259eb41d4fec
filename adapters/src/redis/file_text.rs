//! What does a file say that holds a secret of Redis, so that it need not be in the environment?

use std::path::{Path, PathBuf};

use crate::file::read_limited;
use crate::pem::BYTE_ORDER_MARK;

/// Why a file does not hold a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} {problem}", path.display())]
pub struct RedisPasswordFileError {
    path: PathBuf,
    problem: String,
}

/// Reads a password from a file that contains only that, in one line; surrounding white space does not matter.
///
/// # Errors
/// The file cannot be read, or contains something else. The text shows nothing of it.
pub fn password_from_file(path: &Path) -> Result<String, RedisPasswordFileError> {
    let fail = |problem| RedisPasswordFileError { path: path.to_owned(), problem };
    let text = text_of(path).map_err(fail)?;
    match text.lines().count() {
        1 => Ok(text),
        lines => Err(fail(format!("has {lines} lines; expected one, with the password"))),
    }
}

/// Returns what is in the file, without surrounding white space, or the problem: the rest of a sentence that begins with
/// the file's name and shows nothing of its content.
pub(super) fn text_of(path: &Path) -> Result<String, String> {
    let text = read_limited(path).map_err(|error| format!("cannot be read: {error}"))?;
    let text = String::from_utf8(text).map_err(|_| "holds no text in UTF-8".to_owned())?;
    // Windows' editors put a byte order mark before the text.
    match text.trim_start_matches(BYTE_ORDER_MARK).trim() {
        "" => Err("is empty".to_owned()),
        text => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_stands_alone_in_its_file() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("password");
        for text in ["geheim", " geheim\n", "\u{feff}geheim\r\n"] {
            std::fs::write(&path, text).expect("written");
            assert_eq!(password_from_file(&path), Ok("geheim".to_owned()), "{text:?}");
        }
        for (content, part) in [
            (&b"\n"[..], "is empty"),
            (b"\xff geheim", "UTF-8"),
            (b"geheim\ngeheim", "2 lines"),
            (&[b'x'; 2 << 20], "larger"),
        ] {
            std::fs::write(&path, content).expect("written");
            let error = password_from_file(&path).expect_err("no password").to_string();
            assert!(error.contains(&path.display().to_string()) && error.contains(part), "{error}");
            assert!(!error.contains("geheim"), "{error}");
        }
    }
}
