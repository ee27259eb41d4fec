//! Is a Unix socket created where it should be, and never taken from another program?

use std::io::Write;
use std::os::unix::net::UnixDatagram;

use tokio::io::AsyncReadExt;

use super::*;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a directory")
}

#[test]
fn it_is_for_user_and_group_and_removed_when_dropped() {
    let folder = folder();
    let path = folder.path().join("socket");
    let socket = UnixSocket::bind(&path).expect("made");
    let mode = fs::metadata(&path).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    drop(socket);
    assert!(!path.exists());
}

#[test]
fn a_stale_socket_is_replaced() {
    let folder = folder();
    let path = folder.path().join("socket");
    // The file is left behind, as after a kill.
    drop(StdUnixListener::bind(&path).expect("made"));
    assert!(path.exists());
    let _socket = UnixSocket::bind(&path).expect("made");
    connect(&path, LOOK).expect("it listens");
}

#[test]
fn the_socket_of_another_program_is_not_removed() {
    let folder = folder();
    let path = folder.path().join("socket");
    let first = UnixSocket::bind(&path).expect("made");
    fs::remove_file(&path).expect("removed");
    let second = UnixSocket::bind(&path).expect("made");
    drop(first);
    connect(&path, LOOK).expect("the second one is there");
    drop(second);
    let handed_in = UnixSocket::from(StdUnixListener::bind(&path).expect("made"));
    drop(handed_in);
    assert!(path.exists(), "its owner removes it");
}

/// Checks that listening on the path fails with an error that names it and contains `part`, and that what is there
/// stays.
#[track_caller]
fn check_refused(path: &Path, part: &str) {
    let before = identity(path).ok();
    let error = UnixSocket::bind(path).expect_err("not usable").to_string();
    assert!(error.contains(&path.display().to_string()) && error.contains(part), "{error}");
    assert_eq!(identity(path).ok(), before);
}

#[test]
fn existing_files_are_never_removed() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let _used = UnixSocket::bind(&path("used")).expect("made");
    check_refused(&path("used"), "another program listens there");
    let _datagrams = UnixDatagram::bind(path("datagrams")).expect("made");
    check_refused(&path("datagrams"), "another program listens there");
    fs::write(path("file"), "precious").expect("written");
    check_refused(&path("file"), "something else is there");
    check_refused(folder.path(), "something else is there");
    check_refused(&path("none/socket"), "create its directory");
    check_refused(&path(&"x".repeat(120)), "shorter path");
}

/// A socket whose queue is full is in use, not stale, and the check must not block on it.
#[test]
fn the_socket_of_a_busy_service_is_in_use() {
    let folder = folder();
    let path = folder.path().join("socket");
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None).expect("a socket");
    socket.bind(&SockAddr::unix(&path).expect("an address")).expect("bound");
    socket.listen(0).expect("listening");
    let mut waiting = Vec::new();
    while let Ok(client) = connect(&path, LOOK) {
        waiting.push(client);
    }
    check_refused(&path, "another program listens there");
}

#[tokio::test]
async fn connections_are_accepted_from_every_socket() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let handed_in = StdUnixListener::bind(path("two")).expect("made");
    let sockets = vec![UnixSocket::bind(&path("one")).expect("made"), handed_in.into()];
    let mut acceptor = UnixAcceptor::new(sockets).expect("usable");
    let expected = ["one", "two"].map(|name| Address::Unix(Some(path(name))));
    assert_eq!(acceptor.listening_on(), expected);
    for name in ["two", "one", "two"] {
        let mut client = connect(&path(name), LOOK).expect("connected");
        let (mut stream, peer) = acceptor.accept().await.expect("accepted");
        assert_eq!(peer, Address::Unix(None));
        client.write_all(&[7]).expect("written");
        assert_eq!(stream.read_u8().await.expect("a byte"), 7);
        let buffer = SockRef::from(&stream).send_buffer_size().expect("an option");
        assert!(buffer <= UNSENT_BYTES_MAX as usize, "{buffer}");
    }
    drop(acceptor);
    assert!(!path("one").exists() && path("two").exists());
}
