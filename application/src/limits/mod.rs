//! How much may one user, and one address, demand of the service? (spec: http.md#fair-shares)

pub mod address;
pub mod occupancy;
pub mod rate;
pub mod refusals;
pub mod streams;
