//! Which files of a directory are used?

use std::os::unix::fs::symlink;

use super::*;
use crate::tls::files::Files;
use crate::tls::{CertificateError, Checked};

const PAIRS: [(&str, &str); 4] = [
    ("autoupdate.pem", "autoupdate-key.pem"),
    ("cert.pem", "key.pem"),
    ("fullchain.pem", "privkey.pem"),
    ("tls.crt", "tls.key"),
];

fn read(directory: &Path) -> Result<(String, usize), CertificateError> {
    let files = Files::read(directory)?;
    let name = files.certificate_file.file_name().expect("a name").to_string_lossy().into_owned();
    Ok((name, files.passed_over.len()))
}

/// In a directory with these files, all empty.
#[track_caller]
fn check(names: &[&str], expected: Result<(&str, usize), &str>) {
    let directory = tempfile::tempdir().expect("a directory");
    for name in names {
        write(directory.path(), &[(name, b"")]);
    }
    match (read(directory.path()), expected) {
        (Ok((name, passed_over)), Ok(expected)) => assert_eq!((&*name, passed_over), expected, "{names:?}"),
        (Err(error), Err(expected)) => assert!(error.to_string().contains(expected), "{names:?}: {error}"),
        (found, _) => panic!("{names:?}: {:?} instead of {expected:?}", found.map_err(|error| error.to_string())),
    }
}

#[test]
fn the_first_pair_that_is_complete_is_taken() {
    for (index, (certificate, key)) in PAIRS.into_iter().enumerate() {
        check(&[certificate, key], Ok((certificate, 0)));
        let later: Vec<&str> = PAIRS[index..].iter().flat_map(|(certificate, key)| [*certificate, *key]).collect();
        check(&later, Ok((certificate, PAIRS.len() - index - 1)));
        check(&[certificate], Err(key));
        check(&[key], Err(certificate));
    }
    // As certbot leaves it: cert.pem lacks the intermediate ones, and its key has another name.
    check(&["README", "cert.pem", "chain.pem", "fullchain.pem", "privkey.pem"], Ok(("fullchain.pem", 0)));
    check(&["autoupdate.pem", "tls.crt", "tls.key"], Ok(("tls.crt", 0)));
    check(&[], Err("holds no certificate"));
    check(&["meeting.pem"], Err("fullchain.pem and privkey.pem"));
}

#[test]
fn what_is_there_and_cannot_be_read_is_explained() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path();
    let check = |path: &Path, expected: &str| {
        let error = read(path).expect_err("no certificate").to_string();
        assert!(error.contains(expected), "{expected} in {error}");
    };
    check(&path.join("missing"), "missing does not exist");
    write(path, &[("file", b""), ("fullchain.pem", b""), ("privkey.pem", b"")]);
    check(&path.join("file"), "file is not a directory");
    // A broken first pair does not make the service use the second.
    symlink("../../archive/cert1.pem", path.join("cert.pem")).expect("a link");
    symlink("../../archive/key1.pem", path.join("key.pem")).expect("a link");
    check(path, "a link to ../../archive/cert1.pem, which must be there too");
    std::fs::remove_file(path.join("cert.pem")).expect("removed");
    std::fs::create_dir(path.join("cert.pem")).expect("a directory");
    check(path, "it must be a file");
}

/// Kubernetes keeps the files in a directory of their own for each version, and switches one link to it.
#[tokio::test]
async fn a_switched_link_is_a_renewal() {
    let root = Authority::root("Root");
    let volume = tempfile::tempdir().expect("a directory");
    let path = volume.path();
    let add_version = |name: &str| {
        let key = key();
        let certificate = root.sign(&host_params(), &key);
        std::fs::create_dir(path.join(name)).expect("a directory");
        write(
            &path.join(name),
            &[("tls.crt", certificate.pem().as_bytes()), ("tls.key", key.serialize_pem().as_bytes())],
        );
        // So that only their contents differ.
        for file in ["tls.crt", "tls.key"] {
            let opened = std::fs::File::options().write(true).open(path.join(name).join(file)).expect("a file");
            opened.set_modified(std::time::UNIX_EPOCH).expect("an old time");
        }
        certificate.der().clone()
    };
    let switch = |name: &str| {
        symlink(name, path.join("..data_tmp")).expect("a link");
        std::fs::rename(path.join("..data_tmp"), path.join("..data")).expect("switched");
    };
    let first = add_version("..2026_01");
    switch("..2026_01");
    for file in ["tls.crt", "tls.key"] {
        symlink(Path::new("..data").join(file), path.join(file)).expect("a link");
    }
    let (server, watch) = TlsServer::new(Some(path.to_owned())).expect("a certificate");
    let mut watch = watch.expect("files to watch");
    assert_eq!(served(&server, &root).await, (vec![first], true));
    let second = add_version("..2026_02");
    assert!(matches!(watch.check(), Checked::Unchanged));
    switch("..2026_02");
    assert!(matches!(watch.check(), Checked::Replaced { .. }));
    assert_eq!(served(&server, &root).await, (vec![second], true));
}
