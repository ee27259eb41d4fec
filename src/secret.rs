//! What is the secret of the OpenSlides server? (spec: auth.md)

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The name that the secret has in the file.
const NAME: &str = "DJANGO_SECRET_KEY";

/// The secret that the server signs sessions with; never shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    /// For the check of sessions only.
    #[must_use]
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

/// There is no secret. The text says how to create the file, and holds nothing of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretError {
    /// The file cannot be read.
    #[error("cannot read SECRET_FILE={}: {cause}; {}", .file.display(), advice(.file))]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// The file has no line with a secret.
    #[error("SECRET_FILE={} has no line DJANGO_SECRET_KEY='…' with a secret in quotes; {}", .file.display(), advice(.file))]
    Missing {
        /// The file.
        file: PathBuf,
    },
}

/// Reads the secret from a file.
///
/// # Errors
/// The file cannot be read, or has no secret in it.
pub(crate) fn read(file: &Path) -> Result<Secret, SecretError> {
    let text = fs::read_to_string(file).map_err(|cause| SecretError::Unreadable { file: file.to_owned(), cause })?;
    text.lines().find_map(parse_line).ok_or_else(|| SecretError::Missing { file: file.to_owned() })
}

/// `DJANGO_SECRET_KEY = '…'` or `"…"`: what stands between the first quote after `=` and the last one of the line.
fn parse_line(line: &str) -> Option<Secret> {
    let (_, rest) = line.split_once(NAME)?;
    let quoted = rest.trim_start().strip_prefix('=')?.trim_start().strip_prefix(['\'', '"'])?;
    let (value, _) = quoted.rsplit_once(['\'', '"'])?;
    (!value.is_empty()).then(|| Secret(value.to_owned()))
}

fn advice(file: &Path) -> String {
    let folder = file.parent().unwrap_or(Path::new("/")).display();
    format!(
        "it must hold the secret of the OpenSlides server and can be created with: mkdir -p {folder} && echo \
         \"{NAME}='MY_SECRET'\" > {}",
        file.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: Option<&str>) {
        assert_eq!(parse_line(line).as_ref().map(Secret::expose), expected, "{line}");
    }

    #[test]
    fn the_secret_stands_in_quotes() {
        check("DJANGO_SECRET_KEY='test'", Some("test"));
        check("DJANGO_SECRET_KEY=\"test\"", Some("test"));
        check("  export DJANGO_SECRET_KEY \t= 'te st' # comment", Some("te st"));
        check("DJANGO_SECRET_KEY='a'b\"c'", Some("a'b\"c"));
        check("DJANGO_SECRET_KEY='ü='", Some("ü="));
        for line in ["", "DJANGO_SECRET_KEY", "DJANGO_SECRET_KEY=test", "DJANGO_SECRET_KEY='test", "SECRET_KEY='test'"]
        {
            check(line, None);
        }
        check("DJANGO_SECRET_KEY=''", None);
        check("DJANGO_SECRET_KEYS='test'", None);
    }

    #[test]
    fn a_file_has_the_secret_on_one_of_its_lines() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("django");
        let error = read(&file).expect_err("no file").to_string();
        assert!(error.contains("mkdir -p") && error.contains("DJANGO_SECRET_KEY='MY_SECRET'"), "{error}");
        fs::write(&file, "# settings\nOTHER='x'\r\n").expect("written");
        let error = read(&file).expect_err("no secret").to_string();
        assert!(error.contains("no line") && error.contains(&file.display().to_string()), "{error}");
        fs::write(&file, "# settings\r\nDJANGO_SECRET_KEY='test'\r\nOTHER='x'\n").expect("written");
        assert_eq!(read(&file).expect("a secret").expose(), "test");
    }
}
