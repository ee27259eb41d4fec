//! Who is logged in? Session keys from a file or the command line.

use std::fmt;
use std::path::Path;

use crate::error::LoadError;

/// The value of a session cookie. It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Session(String);

impl Session {
    /// Reads a session: the value of the cookie, with or without its name.
    ///
    /// # Errors
    /// Returns an error if the text cannot be the value of a cookie. It does not repeat the text, which may be a secret.
    pub fn new(text: &str, cookie_name: &str) -> Result<Self, LoadError> {
        let text = text.trim();
        let value = text.strip_prefix(cookie_name).and_then(|rest| rest.strip_prefix('=')).unwrap_or(text);
        let is_valid = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if is_valid {
            Ok(Self(value.to_owned()))
        } else {
            let text = format!("not a session: expected the value of the cookie {cookie_name}, letters and digits");
            Err(LoadError::Usage(text))
        }
    }

    /// Reads a file with one session per line. Empty lines and those that begin with `#` do not count.
    ///
    /// # Errors
    /// Returns an error that names the file, and the line if one is not a session.
    pub fn read_all(path: &Path, cookie_name: &str) -> Result<Vec<Self>, LoadError> {
        let text = std::fs::read_to_string(path).map_err(LoadError::io(path.display().to_string()))?;
        let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
        let sessions: Result<Vec<Self>, LoadError> = lines
            .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
            .map(|(number, line)| {
                let in_line = |error| LoadError::Usage(format!("{}, line {number}: {error}", path.display()));
                Self::new(line, cookie_name).map_err(in_line)
            })
            .collect();
        let sessions = sessions?;
        if sessions.is_empty() {
            return Err(LoadError::Usage(format!("{}: there is no session in it", path.display())));
        }
        Ok(sessions)
    }

    pub(super) fn value(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Session(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_read_with_or_without_the_name_of_their_cookie() {
        for text in ["abc123", " OpenSlidesSessionID=abc123 "] {
            assert_eq!(Session::new(text, "OpenSlidesSessionID").expect("valid").value(), "abc123");
        }
        for text in ["", "OpenSlidesSessionID=", "abc;123", "abc 123", "Other=abc"] {
            let error = Session::new(text, "OpenSlidesSessionID").expect_err(text).to_string();
            assert!(text.is_empty() || !error.contains("abc"), "{error}");
        }
        assert_eq!(format!("{:?}", Session("abc123".to_owned())), "Session(…)");
    }

    #[test]
    fn a_file_names_the_line_that_is_wrong() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("sessions");
        std::fs::write(&path, "# the office\nabc\n\ndef\n").expect("a file");
        assert_eq!(Session::read_all(&path, "c").expect("valid").len(), 2);
        std::fs::write(&path, "abc\nd;ef\n").expect("a file");
        assert!(Session::read_all(&path, "c").expect_err("invalid").to_string().contains("line 2"));
        std::fs::write(&path, "# nobody\n").expect("a file");
        assert!(Session::read_all(&path, "c").is_err());
    }
}
