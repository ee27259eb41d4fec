//! What does the service do, and what do its connections share? The use cases between the rules and the edges.
//!
//! It keeps locks, caches and encodings, and waits; it knows no HTTP, no Redis and no TLS. The modules are listed in
//! the order in which a change passes through them on its way to a client: [`ingest`] follows the store, [`publishing`]
//! holds what is served, [`streams`] finds out who is affected, [`autoupdate`], [`projector`] and [`notify`] say what
//! each kind of stream carries, [`delivery`] turns it into bytes, once for everybody who needs the same.

pub mod autoupdate;
pub mod backoff;
pub mod delivery;
pub mod histogram;
pub mod ingest;
pub mod limits;
pub mod notify;
pub mod once_a_minute;
pub mod projector;
pub mod publishing;
pub mod readiness;
pub mod sessions;
pub mod stopping;
pub mod streams;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
