//! Is a Unix socket made where it should be, and never taken away from somebody?

use std::io::Write;
use std::os::unix::net::UnixDatagram;

use tokio::io::AsyncReadExt;

use super::*;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a directory")
}

#[test]
fn it_is_for_the_user_and_the_group_and_goes_when_it_is_dropped() {
    let folder = folder();
    let path = folder.path().join("socket");
    let socket = UnixSocket::bind(&path).expect("made");
    let mode = fs::metadata(&path).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    drop(socket);
    assert!(!path.exists());
}

#[test]
fn a_stale_one_is_replaced() {
    let folder = folder();
    let path = folder.path().join("socket");
    // The file stays, as after a program that was killed.
    drop(StdUnixListener::bind(&path).expect("made"));
    assert!(path.exists());
    let _socket = UnixSocket::bind(&path).expect("made");
    connect(&path, LOOK).expect("somebody listens");
}

#[test]
fn one_that_another_has_put_there_stays() {
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

/// There is no listening on the path, and the error names it and says `part`; what is there stays.
#[track_caller]
fn check_refused(path: &Path, part: &str) {
    let before = identity(path).ok();
    let error = UnixSocket::bind(path).expect_err("not usable").to_string();
    assert!(error.contains(&path.display().to_string()) && error.contains(part), "{error}");
    assert_eq!(identity(path).ok(), before);
}

#[test]
fn what_is_there_is_never_taken_away() {
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

/// One whose queue is full is in use: nobody may wait for it, and it is not stale.
#[test]
fn one_whose_service_is_busy_is_in_use() {
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
async fn connections_come_from_every_socket() {
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
