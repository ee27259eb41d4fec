//! Who is served, and for how long? (spec: auth.md#ends-at-once)

pub mod admission;
pub mod check;
pub mod grant;
