//! How many connections does the system allow, if everything else is to keep its file descriptors?

use adapters::http::metrics::METRICS_CONNECTIONS_MAX;
use adapters::redis::REDIS_CONNECTIONS_MAX;

/// Reserved for the program itself: its standard streams, the event loop, signals, and files that are read.
const OWN_DESCRIPTORS: usize = 29;

/// What a connection to Redis may need while it is opened: its own descriptor, and two for name lookup.
const REDIS_CONNECTION_DESCRIPTORS: usize = 3;

/// Reserved for everything but clients: otherwise waiting clients could take the descriptors that Redis needs to
/// reconnect. Listening sockets are counted separately.
pub(crate) const RESERVED_DESCRIPTORS: usize =
    OWN_DESCRIPTORS + REDIS_CONNECTION_DESCRIPTORS * REDIS_CONNECTIONS_MAX + METRICS_CONNECTIONS_MAX + 1;

/// The system does not allow a single connection.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the system allows {allowed} open files, but {reserved} are needed besides client connections: raise the limit \
     (ulimit -n, LimitNOFILE=), ideally to CONNECTIONS_MAX plus {reserved}"
)]
pub(crate) struct TooFewDescriptors {
    allowed: u64,
    reserved: usize,
}

/// Raises the limit of open files as far as this process may, and returns for how many connections it suffices: at most
/// `connections_max`, besides this many `listeners`. Many systems start with a limit of 1024, for programs that could
/// not cope with more.
///
/// # Errors
/// It does not suffice for a single one.
pub(crate) fn connections_max(connections_max: usize, listeners: usize) -> Result<usize, TooFewDescriptors> {
    let needed = connections_max.saturating_add(RESERVED_DESCRIPTORS).saturating_add(listeners);
    match rlimit::increase_nofile_limit(needed as u64) {
        Ok(allowed) => within(allowed, connections_max, listeners),
        Err(error) => {
            tracing::warn!(%error, "cannot determine or raise the limit of open files");
            Ok(connections_max)
        }
    }
}

fn within(allowed: u64, connections_max: usize, listeners: usize) -> Result<usize, TooFewDescriptors> {
    let reserved = RESERVED_DESCRIPTORS.saturating_add(listeners);
    match usize::try_from(allowed).unwrap_or(usize::MAX).saturating_sub(reserved) {
        0 => Err(TooFewDescriptors { allowed, reserved }),
        connections => Ok(connections.min(connections_max)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// (spec: http.md#descriptors)
    #[test]
    fn connections_leave_the_reserve_alone() {
        let reserved = RESERVED_DESCRIPTORS;
        for (allowed, wanted, listeners, expected) in [
            (reserved + 21, 20, 1, Ok(20)),
            (reserved + 20, 20, 1, Ok(19)),
            (reserved + 20, 20, 3, Ok(17)),
            (1_000_000, 20_000, 1, Ok(20_000)),
            (reserved + 2, 20_000, 1, Ok(1)),
            (reserved + 1, 20_000, 1, Err(reserved + 1)),
            (0, 20_000, 1, Err(reserved + 1)),
        ] {
            let found = within(allowed as u64, wanted, listeners).map_err(|error| error.reserved);
            assert_eq!(found, expected, "{allowed} {wanted} {listeners}");
        }
        assert_eq!(within(u64::MAX, usize::MAX, 1), Ok(usize::MAX - reserved - 1));
    }
}
