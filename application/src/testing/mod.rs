//! What do tests of the use cases and of the edges share? Never part of the service itself.

#[cfg(test)]
pub(crate) mod loops;
pub mod meeting;
#[cfg(test)]
mod promise;
