//! May this program open as many files as its clients need?

use crate::error::LoadError;

/// What is needed besides the connections of clients: standard streams, the runtime, names that are looked up,
/// certificates, metrics, messages, the report.
const RESERVED: u64 = 100;

/// Checks it before the clients start: otherwise the last of them would fail, which looks like the installation's fault.
///
/// # Errors
/// Returns an error that says how many are needed, and what to do.
pub(super) fn check(clients: usize, connections_of_client: usize) -> Result<(), LoadError> {
    let needed = (clients * connections_of_client) as u64 + RESERVED;
    match rlimit::increase_nofile_limit(needed) {
        Ok(allowed) => within(allowed, clients, connections_of_client),
        // It cannot be determined here, and may well suffice.
        Err(_) => Ok(()),
    }
}

fn within(allowed: u64, clients: usize, connections_of_client: usize) -> Result<(), LoadError> {
    let needed = (clients * connections_of_client) as u64 + RESERVED;
    if needed <= allowed {
        return Ok(());
    }
    let possible = allowed.saturating_sub(RESERVED) / connections_of_client as u64;
    let each = match connections_of_client {
        1 => "a connection".to_owned(),
        several => format!("{several} connections, because HTTP/1.1 shares none,"),
    };
    Err(LoadError::Usage(format!(
        "{clients} clients with {each} each need {needed} open files, but this program may open {allowed}: raise the limit \
         (ulimit -n {needed}; above the hard limit, only root may) or give --clients {possible} at most"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_clients_are_refused_with_the_number_that_is_possible() {
        for (allowed, clients, each, expected) in [
            (1_100, 1_000, 1, None),
            (
                1_099,
                1_000,
                1,
                Some(["1000 clients", "need 1100 ", "may open 1099", "ulimit -n 1100", "--clients 999 "]),
            ),
            (2_100, 1_000, 2, None),
            (
                1_024,
                1_000,
                3,
                Some(["3 connections", "need 3100 ", "may open 1024", "ulimit -n 3100", "--clients 308 "]),
            ),
            (10, 1, 1, Some(["1 clients", "need 101 ", "may open 10", "ulimit -n 101", "--clients 0 "])),
        ] {
            let found = within(allowed, clients, each).err().map(|error| error.to_string());
            assert_eq!(found.is_some(), expected.is_some(), "{allowed} {clients} {each}: {found:?}");
            for part in expected.into_iter().flatten() {
                assert!(found.as_ref().is_some_and(|text| text.contains(part)), "{part} in {found:?}");
            }
        }
    }
}
