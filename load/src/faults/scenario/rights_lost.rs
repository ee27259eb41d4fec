//! The service's user in Redis loses all its rights for a while (`NOPERM`).

use super::super::redis_server::{RIGHTS, USER};
use super::super::trial::Trial;
use crate::error::LoadError;

/// For how long, in seconds.
const LOST_SECONDS: f64 = 10.0;

/// Takes the rights away, and gives them back.
pub(super) async fn strike(trial: &mut Trial) -> Result<(), LoadError> {
    trial.primary().run::<()>(&["ACL", "SETUSER", USER, "-@all"]).await?;
    trial.wait(LOST_SECONDS).await;
    let given: Vec<&str> = ["ACL", "SETUSER", USER].into_iter().chain(RIGHTS.split_whitespace()).collect();
    trial.primary().run::<()>(&given).await
}
