//! Whose Django session is this? (spec: auth.md#session-key, auth.md#session-value)

mod authenticator;
mod fixed;
mod other_secret;
mod secret;
mod session;

use async_trait::async_trait;
pub use authenticator::DjangoAuthenticator;
use domain::ports::Unavailable;
use domain::ports::authenticator::SessionKey;
pub use fixed::FixedAuthenticator;
pub use other_secret::OtherSecretLog;
pub use secret::{DjangoSecret, DjangoSecretError, DjangoSecretFileError};

/// Where the sessions are stored. Not a port of the domain: only [`DjangoAuthenticator`] knows what a session's value
/// means.
///
/// Every call MUST end in bounded time. A session that was just created MUST be found.
#[async_trait]
pub trait SessionStore: Send + Sync {
    /// Returns the raw value of a session; `None` if there is none.
    async fn get(&self, key: &SessionKey) -> Result<Option<Vec<u8>>, Unavailable>;

    /// Returns which of these sessions exist, in order.
    async fn exist(&self, keys: &[SessionKey]) -> Result<Vec<bool>, Unavailable>;
}
