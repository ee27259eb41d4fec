//! How many requests were answered, with which status, and how many connections are open?

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::route::ServiceRoute;

/// The statuses that are counted separately: those of errors (spec: http.md#errors). Any other is counted as 0.
const STATUSES: [u16; 9] = [200, 400, 404, 405, 413, 426, 429, 500, 503];

/// From here on, a status is trouble: too many requests, or an error of the service.
const TROUBLE_STATUS_MIN: u16 = 429;

/// Counters of one port. Neither reading nor counting ever waits.
#[derive(Debug, Default)]
pub struct HttpCounters {
    /// By route (the last one: unknown routes) and status (the last one: other statuses).
    requests: [[AtomicU64; STATUSES.len() + 1]; ServiceRoute::ALL.len() + 1],
    open: AtomicU64,
}

/// How often a route was answered with a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requests {
    /// The route; `None`: unknown routes.
    pub route: Option<ServiceRoute>,
    /// The status; 0: any that the service does not distinguish.
    pub status: u16,
    /// How often since startup.
    pub count: u64,
}

/// Counts a connection as open until it is dropped.
#[derive(Debug)]
pub(crate) struct OpenConnection(Arc<HttpCounters>);

impl HttpCounters {
    /// Counts an answer. Streams are counted when they begin.
    pub(crate) fn answered(&self, route: Option<ServiceRoute>, status: u16) {
        let row = route.map_or(ServiceRoute::ALL.len(), |route| route as usize);
        let column = STATUSES.iter().position(|known| *known == status).unwrap_or(STATUSES.len());
        self.requests[row][column].fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a connection as open.
    pub(crate) fn opened(self: &Arc<Self>) -> OpenConnection {
        self.open.fetch_add(1, Ordering::Relaxed);
        OpenConnection(Arc::clone(self))
    }

    /// Returns how often each route was answered with each status, where it happened at all, or where it should not:
    /// a number that appears when something happens for the first time does not rise, and would wake nobody.
    pub fn requests(&self) -> impl Iterator<Item = Requests> {
        let routes = ServiceRoute::ALL.into_iter().map(Some).chain([None]);
        routes.zip(&self.requests).flat_map(|(route, counts)| {
            let counts = STATUSES.into_iter().chain([0]).zip(counts);
            let counts = counts.map(move |(status, count)| (route, status, count.load(Ordering::Relaxed)));
            let is_told = |status: u16, count| count > 0 || status >= TROUBLE_STATUS_MIN;
            counts.filter(move |(_, status, count)| is_told(*status, *count)).map(|(route, status, count)| Requests {
                route,
                status,
                count,
            })
        })
    }

    /// Returns how many connections are open.
    #[must_use]
    pub fn open_connections(&self) -> u64 {
        self.open.load(Ordering::Relaxed)
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_counted_by_route_and_status() {
        let counters = HttpCounters::default();
        for (route, status) in [
            (Some(ServiceRoute::Health), 503),
            (Some(ServiceRoute::Health), 200),
            (Some(ServiceRoute::Health), 200),
            (None, 404),
            (Some(ServiceRoute::Notify), 418),
        ] {
            counters.answered(route, status);
        }
        let found = || counters.requests().map(|found| (found.route, found.status, found.count));
        let happened: Vec<_> = found().filter(|(_, _, count)| *count > 0).collect();
        let expected = [
            (Some(ServiceRoute::Notify), 0, 1),
            (Some(ServiceRoute::Health), 200, 2),
            (Some(ServiceRoute::Health), 503, 1),
            (None, 404, 1),
        ];
        assert_eq!(happened, expected);
        let not_yet = |status| found().filter(|(_, it, count)| *it == status && *count == 0).count();
        assert_eq!(
            [not_yet(500), not_yet(503), not_yet(400)],
            [ServiceRoute::ALL.len() + 1, ServiceRoute::ALL.len(), 0]
        );
    }

    #[test]
    fn every_route_has_its_own_counters() {
        for (index, route) in ServiceRoute::ALL.into_iter().enumerate() {
            assert_eq!(route as usize, index);
        }
    }

    #[test]
    fn connections_are_open_until_they_are_dropped() {
        let counters = Arc::new(HttpCounters::default());
        let (one, other) = (counters.opened(), counters.opened());
        assert_eq!(counters.open_connections(), 2);
        drop(one);
        assert_eq!(counters.open_connections(), 1);
        drop(other);
    }
}
