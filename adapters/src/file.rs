//! How is a small file read, whatever it turns out to be?

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The largest file that is read, in bytes. A larger one is refused: it is some other file than the one that was meant.
pub(crate) const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// The whole file. It is never read further than [`FILE_BYTES_MAX`], also if it has no end.
pub(crate) fn read_limited(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(io::Error::other(format!("larger than {FILE_BYTES_MAX} bytes; it must be some other file")));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

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
        // Its length is told as 0, and it has no end.
        #[cfg(target_os = "linux")]
        assert!(read_limited(Path::new("/dev/zero")).is_err());
    }
}
