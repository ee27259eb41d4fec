//! Who may open one more stream? (spec: http.md#fair-shares)

use std::fmt;
use std::sync::Arc;

use domain::ids::UserId;

use super::address::ClientAddress;
use super::occupancy::{Occupancy, Place};
use super::refusals::{Limit, Refusals};

/// How many streams may be open at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamLimits {
    /// In all.
    pub all_max: usize,
    /// Of one user; anonymous users have no limit of their own.
    pub per_user_max: usize,
    /// Of one address.
    pub per_address_max: usize,
}

/// The places for streams.
#[derive(Debug)]
pub struct StreamPlaces {
    all: Arc<Occupancy<()>>,
    users: Arc<Occupancy<UserId>>,
    addresses: Arc<Occupancy<ClientAddress>>,
    refusals: Arc<Refusals>,
}

/// The place of an open stream: to be kept as long as the stream, and dropped with it.
#[derive(Debug)]
pub struct StreamPlace {
    #[expect(dead_code, reason = "they are kept, and free themselves")]
    places: (Place<()>, Option<Place<UserId>>, Option<Place<ClientAddress>>),
}

impl StreamPlaces {
    /// Creates places within these limits; who gets none is counted in `refusals`.
    #[must_use]
    pub fn new(limits: StreamLimits, refusals: Arc<Refusals>) -> Self {
        Self {
            all: Occupancy::new(limits.all_max),
            users: Occupancy::new(limits.per_user_max),
            addresses: Occupancy::new(limits.per_address_max),
            refusals,
        }
    }

    /// Takes a place for a stream of `user` (`None`: anonymous) from `address` (`None`: its limit does not apply).
    ///
    /// # Errors
    /// There is none left; returns the limit that is met.
    pub fn take(&self, user: Option<UserId>, address: Option<ClientAddress>) -> Result<StreamPlace, Limit> {
        // The narrowest limit first: it says best who is to blame.
        let user = user.map(|user| {
            self.users.take(user).ok_or_else(|| self.refuse(Limit::StreamsPerUser, &format_args!("user {}", user.0)))
        });
        let address = address
            .map(|address| self.addresses.take(address).ok_or_else(|| self.refuse(Limit::StreamsPerAddress, &address)));
        let (user, address) = (user.transpose()?, address.transpose()?);
        let all = self.all.take(()).ok_or_else(|| self.refuse(Limit::Streams, &"everybody"))?;
        Ok(StreamPlace { places: (all, user, address) })
    }

    fn refuse(&self, limit: Limit, whom: &dyn fmt::Display) -> Limit {
        self.refusals.refused(limit, whom);
        limit
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use domain::ports::clock::Clock;
    use domain::testing::ManualClock;

    use super::*;

    const LIMITS: StreamLimits = StreamLimits { all_max: 5, per_user_max: 2, per_address_max: 3 };

    /// A stream: its user, the end of its address, and whether it gets a place.
    type Case = (Option<u64>, Option<u8>, Result<(), Limit>);

    /// Opens streams one after the other, and checks which of them get a place.
    #[track_caller]
    fn check(streams: &[Case]) {
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(0));
        let refusals = Refusals::new(&clock);
        let places = StreamPlaces::new(LIMITS, Arc::clone(&refusals));
        let mut open = Vec::new();
        for (user, address, expected) in streams {
            let address = address.map(|last| ClientAddress::from(IpAddr::from([192, 0, 2, last])));
            let taken = places.take(user.map(UserId), address);
            assert_eq!(taken.as_ref().map(|_| ()).map_err(|limit| *limit), *expected, "{user:?} {address:?}");
            open.extend(taken);
        }
        let refused: u64 = refusals.counts().map(|(_, count)| count).sum();
        assert_eq!(refused as usize, streams.len() - open.len());
        // When all have ended, everything is free again, whatever was refused.
        drop(open);
        assert!((0..LIMITS.all_max).map(|_| places.take(None, None)).collect::<Vec<_>>().iter().all(Result::is_ok));
    }

    /// (spec: http.md#fair-shares)
    #[test]
    fn users_addresses_and_everybody_have_their_limits() {
        let user = Err(Limit::StreamsPerUser);
        check(&[
            (Some(5), None, Ok(())),
            (Some(5), Some(1), Ok(())),
            (Some(5), Some(2), user),
            (Some(6), None, Ok(())),
        ]);
        let address = Err(Limit::StreamsPerAddress);
        check(&[
            (None, Some(1), Ok(())),
            (Some(5), Some(1), Ok(())),
            (Some(6), Some(1), Ok(())),
            (None, Some(1), address),
        ]);
        let mut all = vec![(None, None, Ok(())); 5];
        all.push((None, None, Err(Limit::Streams)));
        check(&all);
    }

    #[test]
    fn what_is_refused_takes_no_place() {
        let address = Err(Limit::StreamsPerAddress);
        let from_one = [(None, Some(1), Ok(())); 3];
        let refused = [(Some(5), Some(1), address); 4];
        check(&[&from_one[..], &refused, &[(Some(5), Some(2), Ok(())), (Some(5), None, Ok(()))]].concat());
    }
}
