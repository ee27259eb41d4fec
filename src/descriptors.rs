//! Does the system allow as many connections as are configured?

/// File descriptors needed beside the clients' connections: sockets, Redis, metrics, files being read.
const OTHER_DESCRIPTORS: u64 = 100;

/// Raises the limit of open files as far as this process may, and tells the log if that is not enough for
/// `connections_max`. Many systems begin with a limit of 1024, for programs that could not cope with more.
pub(crate) fn raise(connections_max: usize) {
    let needed = (connections_max as u64).saturating_add(OTHER_DESCRIPTORS);
    match rlimit::increase_nofile_limit(needed) {
        Ok(limit) if limit >= needed => {}
        Ok(limit) => tracing::warn!(
            limit,
            needed,
            "the system allows fewer open files than CONNECTIONS_MAX needs: clients beyond that wait until others leave; \
             raise the limit (ulimit -n, LimitNOFILE=) or lower CONNECTIONS_MAX"
        ),
        Err(error) => tracing::warn!(%error, "cannot raise the limit of open files"),
    }
}
