//! What do the tests of this package and of the adapters share? Never part of the service itself.

#[cfg(test)]
pub(crate) mod loops;
pub mod meeting;
#[cfg(test)]
mod promise;
