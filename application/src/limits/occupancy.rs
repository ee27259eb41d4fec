//! How many things of a kind does each owner have at the moment?

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counts what each owner has, up to a maximum. Owners who have nothing are not remembered, so it holds as many entries
/// as there are places taken, at most.
#[derive(Debug)]
pub struct Occupancy<K: Copy + Eq + Hash> {
    places_max: usize,
    taken: Mutex<HashMap<K, usize>>,
}

/// A place that is taken; dropping it frees the place.
#[derive(Debug)]
pub struct Place<K: Copy + Eq + Hash> {
    occupancy: Arc<Occupancy<K>>,
    owner: K,
}

impl<K: Copy + Eq + Hash> Occupancy<K> {
    /// Allows each owner `places_max` places.
    #[must_use]
    pub fn new(places_max: usize) -> Arc<Self> {
        Arc::new(Self { places_max, taken: Mutex::default() })
    }

    /// Takes a place for `owner`, who keeps it until it is dropped. `None`: the owner has as many as are allowed.
    #[must_use]
    pub fn take(self: &Arc<Self>, owner: K) -> Option<Place<K>> {
        let mut taken = self.taken();
        let count = taken.get(&owner).copied().unwrap_or(0);
        if count >= self.places_max {
            return None;
        }
        taken.insert(owner, count + 1);
        Some(Place { occupancy: Arc::clone(self), owner })
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<K, usize>> {
        // A panic leaves nothing half done.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Copy + Eq + Hash> Drop for Place<K> {
    fn drop(&mut self) {
        let mut taken = self.occupancy.taken();
        match taken.get_mut(&self.owner) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(taken.remove(&self.owner)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_owner_has_places_of_its_own_and_gets_them_back() {
        let places = Occupancy::new(2);
        let (first, second) = (places.take('a'), places.take('a'));
        assert!(first.is_some() && second.is_some());
        assert!(places.take('a').is_none());
        assert!(places.take('b').is_some(), "others are not concerned");
        drop(first);
        let third = places.take('a');
        assert!(third.is_some());
        assert!(places.take('a').is_none());
    }

    #[test]
    fn owners_without_a_place_are_forgotten() {
        let places = Occupancy::new(2);
        let taken: Vec<_> = (0..100).flat_map(|owner| [places.take(owner), places.take(owner)]).collect();
        assert_eq!(places.taken().len(), 100);
        drop(taken);
        assert_eq!(places.taken().len(), 0);
    }
}
