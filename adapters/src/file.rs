//! How is a small file read, whatever it turns out to be, and what can be done if it cannot be read?

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The maximum size of a file, in bytes. A larger one is refused: it is not the file that was meant.
pub(crate) const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Reads the whole file, but never more than [`FILE_BYTES_MAX`], even if it is endless.
pub(crate) fn read_limited(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        let problem = format!("larger than {FILE_BYTES_MAX} bytes; it must be some other file");
        return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
    }
    Ok(bytes)
}

/// Returns what somebody can do about a file that cannot be read: the rest of a sentence. Nothing it advises changes
/// the file's contents.
pub(crate) fn remedy(path: &Path, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => permission(path),
        io::ErrorKind::NotFound => match std::fs::read_link(path) {
            Ok(target) => format!(
                "it is a link to {}, which must be there too; in a container both must be mounted",
                target.display()
            ),
            Err(_) => "check the path".to_owned(),
        },
        io::ErrorKind::IsADirectory => {
            "it must be a file; container engines make a directory where the file to be mounted is missing".to_owned()
        }
        _ => "check that it is the file that was meant".to_owned(),
    }
}

/// Returns which permission is missing, and how to grant it to this process only.
fn permission(path: &Path) -> String {
    let user = rustix::process::geteuid().as_raw();
    let ancestors: Vec<&Path> = path.ancestors().filter(|ancestor| !ancestor.as_os_str().is_empty()).collect();
    // The path ends where nothing more can be examined.
    let reached = ancestors.iter().find(|ancestor| std::fs::metadata(ancestor).is_ok()).copied();
    match reached {
        Some(reached) if reached != path => {
            let directory = reached.display();
            format!(
                "the service runs as user {user}, who may not enter {directory}: allow it, for instance with \
                 `setfacl -m u:{user}:x {directory}`"
            )
        }
        _ => {
            let file = path.display();
            format!(
                "the service runs as user {user}, who may not read it: allow it, for instance with \
                 `setfacl -m u:{user}:r {file}`, or `chown {user} {file}` if nobody else needs it"
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remedy_fits_the_cause() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name| directory.path().join(name);
        std::os::unix::fs::symlink("../archive/file", path("link")).expect("a link");
        for (name, expected) in
            [("missing", "check the path"), ("link", "a link to ../archive/file"), ("", "must be a file")]
        {
            let error = read_limited(&path(name)).expect_err("no file");
            let remedy = remedy(&path(name), &error);
            assert!(remedy.contains(expected), "{name}: {remedy}");
        }
        // Tests may run as a user who may read everything, so the error is constructed.
        std::fs::write(path("file"), "").expect("written");
        let user = rustix::process::geteuid().as_raw();
        let text = remedy(&path("file"), &io::ErrorKind::PermissionDenied.into());
        assert!(text.contains(&format!("`setfacl -m u:{user}:r {}`", path("file").display())), "{text}");
        let text = remedy(&path("closed/file"), &io::ErrorKind::PermissionDenied.into());
        assert!(text.contains(&format!("`setfacl -m u:{user}:x {}`", directory.path().display())), "{text}");
    }

    #[test]
    fn only_files_of_a_sensible_size_are_read() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("file");
        for (bytes, is_read) in [(0, true), (FILE_BYTES_MAX, true), (FILE_BYTES_MAX + 1, false)] {
            std::fs::write(&path, vec![b'x'; bytes as usize]).expect("written");
            match read_limited(&path) {
                Ok(read) => assert!(is_read && read.len() as u64 == bytes, "{bytes}"),
                Err(error) => assert!(!is_read && error.to_string().contains("larger than"), "{bytes}: {error}"),
            }
        }
        // Its length is reported as 0, and it is endless.
        #[cfg(target_os = "linux")]
        assert!(read_limited(Path::new("/dev/zero")).is_err());
    }
}
