//! How does the service listen on a Unix socket, and who removes its file?

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener as StdUnixListener, UnixStream as StdUnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use socket2::{Domain, SockAddr, SockRef, Socket, Type};
use tokio::net::{UnixListener, UnixStream};

use super::acceptor::{Acceptor, accept_any};
use super::address::Address;
use super::limits::{BACKLOG_CONNECTIONS, UNSENT_BYTES_MAX};

/// Who may connect: the service's user and group, as with the sockets of other servers. Others need another group, or a
/// service manager that hands in the socket.
const MODE: u32 = 0o660;

/// How long it may take to find out whether somebody listens on an existing socket. Longer means: somebody does.
const LOOK: Duration = Duration::from_secs(1);

/// Why the service cannot listen on the Unix socket.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on the Unix socket {}: {problem}", path.display())]
pub struct UnixSocketError {
    path: PathBuf,
    problem: String,
}

/// A Unix socket that is listened on.
#[derive(Debug)]
pub struct UnixSocket {
    /// Removed before the listener closes: see [`SocketFile`].
    file: Option<SocketFile>,
    listener: StdUnixListener,
}

impl UnixSocket {
    /// Listens on `path`. A socket left there by a program that has ended is replaced; the file is removed when this is
    /// dropped.
    ///
    /// # Errors
    /// Somebody listens there, something other than a socket is there, or it cannot be created.
    pub fn bind(path: &Path) -> Result<Self, UnixSocketError> {
        let fail = |problem: String| UnixSocketError { path: path.to_owned(), problem };
        make_room(path).map_err(fail)?;
        let listen = || {
            let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
            socket.bind(&SockAddr::unix(path)?)?;
            let file = SocketFile::at(path)?;
            // Nobody can connect before `listen`, so the permissions it is created with let nobody in.
            fs::set_permissions(path, Permissions::from_mode(MODE))?;
            socket.listen(BACKLOG_CONNECTIONS.into())?;
            Ok(Self { file: Some(file), listener: socket.into() })
        };
        listen().map_err(|cause: io::Error| fail(format!("{cause}; {}", advice(&cause))))
    }
}

/// A socket that somebody else created, and removes.
impl From<StdUnixListener> for UnixSocket {
    fn from(listener: StdUnixListener) -> Self {
        Self { file: None, listener }
    }
}

/// Connects to the Unix socket at `path`, in bounded time.
pub(super) fn connect(path: &Path, limit: Duration) -> io::Result<StdUnixStream> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // A plain `connect` would block while the accept queue is full.
    socket.connect_timeout(&SockAddr::unix(path)?, limit)?;
    Ok(socket.into())
}

/// Removes the socket at `path` if nobody listens on it. Removing one that is in use would take it away from a running
/// service, which nobody would notice until its clients reconnect.
fn make_room(path: &Path) -> Result<(), String> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(format!("{error}; {}", advice(&error))),
    };
    if !metadata.file_type().is_socket() {
        return Err("something else is there; remove it, or name another path in AUTOUPDATE_HOST".to_owned());
    }
    match connect(path, LOOK) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(|error| format!("the unused socket there cannot be removed: {error}"))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Err(format!("a socket of another user is there: {error}; remove it, or name another path"))
        }
        _ => Err("another program listens there; stop it, or name another path in AUTOUPDATE_HOST".to_owned()),
    }
}

fn advice(cause: &io::Error) -> &'static str {
    match cause.kind() {
        io::ErrorKind::NotFound => "create its directory, and let the service's user write there",
        io::ErrorKind::PermissionDenied => "let the service's user write into its directory",
        io::ErrorKind::InvalidInput => "name a shorter path in AUTOUPDATE_HOST",
        _ => "name another path in AUTOUPDATE_HOST",
    }
}

/// The file of a socket that was created here; removed when this is dropped, unless another has taken its place.
///
/// The two are distinguished by their inodes. As long as the listener is open its inode is not reused, so this MUST be
/// dropped first.
#[derive(Debug)]
struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
}

impl SocketFile {
    fn at(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), identity: identity(path)? })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|found| found == self.identity) {
            // Where it cannot be removed, the next start replaces it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = fs::symlink_metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

/// Accepts connections over several Unix sockets.
#[derive(Debug)]
pub struct UnixAcceptor {
    /// Removed before the listeners close: see [`SocketFile`].
    _files: Vec<SocketFile>,
    listeners: Vec<UnixListener>,
    /// Which socket is asked first, so that a busy one does not starve the others.
    first: usize,
}

impl UnixAcceptor {
    /// Accepts from sockets that are already listening.
    ///
    /// # Errors
    /// A socket cannot be used with the runtime.
    pub fn new(sockets: Vec<UnixSocket>) -> io::Result<Self> {
        let (mut listeners, mut files) = (Vec::new(), Vec::new());
        for UnixSocket { file, listener } in sockets {
            listener.set_nonblocking(true)?;
            listeners.push(UnixListener::from_std(listener)?);
            files.extend(file);
        }
        Ok(Self { _files: files, listeners, first: 0 })
    }
}

impl Acceptor for UnixAcceptor {
    type Io = UnixStream;

    async fn accept(&mut self) -> io::Result<(UnixStream, Address)> {
        let (stream, _) = accept_any(&self.listeners, &mut self.first, UnixListener::poll_accept).await?;
        // The kernel doubles the configured value, and counts what was not read yet as unsent.
        if let Err(error) = SockRef::from(&stream).set_send_buffer_size(UNSENT_BYTES_MAX as usize / 2) {
            tracing::debug!(%error, "cannot set a socket option");
        }
        Ok((stream, Address::Unix(None)))
    }

    fn listening_on(&self) -> Vec<Address> {
        let addresses = self.listeners.iter().filter_map(|listener| listener.local_addr().ok());
        addresses.map(|address| Address::Unix(address.as_pathname().map(Path::to_owned))).collect()
    }
}

#[cfg(test)]
mod tests;
